package simulation

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
)

func (s *simulated) describe() string {
	var out strings.Builder
	for _, name := range s.store.cluster() {
		fmt.Fprintln(&out, "namespace", name, s.store.namespaces[name].Labels)
	}
	for i, line := range s.log {
		fmt.Fprintln(&out, i, line)
		write(&out, s.states[i].policies)
	}
	fmt.Fprintln(&out, s.machine.life.reconciler.Census)
	fmt.Fprintf(&out, "BEFORE\n%s\nAFTER\n%s", s.before, s.policies())
	return out.String()
}

// declared writes the profiles and the labels of namespaces. Peers are always the same.
func (s *simulated) declared() string {
	var out strings.Builder
	for _, name := range s.store.cluster() {
		fmt.Fprintln(&out, "    namespace", name, s.store.namespaces[name].Labels, s.store.services(name))
	}
	for _, name := range slices.Sorted(maps.Keys(s.store.profiles)) {
		p := s.store.profiles[name].DeepCopy()
		p.Spec.Peers = nil
		raw, err := json.Marshal(&p.Spec)
		fmt.Fprintf(&out, "    profile %s %s %v %v\n", name, raw, err, p.DeletionTimestamp)
	}
	return out.String()
}

// policies writes the labels and policies of all namespaces.
func (s *simulated) policies() string {
	var out strings.Builder
	for _, name := range s.store.cluster() {
		fmt.Fprintln(&out, "namespace", name, s.store.namespaces[name].Labels)
		write(&out, s.store.policies(name))
	}
	return out.String()
}

func write(out *strings.Builder, policies []*networkingv1.NetworkPolicy) {
	for _, p := range policies {
		raw, err := json.Marshal(&p.Spec)
		fmt.Fprintf(out, "  %s %s %v\n", p.Name, raw, err)
	}
}
