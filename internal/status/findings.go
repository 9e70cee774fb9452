package status

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/exposure"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// addFindings adds what is found about the profile as a whole.
func (t *tally) addFindings(in *Input) {
	for _, f := range in.Findings {
		t.find(f.Reason, f.Namespace, f.Message)
	}
	t.addGuard(in)
	for _, f := range in.Mesh.Findings {
		t.find(f.Reason, f.Namespace, f.Message)
	}
	t.addEngine(in)
	t.addPeers(in)
	t.addCalled(in)
	ports, withoutPods := map[string][][]exposure.Port{}, map[string][]*Namespace{}
	for i := range in.Namespaces {
		n := &in.Namespaces[i]
		if n.Decision.Profile != in.Profile.Name || n.Decision.Outcome != claim.Claimed {
			continue
		}
		if len(n.Ports) > 0 {
			ports[n.Decision.Tier] = append(ports[n.Decision.Tier], n.Ports)
		}
		for _, service := range n.WithoutPods {
			withoutPods[service] = append(withoutPods[service], n)
		}
	}
	for _, service := range slices.Sorted(maps.Keys(withoutPods)) {
		first, more := firstOf(withoutPods[service])
		t.find(v1alpha1.ReasonServiceWithoutPods, first.Name, fmt.Sprintf(
			"the Service %s, which a dependency names, selects no pod here%s; it opens nothing until it does", service, more))
	}
	if in.Plan != nil {
		for _, m := range exposure.Unknown(in.Plan, ports) {
			t.find(v1alpha1.ReasonPortNotExposed, "", m.Message())
		}
	}
}

// addCalled finds the Services of peers that select no pod, each once.
func (t *tally) addCalled(in *Input) {
	if in.Plan == nil {
		return
	}
	withoutPods := map[plan.Called][]*Namespace{}
	for i := range in.Namespaces {
		for _, called := range in.Namespaces[i].CalledWithoutPods {
			withoutPods[called] = append(withoutPods[called], &in.Namespaces[i])
		}
	}
	for _, called := range in.Plan.Calls() {
		if namespaces := withoutPods[called]; len(namespaces) > 0 {
			first, more := firstOf(namespaces)
			t.find(v1alpha1.ReasonServiceWithoutPods, first.Name, fmt.Sprintf(
				"the Service %s of peer %s selects no pod here%s; it opens nothing until it does", called.Service, called.Peer, more))
		}
	}
}

// firstOf returns the first of some namespaces by name, and in words how many more there are.
func firstOf(namespaces []*Namespace) (first *Namespace, more string) {
	if n := len(namespaces); n > 1 {
		more = fmt.Sprintf(" (and in %d more)", n-1)
	}
	return slices.MinFunc(namespaces, func(a, b *Namespace) int { return cmp.Compare(a.Name, b.Name) }), more
}

// addPeers finds the peers whose namespaces are members of a profile, each once.
func (t *tally) addPeers(in *Input) {
	members := map[string][]*Namespace{}
	for i := range in.Namespaces {
		for _, of := range in.Namespaces[i].PeerOf {
			if of.Profile == in.Profile.Name {
				members[of.Peer] = append(members[of.Peer], &in.Namespaces[i])
			}
		}
	}
	for _, peer := range slices.Sorted(maps.Keys(members)) {
		first, more := firstOf(members[peer])
		t.find(v1alpha1.ReasonPeerIsMember, first.Name, fmt.Sprintf("peer %s chooses this namespace%s, which is a member of tier %s of "+
			"profile %s: its own policies decide, so that the peer opens nothing there unless they allow it; "+
			"name the tier in the dependency instead",
			peer, more, first.Decision.Tier, first.Decision.Profile))
	}
}
