package mesh_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/sets"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/plan/plantest"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// The mesh lets in what NetworkPolicies let in, but for what docs/istio.md says. That is put into words here as another
// profile, whose NetworkPolicies are compared: one that chooses callers as a mesh does, and has no dependency, pods or ports
// that a mesh cannot say. Where nothing of that kind is in a profile, the other profile is the same.
func TestTheMeshLetsInWhatNetworkPoliciesLetIn(t *testing.T) {
	t.Parallel()
	var judged, exact atomic.Int64
	rapid.Check(t, func(t *rapid.T) {
		profile := plantest.Meshed().Draw(t, "profile")
		w := newWorld(mustCompile(t, profile))
		judge, findings := w.render()
		said := inWords(profile)
		cluster := w.cluster(t, mustCompile(t, said.profile))
		for f := range w.flows() {
			judged.Add(1)
			want := cluster.Allowed(f).Ingress && (f.From.Pod != nil || !w.plan.Istio.StrictTLS || !isMember(w, f.To.Pod))
			got := judge.Judge(w.caller(f.From), mesh.Called{Namespace: f.To.Pod.Namespace, Labels: f.To.Pod.Labels, Port: f.Port})
			if want != got.Allowed {
				t.Fatalf("%s: the NetworkPolicies say %v, the mesh %v: %s", text(f), want, got.Allowed, cluster.Explain(f))
			}
		}
		if len(findings) == 0 {
			exact.Add(1)
		}
		if diff := cmp.Diff(said.less, dependenciesOf(findings, v1alpha1.ReasonMeshAdmitsLess)); diff != "" {
			t.Errorf("dependencies of which less is admitted (-want +found):\n%s", diff)
		}
		if diff := cmp.Diff(said.more, dependenciesOf(findings, v1alpha1.ReasonMeshAdmitsMore)); diff != "" {
			t.Errorf("dependencies of which more is admitted (-want +found):\n%s", diff)
		}
	})
	t.Logf("flows judged: %d; profiles of which nothing is found: %d", judged.Load(), exact.Load())
}

func isMember(w *world, pod *reach.Pod) bool {
	for _, names := range w.members {
		if slices.Contains(names, pod.Namespace) {
			return true
		}
	}
	return false
}

// flows are TCP flows from everybody to every pod.
func (w *world) flows() func(func(reach.Flow) bool) {
	return func(yield func(reach.Flow) bool) {
		for _, from := range w.ends {
			for _, to := range w.ends {
				if to.Pod == nil || from.Pod == to.Pod {
					continue
				}
				for _, port := range []int32{1, 80, 85, 90, 443, 65535} {
					if !yield(reach.Flow{From: from, To: to, Protocol: corev1.ProtocolTCP, Port: port}) {
						return
					}
				}
			}
		}
	}
}

// inWords is a profile that says for NetworkPolicies what a mesh can say, and which dependencies say something else by that.
type words struct {
	profile    *v1alpha1.SegmentationProfile
	less, more []string
}

func inWords(profile *v1alpha1.SegmentationProfile) words {
	out := words{profile: profile.DeepCopy(), less: []string{}, more: []string{}}
	out.profile.Spec.Dependencies = nil
	for i, d := range profile.DeepCopy().Spec.Dependencies {
		// Of the API server no addresses are known here, and it opens nothing.
		isInto := d.To.Peer == "" && (len(d.Access) == 0 || len(d.Ports) > 0) && !isAPIServer(profile, d.From.Peer)
		choice := choiceOf(d.To.Pods)
		if isInto && choice == "expressions" {
			out.less = append(out.less, string(d.Name))
		}
		had := len(d.Ports)
		d.Ports = slices.DeleteFunc(d.Ports, isBeyondIstio)
		if isInto && choice == "labels" && len(d.Ports) < had && !opensAll(d.Ports) {
			out.less = append(out.less, string(d.Name))
		}
		if !isInto || choice == "expressions" || had > 0 && len(d.Ports) == 0 {
			continue
		}
		caller := d.From.Peer
		d.Access = nil // It is about the API, and goes with no choice of pods.
		isNarrow := out.widen(&d, fmt.Sprint("peer-of-", i))
		if isNarrow && choice == "labels" && opensTCP(d.Ports) {
			out.more = append(out.more, string(d.Name))
		}
		if choice == "labels" && profile.Spec.Mesh.Istio.MutualTLS == v1alpha1.MutualTLSStrict && caller != "" &&
			opensTCP(d.Ports) && hasAddresses(profile, caller) && !slices.Contains(out.less, string(d.Name)) {
			out.less = append(out.less, string(d.Name))
		}
		out.profile.Spec.Dependencies = append(out.profile.Spec.Dependencies, d)
	}
	slices.Sort(out.less)
	slices.Sort(out.more)
	return out
}

// widen has a dependency choose callers by their service accounts, or as whole namespaces; it tells whether pods were chosen.
func (w *words) widen(d *v1alpha1.Dependency, name string) bool {
	var accounts *v1alpha1.LabelSelector
	if len(d.From.ServiceAccounts) > 0 {
		accounts = builders.LabelSelector(nil, builders.In(accountLabel))
		for _, a := range d.From.ServiceAccounts {
			accounts.MatchExpressions[0].Values = append(accounts.MatchExpressions[0].Values, v1alpha1.LabelValue(a))
		}
		d.From.ServiceAccounts = nil
	}
	pods := &d.From.Pods
	if d.From.Peer != "" {
		i := slices.IndexFunc(w.profile.Spec.Peers, func(p v1alpha1.Peer) bool { return p.Name == d.From.Peer })
		peer := *w.profile.Spec.Peers[i].DeepCopy()
		if peer.Namespaces == nil {
			return false
		}
		peer.Name = v1alpha1.Name(name)
		d.From.Peer = peer.Name
		w.profile.Spec.Peers = append(w.profile.Spec.Peers, peer)
		pods = &w.profile.Spec.Peers[len(w.profile.Spec.Peers)-1].Pods
	}
	isNarrow := accounts == nil && *pods != nil && len((*pods).MatchLabels)+len((*pods).MatchExpressions) > 0
	*pods = accounts
	return isNarrow
}

func hasAddresses(profile *v1alpha1.SegmentationProfile, name v1alpha1.Name) bool {
	i := slices.IndexFunc(profile.Spec.Peers, func(p v1alpha1.Peer) bool { return p.Name == name })
	return len(profile.Spec.Peers[i].CIDRs) > 0 || profile.Spec.Peers[i].Internet != nil
}

func isAPIServer(profile *v1alpha1.SegmentationProfile, name v1alpha1.Name) bool {
	return slices.ContainsFunc(profile.Spec.Peers, func(p v1alpha1.Peer) bool { return p.Name == name && p.APIServer != nil })
}

// choiceOf says how pods can be chosen, of those selectors with which profiles are drawn.
func choiceOf(s *v1alpha1.LabelSelector) string {
	switch {
	case s == nil || len(s.MatchExpressions) == 0:
		return "labels"
	case s.MatchExpressions[0].Operator != v1alpha1.LabelSelectorOpIn || len(s.MatchExpressions[0].Values) > 1:
		return "expressions"
	case len(s.MatchLabels) > 0:
		return "nobody"
	default:
		return "labels"
	}
}

// isBeyondIstio tells whether a port cannot be said: it has a name, or is a range of too many.
func isBeyondIstio(p v1alpha1.Port) bool {
	return (p.Protocol == "" || p.Protocol == corev1.ProtocolTCP) && p.Port != nil &&
		(p.Port.Type == intstr.String || p.EndPort-p.Port.IntVal > 1000)
}

func opensAll(ports []v1alpha1.Port) bool {
	return slices.ContainsFunc(ports, func(p v1alpha1.Port) bool {
		return (p.Protocol == "" || p.Protocol == corev1.ProtocolTCP) && p.Port == nil
	})
}

func opensTCP(ports []v1alpha1.Port) bool {
	return len(ports) == 0 || slices.ContainsFunc(ports, func(p v1alpha1.Port) bool {
		return p.Protocol == "" || p.Protocol == corev1.ProtocolTCP
	})
}

// dependenciesOf are the dependencies of which findings with a reason speak.
func dependenciesOf(findings []plan.Finding, reason string) []string {
	names := sets.New[string]()
	for _, f := range findings {
		if f.Reason == reason {
			name, _, _ := strings.Cut(strings.TrimPrefix(f.Message, "dependency "), ":")
			names.Insert(name)
		}
	}
	return sets.List(names)
}
