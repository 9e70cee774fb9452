package reach_test

import (
	"strings"
	"testing"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

func TestNewRefusesWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ policy, want string }{
		"the policy's own selector": {
			"metadata: {name: p, namespace: shop}\nspec: {podSelector: {matchExpressions: [{key: app, operator: Is}]}}",
			`policy shop/p: podSelector: "Is" is not a valid label selector operator`,
		},
		"a peer's pods, in an egress rule": {
			"metadata: {name: p, namespace: shop}\nspec: {podSelector: {}, egress: [{to: [{podSelector: {matchLabels: {a b: c}}}]}]}",
			"policy shop/p: Egress rule 0: peer 0: podSelector: ",
		},
		"a peer's namespaces": {
			"metadata: {name: p, namespace: shop}\n" +
				"spec: {podSelector: {}, ingress: [{}, {from: [{podSelector: {}}, {namespaceSelector: {matchLabels: {a: b c}}}]}]}",
			"policy shop/p: Ingress rule 1: peer 1: namespaceSelector: ",
		},
		"a range of addresses": {
			"metadata: {name: p, namespace: shop}\nspec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0}}]}]}",
			`policy shop/p: Ingress rule 0: peer 0: ipBlock: invalid CIDR address: 10.0.0.0`,
		},
		"an exception": {
			"metadata: {name: p, namespace: shop}\nspec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [ten]}}]}]}",
			`policy shop/p: Ingress rule 0: peer 0: ipBlock: invalid CIDR address: ten`,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := reach.New(namespaces, policies(t, tc.policy))
			if err == nil || !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("got error %v, want one that begins %q", err, tc.want)
			}
			if _, err := reach.NewMatrix(namespaces, policies(t, tc.policy)); err == nil {
				t.Error("NewMatrix took it")
			}
		})
	}
}
