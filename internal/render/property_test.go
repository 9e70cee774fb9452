package render_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan/plantest"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// flowsPerProfile is how many flows are judged for each profile.
const flowsPerProfile = 200

func TestPoliciesAllowWhatIsDeclaredAndNothingElse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		profile := plantest.Profile().Draw(t, "profile")
		w := newWorld(profile)
		cluster, declared := w.cluster(t, mustRender(t, profile)), w.declaration()
		for range flowsPerProfile {
			flow := w.flow(t)
			if diff := cmp.Diff(declared.verdict(flow), cluster.Allowed(flow)); diff != "" {
				t.Fatalf("%s (-declared +rendered):\n%s", text(flow), diff)
			}
		}
	})
}

func TestOneMoreDependencyNeverClosesAPath(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		profile := plantest.Profile().Draw(t, "profile")
		if len(profile.Spec.Dependencies) == 0 {
			return
		}
		w := newWorld(profile)
		with := w.cluster(t, mustRender(t, profile))
		i := rapid.IntRange(0, len(profile.Spec.Dependencies)-1).Draw(t, "dependency")
		profile.Spec.Dependencies = slices.Delete(profile.Spec.Dependencies, i, i+1)
		without := w.cluster(t, mustRender(t, profile))
		for range flowsPerProfile {
			flow := w.flow(t)
			before, after := without.Allowed(flow), with.Allowed(flow)
			if before.Egress && !after.Egress || before.Ingress && !after.Ingress {
				t.Fatalf("%s: without the dependency %+v, with it %+v", text(flow), before, after)
			}
		}
	})
}

func TestWithoutDependenciesOnlyInternalTrafficAndDNSAreLeft(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		profile := plantest.Profile().Draw(t, "profile")
		profile.Spec.Dependencies = nil
		w := newWorld(profile)
		cluster, declared := w.cluster(t, mustRender(t, profile)), w.declaration()
		for range flowsPerProfile {
			flow := w.flow(t)
			from, to := declared.tierOf(flow.From.Pod), declared.tierOf(flow.To.Pod)
			if from == nil && to == nil || !cluster.Allowed(flow).Allowed() || flow.From.Pod == flow.To.Pod {
				continue
			}
			internal := from != nil && from == to && declared.internal(from, flow)
			if !internal && (to != nil || !declared.toDNS(flow)) {
				t.Fatalf("%s is allowed", text(flow))
			}
		}
	})
}

func TestTheOrderOfListsDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		profile := plantest.Profile().Draw(t, "profile")
		want := asJSON(t, mustRender(t, profile))
		if diff := cmp.Diff(want, asJSON(t, mustRender(t, profile))); diff != "" {
			t.Fatalf("objects (-once +again):\n%s", diff)
		}
		if diff := cmp.Diff(want, asJSON(t, mustRender(t, plantest.Shuffled(t, profile)))); diff != "" {
			t.Fatalf("objects (-in order +shuffled):\n%s", diff)
		}
	})
}

func asJSON(t rapid.TB, v any) string {
	t.Helper()
	raw, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestTheAPIServerTakesObjectsAndReturnsThemAsTheyAre(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		profile := plantest.Profile().Draw(t, "profile")
		for tier, objects := range mustRender(t, profile) {
			checkAccepted(t, tier, objects)
			for _, p := range objects.Policies {
				checkRoundTrip(t, p, &networkingv1.NetworkPolicy{})
			}
		}
	})
}

// checkAccepted is for properties and fuzzing.
func checkAccepted(t *rapid.T, tier string, objects render.Objects) {
	placed := objects.In("some-namespace")
	if errs := refusals(placed); len(errs) > 0 {
		t.Fatalf("tier %s: the API server would refuse: %v", tier, errs.ToAggregate())
	}
	if missing := undefaulted(placed); len(missing) > 0 {
		t.Fatalf("tier %s: the API server would fill in: %v", tier, missing)
	}
}

// checkRoundTrip writes and reads a policy as the API server does. Lists that are empty
// instead of missing, and the like, would show.
func checkRoundTrip(t *rapid.T, sent, returned *networkingv1.NetworkPolicy) {
	if err := json.Unmarshal([]byte(asJSON(t, sent)), returned); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sent, returned); diff != "" {
		t.Fatalf("through JSON (-sent +returned):\n%s", diff)
	}
	raw, err := sent.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	returned = &networkingv1.NetworkPolicy{TypeMeta: sent.TypeMeta}
	if err := returned.Unmarshal(raw); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sent, returned); diff != "" {
		t.Fatalf("through protobuf (-sent +returned):\n%s", diff)
	}
}

func TestRulesAndSelectorsAreNeverEmptyByAccident(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		profile := plantest.Profile().Draw(t, "profile")
		for tier, objects := range mustRender(t, profile) {
			for _, p := range objects.Policies {
				everyPod := len(p.Spec.PodSelector.MatchLabels)+len(p.Spec.PodSelector.MatchExpressions) == 0
				if everyPod != (p.Name == render.Prefix) {
					t.Fatalf("tier %s: policy %s applies to every pod: %v", tier, p.Name, everyPod)
				}
				for i, peers := range peersOf(p) {
					if len(peers) == 0 {
						t.Fatalf("tier %s: rule %d of policy %s is for everybody", tier, i, p.Name)
					}
				}
			}
		}
	})
}

// peersOf are the peers of each rule, egress before ingress.
func peersOf(p *networkingv1.NetworkPolicy) [][]networkingv1.NetworkPolicyPeer {
	out := make([][]networkingv1.NetworkPolicyPeer, 0, len(p.Spec.Egress)+len(p.Spec.Ingress))
	for _, rule := range p.Spec.Egress {
		out = append(out, rule.To)
	}
	for _, rule := range p.Spec.Ingress {
		out = append(out, rule.From)
	}
	return out
}

func TestTiersAreChosenByMembershipAlone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		profile := plantest.Profile().Draw(t, "profile")
		memberships := map[string]bool{}
		for _, tier := range profile.Spec.Tiers {
			memberships[asJSON(t, metav1.LabelSelector{MatchLabels: render.MembershipLabels(profile.Name, string(tier.Name))})] = true
		}
		// Without peers and DNS, every namespace in a policy is that of a tier.
		profile.Spec.DNS.Mode = v1alpha1.DNSModeNone
		profile.Spec.Dependencies = slices.DeleteFunc(profile.Spec.Dependencies, func(d v1alpha1.Dependency) bool {
			return d.From.Peer != "" || d.To.Peer != ""
		})
		for _, objects := range mustRender(t, profile) {
			for _, p := range objects.Policies {
				for _, peer := range slices.Concat(peersOf(p)...) {
					if peer.IPBlock != nil || peer.NamespaceSelector != nil && !memberships[asJSON(t, peer.NamespaceSelector)] {
						t.Fatalf("policy %s has the peer %s", p.Name, asJSON(t, peer))
					}
				}
			}
		}
	})
}

func TestADependencyBetweenTiersIsOnBothSides(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		profile := plantest.Profile().Draw(t, "profile")
		objects := mustRender(t, profile)
		for _, d := range profile.Spec.Dependencies {
			if len(d.Access) > 0 && len(d.Ports) == 0 {
				continue // It opens no path.
			}
			if isAPIServer(profile, d.From.Peer) || isAPIServer(profile, d.To.Peer) {
				continue // It is not known where that is.
			}
			for name, of := range objects {
				if (d.From.AllTiers || string(d.From.Tier) == name) && !implements(of, string(d.Name), networkingv1.PolicyTypeEgress) {
					t.Fatalf("%s has no egress side in tier %s", d.Name, name)
				}
				if (d.To.AllTiers || string(d.To.Tier) == name) && !implements(of, string(d.Name), networkingv1.PolicyTypeIngress) {
					t.Fatalf("%s has no ingress side in tier %s", d.Name, name)
				}
			}
		}
	})
}

func isAPIServer(profile *v1alpha1.SegmentationProfile, peer v1alpha1.Name) bool {
	return slices.ContainsFunc(profile.Spec.Peers, func(p v1alpha1.Peer) bool { return p.Name == peer && p.APIServer != nil })
}

// implements tells whether a policy says that it implements one side of a dependency, and
// has rules of that side.
func implements(objects render.Objects, dependency string, side networkingv1.PolicyType) bool {
	return slices.ContainsFunc(objects.Policies, func(p *networkingv1.NetworkPolicy) bool {
		rules := len(p.Spec.Egress)
		if side == networkingv1.PolicyTypeIngress {
			rules = len(p.Spec.Ingress)
		}
		declared := strings.Split(p.Annotations[v1alpha1.DeclaredByAnnotation], ", ")
		return rules > 0 && slices.Contains(declared, "dependency/"+dependency)
	})
}

// The other opinion is worth something only if it can disagree.
func TestAWrongPolicyIsFoundOut(t *testing.T) {
	t.Parallel()
	profile := plantest.Profile().Example(1)
	w := newWorld(profile)
	open, err := reach.New(w.namespaces, nil)
	if err != nil {
		t.Fatal(err)
	}
	declared := w.declaration()
	for _, from := range w.ends {
		for _, to := range w.ends {
			flow := reach.Flow{From: from, To: to, Protocol: "TCP", Port: 7}
			if declared.verdict(flow) != open.Allowed(flow) {
				return
			}
		}
	}
	t.Error("a cluster without policies was taken for one with those of the profile")
}
