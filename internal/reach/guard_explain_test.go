package reach_test

import (
	"strings"
	"testing"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

func TestExplainNamesTheClusterNetworkPolicyThatDecides(t *testing.T) {
	t.Parallel()
	guards := aboutShop("Admin", `ingress:
  - {action: Pass, from: [{namespaces: {matchLabels: {team: shop}}}]}
  - {name: no-strangers, action: Deny, from: [{namespaces: {matchExpressions: [{key: team, operator: DoesNotExist}]}}]}
  - {action: Accept, `+fromOps+`, protocols: [{destinationNamedPort: http}]}
  egress: [{action: Accept, to: [{nodes: {}}]}, {action: Deny, to: [{nodes: {}}]}]`) + "\n---" +
		aboutShop("Baseline", `ingress: [{action: Deny, `+fromEverybody+`}]`)
	tests := map[string]struct {
		policies string
		flow     reach.Flow
		want     string
	}{
		"a rule with a name": {shopIsOpen, strayIn, "ingress denied by ingress[1] (no-strangers) of ClusterNetworkPolicy shop-admin (Admin tier, priority 10)"},
		"a rule without": {
			shopIsClosed, metricsIn, "ingress accepted by ingress[2] of ClusterNetworkPolicy shop-admin (Admin tier, priority 10)",
		},
		"a NetworkPolicy, where none decides": {
			shopIsClosed, webOn8080, "ingress denied: isolated by deny in namespace shop, and no rule of theirs matches",
		},
		"the Baseline tier": {
			"", webOn8080, "ingress denied by ingress[0] of ClusterNetworkPolicy shop-baseline (Baseline tier, priority 10)",
		},
		"a rule that fails closed, by its place in the policy": {
			shopIsOpen, internetOut, "egress denied by egress[1] of ClusterNetworkPolicy shop-admin (Admin tier, priority 10), " +
				"which has peers or protocols that are not judged, and so denies all",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := newTiered(t, tc.policies, guards).Explain(tc.flow)
			if side := got.Ingress.String(); side != tc.want && got.Egress.String() != tc.want {
				t.Errorf("got\n%s, want\n%s", got, tc.want)
			}
		})
	}
}

func TestAClusterNetworkPolicyThatTheAPIServerWouldRefuseIsAnError(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ guard, want string }{
		"a tier": {
			"metadata: {name: a}\nspec: {tier: Middle, priority: 1, subject: {namespaces: {}}}", `ClusterNetworkPolicy a: unknown tier "Middle"`,
		},
		"a subject": {
			"metadata: {name: a}\nspec: {tier: Admin, priority: 1, subject: {}}", "ClusterNetworkPolicy a: subject: it needs one of namespaces and pods",
		},
		"an action": {
			aboutShop("Admin", `ingress: [{action: Reject, `+fromOps+`}]`), `ClusterNetworkPolicy shop-admin: ingress rule 0: unknown action "Reject"`,
		},
		"a network": {
			aboutShop("Admin", `egress: [{action: Deny, to: [{networks: [everywhere]}]}]`),
			"ClusterNetworkPolicy shop-admin: egress rule 0: peer 0: ipBlock: invalid CIDR address: everywhere",
		},
		"a selector": {
			"metadata: {name: a}\nspec: {tier: Admin, priority: 1, subject: {namespaces: {matchLabels: {'': a}}}}", "ClusterNetworkPolicy a: subject: namespaces: ",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := reach.NewTiered(namespaces, nil, clusterPolicies(t, tc.guard))
			if err == nil || !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
			if _, err := reach.NewTieredStrangers(nil, clusterPolicies(t, tc.guard), "shop", 8); err == nil {
				t.Error("strangers are made of it")
			}
		})
	}
}
