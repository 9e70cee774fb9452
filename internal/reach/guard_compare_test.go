package reach_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

func TestADifferenceOfTiersSaysWhatChanges(t *testing.T) {
	t.Parallel()
	const openByName = `
metadata: {name: by-name, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: {team: ops}}}], ports: [{port: http}]}]}`
	noNumber := aboutShop("Admin", `ingress: [{action: Deny, `+fromEverybody+`, protocols: [{tcp: {destinationPort: {number: 80}}}]}]`)
	noName := aboutShop("Admin", `ingress: [{action: Deny, `+fromOps+`, protocols: [{destinationNamedPort: admin}]}]`)
	tests := map[string]struct {
		policies      string
		before, after string
		want          string
	}{
		"a rule that denies a number closes it, also where it has the name that is open": {
			openByName, "", noNumber, "closed: ops to shop: 80 if named http (ingress)",
		},
		"a rule that denies a name closes what it has, at any number": {
			"", "", noName, "closed: ops to shop: all TCP if named admin, all UDP if named admin, all SCTP if named admin (ingress)",
		},
		"what a rule does not deny stays open": {
			shopIsClosed, noName,
			noName + "\n---\n" + strings.Replace(aboutShop("Admin", `ingress: [{action: Accept, `+fromOps+`, protocols: [{tcp: {destinationPort: {number: 80}}}]}]`),
				"priority: 10", "priority: 11", 1),
			"opened: ops to shop: 80 unless named admin (ingress)",
		},
		"what NetworkPolicies close is open by the Admin tier, and changes nothing there": {
			"", aboutShop("Admin", `ingress: [{action: Accept, `+fromOps+`}]`), aboutShop("Admin", `ingress: [{action: Accept, `+fromOps+`}]`), "none",
		},
		"the order of policies alone changes nothing": {
			"", noNumber + "\n---" + strings.ReplaceAll(noName, "shop-admin", "other"),
			strings.ReplaceAll(noName, "shop-admin", "other") + "\n---" + noNumber, "none",
		},
		"networks are addresses outside": {
			"", "", aboutShop("Admin", `egress: [{action: Deny, to: [{networks: [10.0.0.0/8]}]}]`),
			"closed: shop to 10.0.0.0/8: all (egress)",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			difference, err := reach.Compare(newTiered(t, tc.policies, tc.before), newTiered(t, tc.policies, tc.after))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, difference.String()); diff != "" {
				t.Errorf("difference (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAMatrixOfTiers(t *testing.T) {
	t.Parallel()
	spaces := []reach.Namespace{member("api", "api"), {Name: "other", Labels: map[string]string{"team": "other"}}}
	const guards = `
metadata: {name: guard}
spec:
  tier: Admin
  priority: 1
  subject: {namespaces: {matchLabels: {segmentation.dev/tier: api}}}
  ingress:
  - {action: Deny, from: [{namespaces: {}}], protocols: [{tcp: {destinationPort: {number: 22}}}]}
  - {action: Pass, from: [{namespaces: {matchLabels: {segmentation.dev/tier: api}}}]}
  - {action: Deny, from: [{namespaces: {}}], protocols: [{destinationNamedPort: admin}]}
  - {action: Accept, from: [{namespaces: {}}], protocols: [{tcp: {destinationPort: {range: {start: 1, end: 8080}}}}, {destinationNamedPort: http}]}
  egress: [{action: Pass, to: [{namespaces: {matchLabels: {segmentation.dev/tier: api}}}]}, {action: Deny, to: [{namespaces: {}}]}]
`
	cluster, err := reach.NewTiered(spaces, policies(t, `
metadata: {name: allow, namespace: api}
spec: {podSelector: {}, ingress: [{from: [{podSelector: {}}], ports: [{port: http}, {port: 22}, {port: 443}]}]}`), clusterPolicies(t, guards))
	if err != nil {
		t.Fatal(err)
	}
	matrix, err := cluster.Matrix(spaces)
	if err != nil {
		t.Fatal(err)
	}
	// From outside a number is open unless it has the name admin; inside, the name http is open but for its number 22.
	want := []string{"FROM / TO api (other)", "api 443,http* -", "(other) http/UDP,http/SCTP,1-21*,23-8080*,http* all"}
	if diff := cmp.Diff(want, squeezed(matrix.String())[:len(want)]); diff != "" {
		t.Errorf("matrix (-want +got):\n%s", diff)
	}
}

func TestStrangersAreToldApartByClusterNetworkPolicies(t *testing.T) {
	t.Parallel()
	strangers, err := reach.NewTieredStrangers(nil, clusterPolicies(t, aboutShop("Admin", `ingress: [{action: Deny, `+fromOps+`}]`)), "shop", 100)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]string, 0, len(strangers.Namespaces))
	for _, n := range strangers.Namespaces {
		got = append(got, strangers.Words([]string{n.Name})...)
	}
	slices.Sort(got)
	want := []string{"namespaces with team=ops", "namespaces with team=shop", "namespaces without team"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("strangers (-want +got):\n%s", diff)
	}
}
