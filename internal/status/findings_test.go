package status

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/exposure"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// findingsOf writes the findings of a status in short, with the namespace that each names.
func findingsOf(s *v1alpha1.SegmentationProfileStatus) []string {
	out := make([]string, 0, len(s.Findings))
	for _, f := range s.Findings {
		out = append(out, strings.TrimSpace(f.Reason+" "+string(f.Namespace))+": "+f.Message)
	}
	return out
}

// seenWith is a claimed namespace of the tier web of which something is seen.
func seenWith(name string, set func(*Namespace)) Namespace {
	n := claimed(name, Settled)
	set(&n)
	return n
}

func TestFindingsAboutTheProfileAsAWhole(t *testing.T) {
	t.Parallel()
	ofWiki := func(n *Namespace) { n.Decision.Profile, n.Decision.Tier, n.Decision.Selections = "wiki", "pages", nil }
	peer := func(n *Namespace) {
		n.PeerOf = []PeerOf{{Profile: "shop", Peer: "ops"}, {Profile: "blog", Peer: "other"}}
	}
	empty := func(n *Namespace) { n.WithoutPods = []string{"front"} }
	const isMember = " of tier pages of profile wiki: its own policies decide, so that the peer opens nothing there unless they allow it; " +
		"name the tier in the dependency instead"
	tests := map[string]struct {
		namespaces []Namespace
		found      []plan.Finding
		want       []string
	}{
		"nothing": {namespaces: []Namespace{claimed("a", Settled)}},
		"what the cluster says, in order": {
			found: []plan.Finding{
				{Reason: v1alpha1.ReasonServiceMissing, Message: "dependency e: it is missing"},
				{Reason: v1alpha1.ReasonServiceMissing, Message: "dependency d: it is missing"},
				{Reason: v1alpha1.ReasonDNSMissing, Namespace: "kube-system", Message: "it is not there"},
			},
			want: []string{"DNSMissing kube-system: it is not there", "ServiceMissing: dependency d: it is missing", "ServiceMissing: dependency e: it is missing"},
		},
		"a Service without pods": {
			namespaces: []Namespace{seenWith("a", empty)},
			want: []string{
				"ServiceWithoutPods a: the Service front, which a dependency names, selects no pod here; it opens nothing until it does",
			},
		},
		"a Service without pods in several namespaces is found once, in the first": {
			namespaces: []Namespace{
				seenWith("c", empty), seenWith("a", func(n *Namespace) { n.WithoutPods = []string{"back", "front"} }), seenWith("b", empty),
			},
			want: []string{
				"ServiceWithoutPods a: the Service back, which a dependency names, selects no pod here; it opens nothing until it does",
				"ServiceWithoutPods a: the Service front, which a dependency names, selects no pod here (and in 2 more); it opens nothing until it does",
			},
		},
		"of namespaces of others nothing is said": {
			namespaces: []Namespace{seenWith("a", func(n *Namespace) {
				empty(n)
				ofWiki(n)
			}), seenWith("b", func(n *Namespace) {
				empty(n)
				n.Decision.Outcome = claim.Held
			})},
		},
		"a peer that is a member of a profile": {
			namespaces: []Namespace{seenWith("a", func(n *Namespace) {
				peer(n)
				ofWiki(n)
			})},
			want: []string{"PeerIsMember a: peer ops chooses this namespace, which is a member" + isMember},
		},
		"a peer in several": {
			namespaces: []Namespace{seenWith("y", func(n *Namespace) {
				peer(n)
				ofWiki(n)
			}), seenWith("x", func(n *Namespace) {
				peer(n)
				ofWiki(n)
			})},
			want: []string{"PeerIsMember x: peer ops chooses this namespace (and in 1 more), which is a member" + isMember},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Summarize(Input{Profile: shop().Obj(), Namespaces: tc.namespaces, Findings: tc.found, Now: noon})
			if diff := cmp.Diff(tc.want, findingsOf(&got), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if int(got.FindingsTotal) != len(tc.want) {
				t.Errorf("total %d, want %d", got.FindingsTotal, len(tc.want))
			}
			if meta.IsStatusConditionFalse(got.Conditions, v1alpha1.ConditionReady) {
				t.Errorf("what is found keeps the profile from being ready: %v", got.Conditions)
			}
		})
	}
}

// Of ports is known what the namespaces of the tier say, all together.
func TestMistypedPortsAreFound(t *testing.T) {
	t.Parallel()
	profile := shop().Dependency(builders.MakeDependency("d").FromTier("api").ToTier("web").
		Ports(v1alpha1.Port{Port: new(intstr.FromInt32(8080))}, v1alpha1.Port{Port: new(intstr.FromString("htpp"))}).Obj()).Obj()
	p, errs := plan.Compile(profile)
	if len(errs) > 0 {
		t.Fatal(errs.ToAggregate())
	}
	with := func(name string, ports ...exposure.Port) Namespace {
		return seenWith(name, func(n *Namespace) { n.Ports = ports })
	}
	http, admin := exposure.Port{Protocol: "TCP", Number: 8080, Name: "http"}, exposure.Port{Protocol: "TCP", Number: 9000}
	const mistyped = "PortNotExposed: dependency d: no pod and no Service in tier web has port htpp/TCP; if it is not mistyped, nothing needs to be done"
	of := func(n Namespace) Namespace {
		n.Decision.Profile = "wiki"
		return n
	}
	tests := map[string]struct {
		plan       *plan.Plan
		namespaces []Namespace
		want       []string
	}{
		"one of two is mistyped":               {p, []Namespace{with("a", admin), with("b"), with("c", http)}, []string{mistyped}},
		"nobody says on which ports it is":     {p, []Namespace{with("a"), with("b")}, nil},
		"only others do":                       {p, []Namespace{of(with("a", admin))}, nil},
		"as long as the spec does not compile": {nil, []Namespace{with("a", http)}, nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Summarize(Input{Profile: profile, Plan: tc.plan, Namespaces: tc.namespaces, Now: noon})
			if diff := cmp.Diff(tc.want, findingsOf(&got), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}
