package reach_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// member is a namespace of a tier of the profile shop.
func member(name, tier string) reach.Namespace {
	return memberOf("shop", name, tier)
}

func memberOf(profile, name, tier string) reach.Namespace {
	return reach.Namespace{Name: name, Labels: map[string]string{
		"segmentation.dev/profile": profile, "segmentation.dev/tier": tier,
	}}
}

const (
	denyAPI = `
metadata: {name: deny, namespace: api}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---`
	apiFrom = denyAPI + `
metadata: {name: allow, namespace: api}
spec: {podSelector: {}, policyTypes: [Ingress], ingress: `
)

func TestMatrix(t *testing.T) {
	t.Parallel()
	api := []reach.Namespace{member("api", "api"), {Name: "other", Labels: map[string]string{"team": "other"}}}
	tests := map[string]struct {
		namespaces []reach.Namespace
		policies   string
		// want is the matrix without its legend.
		want string
	}{
		"without policies all is open": {
			namespaces: api,
			want: `
FROM / TO | api | (other)
api | all | all
(other) | all | all`,
		},
		"isolated namespaces reach nobody": {
			namespaces: api,
			policies:   denyAPI,
			want: `
FROM / TO | api | (other)
api | - | -
(other) | - | all`,
		},
		"ports are put together, sorted, and say their protocol": {
			namespaces: api,
			policies: apiFrom + `[{ports: [
  {port: 9095, endPort: 9099}, {port: 9090, endPort: 9094}, {port: metrics}, {port: 80},
  {protocol: UDP, port: 53}, {protocol: SCTP}]}]}`,
			want: `
FROM / TO | api | (other)
api | - | -
(other) | 80,9090-9099,metrics,53/UDP,all SCTP | all`,
		},
		"what only some callers may, and only some of the called are open to, has a star": {
			namespaces: []reach.Namespace{member("api", "api"), {Name: "lenders"}, {Name: "other"}},
			policies: apiFrom + `[{from: [{
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: other}}, podSelector: {matchLabels: {app: caller}}}], ports: [{port: 80}]}]}
---
metadata: {name: allow-books, namespace: api}
spec:
  podSelector: {matchLabels: {app: books}}
  ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: lenders}}}], ports: [{port: 81}]}]`,
			want: `
FROM / TO | api | (lenders) | (other)
api | - | - | -
(lenders) | 81* | all | all
(other) | 80* | all | all`,
		},
		"what is open for some beyond what is open for all is said beside it": {
			namespaces: api,
			policies: apiFrom + `[{ports: [{port: 80}]},
  {from: [{namespaceSelector: {}, podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [guest]}]}}]}]}`,
			want: `
FROM / TO | api | (other)
api | - | -
(other) | 80,all* | all`,
		},
		"a value that no selector names is another one than those that they name": {
			namespaces: api,
			policies:   apiFrom + `[{from: [{namespaceSelector: {}, podSelector: {matchExpressions: [{key: app, operator: In, values: [other]}]}}]}]}`,
			want: `
FROM / TO | api | (other)
api | - | -
(other) | all* | all`,
		},
		"a whole protocol for some stays whole": {
			namespaces: api,
			policies: apiFrom + `[{ports: [{port: 80}]},
  {from: [{namespaceSelector: {}, podSelector: {matchLabels: {app: x}}}], ports: [{protocol: TCP}, {protocol: UDP, port: 1}]}]}`,
			want: `
FROM / TO | api | (other)
api | - | -
(other) | 80,all TCP*,1/UDP* | all`,
		},
		"inside one namespace of a tier": {
			namespaces: []reach.Namespace{member("api", "api"), member("api-2", "api")},
			policies: denyAPI + `
metadata: {name: own, namespace: api}
spec: {podSelector: {}, ingress: [{from: [{podSelector: {}}]}], egress: [{to: [{podSelector: {}}]}]}
---
metadata: {name: own, namespace: api-2}
spec: {podSelector: {}, ingress: [{from: [{podSelector: {}}]}], egress: [{to: [{podSelector: {}}]}]}`,
			want: `
FROM / TO | api |
api | all=`,
		},
		"inside some namespaces of a tier, and for some pods across them": {
			namespaces: []reach.Namespace{member("api", "api"), member("api-2", "api")},
			policies: denyAPI + `
metadata: {name: own, namespace: api}
spec: {podSelector: {}, ingress: [{from: [{podSelector: {}}]}], egress: [{to: [{podSelector: {}}]}]}
---
metadata: {name: in, namespace: api-2}
spec: {podSelector: {}, ingress: [{ports: [{port: 80}]}]}
---
metadata: {name: out, namespace: api}
spec: {podSelector: {matchLabels: {app: x}}, egress: [{ports: [{port: 80}]}]}`,
			want: `
FROM / TO | api |
api | all*`,
		},
		"one namespace of a tier is open and the other is not": {
			namespaces: []reach.Namespace{member("api", "api"), member("api-2", "api"), {Name: "other"}},
			policies: denyAPI + `
metadata: {name: open, namespace: api-2}
spec: {podSelector: {}, ingress: [{ports: [{port: 80}]}]}`,
			want: `
FROM / TO | api | (other)
api | 80* | all*
(other) | 80* | all`,
		},
		"addresses that policies name are groups, and exceptions are not": {
			namespaces: []reach.Namespace{member("api", "api")},
			policies: denyAPI + `
metadata: {name: out, namespace: api}
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
  - to: [{ipBlock: {cidr: 198.51.100.0/24, except: [198.51.100.7/32]}}]
    ports: [{port: 443}, {port: https}]
  - to: [{ipBlock: {cidr: 0.0.0.0/0}}, {ipBlock: {cidr: '::/0'}}]
    ports: [{port: 80}]`,
			want: `
FROM / TO | api | 0.0.0.0/0 | 198.51.100.0/24 | ::/0
api | - | 80,443* | 80,443* | 80`,
		},
		"addresses that a tier cannot call, but that can call it, have a row": {
			namespaces: api,
			policies:   apiFrom + `[{from: [{ipBlock: {cidr: 198.51.100.0/24}}], ports: [{port: http}]}]}`,
			want: `
FROM / TO | api | (other)
api | - | -
(other) | - | all
198.51.100.0/24 | http | all`,
		},
		"a namespace that no policy isolates reaches every address": {
			namespaces: api,
			policies: apiFrom + `[{from: [{ipBlock: {cidr: 198.51.100.0/24}}], ports: [{port: http}]}]}
---
metadata: {name: out, namespace: api}
spec: {podSelector: {}, policyTypes: [Egress], egress: [{}]}`,
			want: `
FROM / TO | api | (other) | 198.51.100.0/24
api | - | all | all
(other) | - | all | all
198.51.100.0/24 | http | all`,
		},
		"a name on one side and numbers on the other are open for some": {
			namespaces: []reach.Namespace{member("api", "api"), member("web", "web")},
			policies: apiFrom + `[{ports: [{port: http}]}]}
---
metadata: {name: out, namespace: web}
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
  egress: [{ports: [{port: 8000, endPort: 8999}]}]
  ingress: [{ports: [{port: 8080}, {port: dns, protocol: UDP}]}]
---
metadata: {name: out, namespace: api}
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress: [{ports: [{port: admin}, {port: dns, protocol: UDP}, {port: dns, protocol: SCTP}]}]`,
			want: `
FROM / TO | api | web
api | - | dns/UDP,admin*
web | http* | 8080`,
		},
		"outside namespaces that no policy tells apart share a group": {
			namespaces: []reach.Namespace{member("api", "api"), {Name: "other"}, {Name: "a"}, {Name: "b"}},
			policies:   apiFrom + `[{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: other}}}]}]}`,
			want: `
FROM / TO | api | (a +1) | (other)
api | - | - | -
(a +1) | - | all | all
(other) | all | all | all`,
		},
		"nor those that it tells apart to no effect": {
			namespaces: []reach.Namespace{member("api", "api"), {Name: "c"}, {Name: "a"}, {Name: "b"}},
			policies: denyAPI + `
metadata: {name: open, namespace: b}
spec: {podSelector: {}, policyTypes: [Ingress, Egress], ingress: [{}], egress: [{}]}`,
			want: `
FROM / TO | api | (a +2)
api | - | -
(a +2) | - | all`,
		},
		"nor those that tell themselves from others to no effect": {
			namespaces: []reach.Namespace{{Name: "a"}, {Name: "b"}},
			policies: `
metadata: {name: own, namespace: a}
spec: {podSelector: {}, ingress: [{from: [{podSelector: {}}]}, {}]}
---
metadata: {name: own, namespace: b}
spec: {podSelector: {}, ingress: [{from: [{podSelector: {}}]}, {}]}`,
			want: `
FROM / TO | (a +1)
(a +1) | all`,
		},
		"outside namespaces of one class that keep to themselves are apart": {
			namespaces: []reach.Namespace{{Name: "a"}, {Name: "b"}},
			policies: `
metadata: {name: own, namespace: a}
spec: {podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}
---
metadata: {name: own, namespace: b}
spec: {podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}`,
			want: `
FROM / TO | (a) | (b)
(a) | all | -
(b) | - | all`,
		},
		"outside namespaces that treat one another otherwise do not": {
			namespaces: []reach.Namespace{{Name: "a"}, {Name: "b"}},
			policies: `
metadata: {name: own, namespace: a}
spec: {podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}`,
			want: `
FROM / TO | (a) | (b)
(a) | all | all
(b) | - | all`,
		},
		"a tier and an outside namespace may have one name": {
			namespaces: []reach.Namespace{member("shop-api", "api"), {Name: "api"}},
			policies:   denyAPI,
			want: `
FROM / TO | api | (api)
api | all | -
(api) | - | -`,
		},
		"of several profiles tiers say whose they are": {
			namespaces: []reach.Namespace{memberOf("shop", "api", "api"), memberOf("wiki", "wiki-api", "api")},
			policies:   denyAPI,
			want: `
FROM / TO | shop/api | wiki/api
shop/api | - | -
wiki/api | - | all`,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := reach.NewMatrix(tc.namespaces, policies(t, tc.policies))
			if err != nil {
				t.Fatal(err)
			}
			table, legend, _ := strings.Cut(m.String(), "\n\n")
			if strings.Contains(table, " \n") {
				t.Errorf("a line ends with a blank:\n%s", table)
			}
			if diff := cmp.Diff(squeezed(tc.want), squeezed(table)); diff != "" {
				t.Errorf("matrix (-want +got):\n%s", diff)
			}
			if !strings.HasPrefix(legend, "- closed") {
				t.Errorf("the legend is %q", legend)
			}
		})
	}
}

// squeezed makes one blank of what is between two columns, in the tables above and in real ones.
func squeezed(table string) []string {
	var out []string
	for line := range strings.Lines(strings.TrimSpace(table)) {
		out = append(out, strings.Join(strings.Fields(strings.ReplaceAll(line, "|", "")), " "))
	}
	return out
}
