package audit

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"
	"sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// guardNamed reads the spec of a ClusterNetworkPolicy of somebody else's.
func guardNamed(t *testing.T, name, spec string) *policyv1alpha2.ClusterNetworkPolicy {
	t.Helper()
	out := &policyv1alpha2.ClusterNetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if err := yaml.UnmarshalStrict([]byte("{"+spec+"}"), &out.Spec); err != nil {
		t.Fatalf("%v in %s", err, spec)
	}
	return out
}

func ours(g *policyv1alpha2.ClusterNetworkPolicy) *policyv1alpha2.ClusterNetworkPolicy {
	g.Labels = map[string]string{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue}
	return g
}

func TestWhatIsOpenedIsWhatClusterNetworkPoliciesLeaveOpen(t *testing.T) {
	const (
		admin    = "tier: Admin, priority: 10, subject: {namespaces: {matchLabels: {team: shop}}}, "
		baseline = "tier: Baseline, priority: 10, subject: {namespaces: {}}, "
		all      = "tier: Admin, priority: 10, subject: {namespaces: {}}, "
		fromOps  = "from: [{namespaces: {matchLabels: {team: ops}}}]"
	)
	openToOps := other("open").Ingress(from(tcp(8080), inNamespaces(matching(map[string]string{"team": "ops"})))).Obj()
	openToAll := other("open").Ingress(networkingv1.NetworkPolicyIngressRule{}).Obj()
	opsOn8080 := "lets namespaces with team=ops reach every pod of this namespace on port 8080"
	cases := map[string]struct {
		foreign []*networkingv1.NetworkPolicy
		guards  []*policyv1alpha2.ClusterNetworkPolicy
		want    []string
	}{
		"a path that the Admin tier denies is not opened": {
			[]*networkingv1.NetworkPolicy{openToOps},
			[]*policyv1alpha2.ClusterNetworkPolicy{guardNamed(t, "guard", admin+"ingress: [{action: Deny, "+fromOps+"}]")},
			nil,
		},
		"nor one that it denies at the other end": {
			[]*networkingv1.NetworkPolicy{openToOps},
			[]*policyv1alpha2.ClusterNetworkPolicy{guardNamed(t, "guard", all+"egress: [{action: Deny, to: [{namespaces: {matchLabels: {team: shop}}}]}]")},
			nil,
		},
		"what it leaves open is": {
			[]*networkingv1.NetworkPolicy{openToAll},
			[]*policyv1alpha2.ClusterNetworkPolicy{guardNamed(t, "guard", admin+"ingress: [{action: Pass, "+fromOps+"}, {action: Deny, from: [{namespaces: {}}]}]")},
			[]string{"NetworkPolicy open lets namespaces outside of these tiers with team=ops, tier data of profile shop with team=ops and every address " +
				"reach every pod of this namespace on every port (and 1 more path)" + pathEnding},
		},
		"the Baseline tier closes nothing, since NetworkPolicies isolate the pods": {
			[]*networkingv1.NetworkPolicy{openToOps},
			[]*policyv1alpha2.ClusterNetworkPolicy{guardNamed(t, "guard", baseline+"ingress: [{action: Deny, "+fromOps+"}], egress: [{action: Deny, to: [{namespaces: {}}]}]")},
			[]string{"NetworkPolicy open " + opsOn8080 + pathEnding},
		},
		"one that accepts what is not declared opens it": {
			nil,
			[]*policyv1alpha2.ClusterNetworkPolicy{guardNamed(t, "monitoring", all+"ingress: [{action: Accept, "+fromOps+", protocols: [{tcp: {destinationPort: {number: 8080}}}]}]")},
			[]string{"ClusterNetworkPolicy monitoring " + opsOn8080 + pathEnding},
		},
		"one that accepts what is declared, or is about other namespaces, does not": {
			nil, []*policyv1alpha2.ClusterNetworkPolicy{
				guardNamed(t, "declared", admin+"ingress: [{action: Accept, from: [{namespaces: {matchLabels: {"+v1alpha1.ProfileLabel+": shop, "+
					v1alpha1.TierLabel+": web}}}], protocols: [{tcp: {destinationPort: {number: 9090}}}]}]"),
				guardNamed(t, "elsewhere", "tier: Admin, priority: 0, subject: {namespaces: {matchLabels: {team: ops}}}, ingress: [{action: Accept, from: [{namespaces: {}}]}]"),
			}, nil,
		},
		"the operator's own is declared, and what it accepts no other opens": {
			[]*networkingv1.NetworkPolicy{openToOps},
			[]*policyv1alpha2.ClusterNetworkPolicy{ours(guardNamed(t, "own", admin+"ingress: [{action: Accept, "+fromOps+"}]"))},
			nil,
		},
		"what the operator's own accepts, and another accepts too, is declared": {
			nil, []*policyv1alpha2.ClusterNetworkPolicy{
				ours(guardNamed(t, "own", admin+"ingress: [{action: Accept, "+fromOps+"}]")),
				guardNamed(t, "again", "tier: Admin, priority: 20, subject: {namespaces: {}}, ingress: [{action: Accept, "+fromOps+"}]"),
			}, nil,
		},
		"one that accepts what another denies first opens nothing": {
			nil, []*policyv1alpha2.ClusterNetworkPolicy{
				guardNamed(t, "first", "tier: Admin, priority: 1, subject: {namespaces: {}}, ingress: [{action: Deny, "+fromOps+"}]"),
				guardNamed(t, "second", admin+"ingress: [{action: Accept, "+fromOps+"}]"),
			}, nil,
		},
		"two policies of which each opens the same are found both": {
			[]*networkingv1.NetworkPolicy{openToOps},
			[]*policyv1alpha2.ClusterNetworkPolicy{
				guardNamed(t, "second", admin+"ingress: [{action: Accept, "+fromOps+", protocols: [{tcp: {destinationPort: {number: 8080}}}]}]"),
				guardNamed(t, "first", all+"ingress: [{action: Accept, "+fromOps+", protocols: [{tcp: {destinationPort: {number: 8080}}}]}]"),
			},
			[]string{
				"NetworkPolicy open " + opsOn8080 + pathEnding,
				"ClusterNetworkPolicy first " + opsOn8080 + pathEnding, "ClusterNetworkPolicy second " + opsOn8080 + pathEnding,
			},
		},
		"one that passes on, around a denial, what is declared opens nothing": {
			nil, []*policyv1alpha2.ClusterNetworkPolicy{
				guardNamed(t, "deny", "tier: Admin, priority: 20, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}]}]"),
				guardNamed(t, "pass", admin+"ingress: [{action: Pass, from: [{namespaces: {}}]}]"),
			}, nil,
		},
		"one that opens addresses": {
			nil,
			[]*policyv1alpha2.ClusterNetworkPolicy{guardNamed(t, "out", admin+"egress: [{action: Accept, to: [{networks: [203.0.113.0/24]}]}]")},
			[]string{"ClusterNetworkPolicy out lets every pod of this namespace reach 203.0.113.0/24 on every port" + pathEnding},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			in := shopAPI(tc.foreign...)
			in.Guards = NewGuards(tc.guards)
			found := Network(in)
			got := make([]string, 0, len(found))
			for _, o := range found {
				got = append(got, o.Message)
				if isGuard := !slices.ContainsFunc(tc.foreign, func(p *networkingv1.NetworkPolicy) bool { return p.Name == o.Policy }); o.IsCluster != isGuard {
					t.Errorf("%s: is of the cluster: %t", o.Policy, o.IsCluster)
				}
			}
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
		})
	}
}

func drawGuards(t *rapid.T) []*policyv1alpha2.ClusterNetworkPolicy {
	namespaces := func() *metav1.LabelSelector {
		return drawSelector(t, rapid.SampledFrom([]string{"tier", corev1.LabelMetadataName}).Draw(t, "key"), "web", "api", "here", "there")
	}
	actions := rapid.SampledFrom([]guardAction{"Accept", "Accept", "Deny", "Pass"})
	out := make([]*policyv1alpha2.ClusterNetworkPolicy, 0, 3)
	for i := range rapid.Int32Range(1, 3).Draw(t, "guards") {
		g := &policyv1alpha2.ClusterNetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: "guard-" + string('a'+i)}}
		g.Spec.Tier = rapid.SampledFrom([]policyv1alpha2.Tier{"Admin", "Admin", "Baseline"}).Draw(t, "tier")
		g.Spec.Priority, g.Spec.Subject.Namespaces = i, namespaces()
		for range rapid.IntRange(0, 2).Draw(t, "ingress") {
			g.Spec.Ingress = append(g.Spec.Ingress, policyv1alpha2.ClusterNetworkPolicyIngressRule{
				Action: actions.Draw(t, "action"), From: []policyv1alpha2.ClusterNetworkPolicyIngressPeer{{Namespaces: namespaces()}},
			})
		}
		for range rapid.IntRange(0, 2).Draw(t, "egress") {
			g.Spec.Egress = append(g.Spec.Egress, policyv1alpha2.ClusterNetworkPolicyEgressRule{
				Action: actions.Draw(t, "action"), To: []policyv1alpha2.ClusterNetworkPolicyEgressPeer{{Namespaces: namespaces()}},
			})
		}
		out = append(out, g)
	}
	return out
}

// TestNothingPassesUnreportedWithGuards judges flow by flow: what passes with all in place, and not by what the operator
// writes alone, is reported of some policy.
func TestNothingPassesUnreportedWithGuards(t *testing.T) {
	namespaces, pods, others := everyEnd()
	flows := everyFlow(pods, others)
	reported, silent := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		in := drawNetwork(t)
		in.Foreign = in.Foreign[:rapid.IntRange(0, 1).Draw(t, "fewer")]
		guards := drawGuards(t)
		in.Guards = NewGuards(guards)
		if len(Network(in)) > 0 {
			reported++
			return
		}
		silent++
		all := append(slices.Clip(namespaces), reach.Namespace{Name: in.Name, Labels: in.Labels})
		declared := clusterOf(t, in, namespaces)
		inForce, err := reach.NewTiered(all, slices.Concat(in.Own, in.Foreign), guards)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range flows {
			if inForce.Allowed(f).Allowed() && !declared.Allowed(f).Allowed() {
				t.Fatalf("nothing was reported, and a flow passes: %+v\n%s", f, inForce.Explain(f))
			}
		}
	})
	if reported == 0 || silent == 0 {
		t.Errorf("%d reported, %d not: the property was not put to the test", reported, silent)
	}
}

func TestNamespacesWithOneKeyHaveOneVerdictWithGuards(t *testing.T) {
	same := 0
	rapid.Check(t, func(t *rapid.T) {
		first := drawNetwork(t)
		first.Guards = NewGuards(drawGuards(t))
		second := *first
		second.Name = rapid.SampledFrom([]string{"here", "there", "elsewhere"}).Draw(t, "name")
		second.Labels = map[string]string{"tier": rapid.SampledFrom([]string{"web", "api", "data", "more"}).Draw(t, "other tier")}
		if NetworkKey(first, Digest(first.Own)) != NetworkKey(&second, Digest(second.Own)) {
			return
		}
		same++
		if diff := cmp.Diff(Network(first), Network(&second)); diff != "" {
			t.Fatalf("one key, and two verdicts:\n%s", diff)
		}
	})
	if same == 0 {
		t.Error("no two namespaces had one key")
	}
}

func TestTheKeyHasTheClusterNetworkPolicies(t *testing.T) {
	in := shopAPI()
	guard := guardNamed(t, "guard", "tier: Admin, priority: 1, subject: {namespaces: {}}, ingress: [{action: Accept, from: [{namespaces: {}}]}]")
	keys := map[string]bool{NetworkKey(in, "own"): true}
	for _, guards := range [][]*policyv1alpha2.ClusterNetworkPolicy{
		{guard},
		{guard, guardNamed(t, "more", "tier: Admin, priority: 1, subject: {namespaces: {}}")},
		{guard, ours(guardNamed(t, "more", "tier: Admin, priority: 1, subject: {namespaces: {}}"))},
	} {
		in.Guards = NewGuards(guards)
		keys[NetworkKey(in, "own")] = true
	}
	if len(keys) != 4 || !keys[""] {
		t.Errorf("keys: %v", keys)
	}
	if NewGuards(nil) != nil {
		t.Error("no policies are some")
	}
}
