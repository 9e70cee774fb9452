package reach_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

const (
	closedShop = `
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---`
	intoShop = `
metadata: {name: allow, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress], ingress: `
)

func TestCompare(t *testing.T) {
	t.Parallel()
	shops := []reach.Namespace{{Name: "shop", Labels: map[string]string{"team": "shop"}}, {Name: "ops", Labels: map[string]string{"team": "ops"}}}
	twins := []reach.Namespace{member("api-1", "api"), member("api-2", "api")}
	tests := map[string]struct {
		// namespaces are shops if left out, and those after are those before.
		namespaces, namespacesAfter []reach.Namespace
		before, after               string
		with                        []reach.Option
		want                        []string
	}{
		"nothing changed": {before: closedShop, after: closedShop},
		"the same is said in another way": {
			before: intoShop + "[{ports: [{port: 80, endPort: 90}]}]}",
			after: intoShop + "[{ports: [{port: 80, endPort: 85}]}, {ports: [{port: 84, endPort: 90}, {port: 86, protocol: TCP}]}]}\n---" + `
metadata: {name: more, namespace: shop}
spec: {podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: 88}]}]}`,
		},
		"a namespace is isolated": {
			after: closedShop,
			want: []string{
				"closed: ops to shop: all (ingress)",
				"closed: shop to ops: all (egress)",
				"closed: shop to shop: all (egress and ingress)",
				"closed: shop to every address: all (egress)",
				"closed: every address to shop: all (ingress)",
			},
		},
		"a port is opened to some pods of some namespaces": {
			before: closedShop,
			after: closedShop + intoShop + `[{from: [{namespaceSelector: {matchLabels: {team: ops}}, podSelector: {matchLabels: {app: scraper}}}],
  ports: [{port: 9090}, {port: 9091, endPort: 9099}, {port: 53, protocol: UDP}]}]}`,
			want: []string{"opened: ops {app=scraper} to shop: 9090-9099, 53/UDP (ingress)"},
		},
		"one rule goes and another comes": {
			before: intoShop + "[{ports: [{port: 80}]}]}", after: intoShop + "[{ports: [{port: 81}]}]}",
			want: []string{
				"opened: ops to shop: 81 (ingress)",
				"closed: ops to shop: 80 (ingress)",
				"opened: shop to shop: 81 (ingress)",
				"closed: shop to shop: 80 (ingress)",
				"opened: every address to shop: 81 (ingress)",
				"closed: every address to shop: 80 (ingress)",
			},
		},
		"what one side opens and the other keeps closed is no difference": {
			before: closedShop,
			after: closedShop + `
metadata: {name: allow, namespace: shop}
spec: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{podSelector: {}}]}]}`,
		},
		"a name in place of its usual number": {
			before: intoShop + "[{from: [{namespaceSelector: {}}], ports: [{port: 8080}]}]}", after: intoShop + "[{from: [{namespaceSelector: {}}], ports: [{port: http}]}]}",
			want: []string{
				"opened: ops to shop: 1-8079 if named http, 8081-65535 if named http (ingress)",
				"closed: ops to shop: 8080 unless named http (ingress)",
				"opened: shop to shop: 1-8079 if named http, 8081-65535 if named http (ingress)",
				"closed: shop to shop: 8080 unless named http (ingress)",
			},
		},
		"a name at each side": {
			before: closedShop,
			after: closedShop + `
metadata: {name: allow, namespace: shop}
spec: {podSelector: {}, ingress: [{from: [{podSelector: {}}], ports: [{port: http}]}], egress: [{to: [{podSelector: {}}], ports: [{port: web}]}]}`,
			want: []string{"opened: shop to shop: all TCP if named web and http (egress and ingress)"},
		},
		"a name at each side, and a number at one": {
			before: closedShop + `
metadata: {name: allow, namespace: shop}
spec: {podSelector: {}, ingress: [{from: [{podSelector: {}}], ports: [{port: http}]}], egress: [{to: [{podSelector: {}}], ports: [{port: web}, {port: 80}]}]}`,
			after: closedShop + `
metadata: {name: allow, namespace: shop}
spec: {podSelector: {}, ingress: [{from: [{podSelector: {}}]}], egress: [{to: [{podSelector: {}}], ports: [{protocol: TCP}]}]}`,
			want: []string{
				"opened: shop to shop: 1-79 unless named web and http, 81-65535 unless named web and http (egress and ingress)",
				"opened: shop to shop: 80 unless named http (ingress)",
			},
		},
		"a name for another": {
			before: intoShop + "[{from: [{podSelector: {}}], ports: [{port: http}]}]}", after: intoShop + "[{from: [{podSelector: {}}], ports: [{port: web}]}]}",
			want: []string{
				"opened: shop to shop: all TCP if named web unless named http (ingress)",
				"closed: shop to shop: all TCP if named http unless named web (ingress)",
			},
		},
		"addresses, less some": {
			before: closedShop,
			after: closedShop + `
metadata: {name: out, namespace: shop}
spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 198.51.100.0/24, except: [198.51.100.7/32]}}]}]}`,
			want: []string{"opened: shop {app=web} to 198.51.100.0-198.51.100.6, 198.51.100.8-198.51.100.255: all (egress)"},
		},
		"pods have addresses if an option says so": {
			before: closedShop,
			after:  closedShop + intoShop + "[{from: [{ipBlock: {cidr: 10.0.0.0/8}}], ports: [{port: 80}]}]}",
			with:   []reach.Option{reach.PodNetworks(netip.MustParsePrefix("10.2.0.0/16"), netip.MustParsePrefix("fd00::1/64"))},
			want: []string{
				"opened: ops at 10.2.0.0/16 to shop at 10.2.0.0/16: 80 (ingress)",
				"opened: 10.0.0.0/15, 10.3.0.0-10.255.255.255, 10.2.0.0/16 to shop: 80 (ingress)",
			},
		},
		"pods anywhere have all of them": {
			before: closedShop,
			after:  closedShop + intoShop + "[{from: [{ipBlock: {cidr: '::/0'}}], ports: [{port: 80}]}]}",
			with:   []reach.Option{reach.PodsAnywhere()},
			want: []string{
				"opened: ops at ::/0 to shop at ::/0: 80 (ingress)",
				"opened: ::/0 to shop: 80 (ingress)",
			},
		},
		"namespaces that are alike are named once": {
			namespaces: twins,
			after: `
metadata: {name: deny, namespace: api-1}
spec: {podSelector: {}}
---
metadata: {name: deny, namespace: api-2}
spec: {podSelector: {}}`,
			want: []string{
				"closed: api-1 +1 to api-1 +1: all (ingress)",
				"closed: every address to api-1 +1: all (ingress)",
			},
		},
		"inside a namespace and between two that are alike": {
			namespaces: twins,
			after: `
metadata: {name: own, namespace: api-1}
spec: {podSelector: {}, ingress: [{from: [{podSelector: {}}], ports: [{port: 80}]}]}
---
metadata: {name: own, namespace: api-2}
spec: {podSelector: {}, ingress: [{from: [{podSelector: {}}], ports: [{port: 80}]}]}`,
			want: []string{
				"closed: api-1 +1 to api-1 +1, between two namespaces: all (ingress)",
				"closed: api-1 +1 to api-1 +1, inside one namespace: 1-79, 81-65535, all UDP, all SCTP (ingress)",
				"closed: every address to api-1 +1: all (ingress)",
			},
		},
		"labels of a namespace change": {
			before:          closedShop + intoShop + "[{from: [{namespaceSelector: {matchLabels: {team: ops}}}]}]}",
			after:           closedShop + intoShop + "[{from: [{namespaceSelector: {matchLabels: {team: ops}}}]}]}",
			namespacesAfter: []reach.Namespace{shops[0], {Name: "ops"}},
			want:            []string{"closed: ops to shop: all (ingress)"},
		},
		"a namespace that is not there has neither labels nor policies": {
			before:          closedShop + intoShop + "[{from: [{namespaceSelector: {}}]}]}",
			namespacesAfter: []reach.Namespace{{Name: "ops"}},
			want: []string{
				"opened: shop to ops: all (egress)",
				"opened: shop to shop: all (egress)",
				"opened: shop to every address: all (egress)",
				"opened: every address to shop: all (ingress)",
			},
		},
		"many kinds of pods are not all named": {
			before: closedShop,
			after: closedShop + intoShop + `[{from: [{namespaceSelector: {matchLabels: {team: ops}},
  podSelector: {matchExpressions: [{key: app, operator: In, values: [a, b]}]}}], ports: [{port: 1}]},
  {from: [{namespaceSelector: {}, podSelector: {matchLabels: {zone: x}}}], ports: [{port: 1}]},
  {from: [{podSelector: {matchLabels: {app: none}}}], ports: [{port: 2}]},
  {from: [{podSelector: {matchLabels: {role: none}}}], ports: [{port: 2}]},
  {from: [{namespaceSelector: {}, podSelector: {matchLabels: {role: db}}}], ports: [{port: 1}]}]}`,
			want: []string{
				"opened: ops {zone=x}, {role=db}, {role=db,zone=x}, {app=a} and 3 more to shop: 1 (ingress)",
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.namespaces == nil {
				tc.namespaces = shops
			}
			if tc.namespacesAfter == nil {
				tc.namespacesAfter = tc.namespaces
			}
			difference, err := reach.Compare(newCluster(t, tc.namespaces, tc.before), newCluster(t, tc.namespacesAfter, tc.after), tc.with...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, difference.Lines()); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
			if (difference.String() == "none") != difference.Empty() || difference.Empty() != (len(tc.want) == 0) {
				t.Errorf("empty is %v, text is %q", difference.Empty(), difference)
			}
		})
	}
}

func newCluster(t *testing.T, of []reach.Namespace, documents string) *reach.Cluster {
	t.Helper()
	out, err := reach.New(of, policies(t, strings.TrimSuffix(documents, "---")))
	if err != nil {
		t.Fatal(err)
	}
	return out
}
