package reach_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

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

func TestAChangeSaysWhoAndWhatAndGivesAnExample(t *testing.T) {
	t.Parallel()
	difference, err := reach.Compare(newCluster(t, namespaces, closedShop), newCluster(t, namespaces, closedShop+intoShop+`[
  {from: [{podSelector: {matchLabels: {app: web}}}, {namespaceSelector: {matchLabels: {team: ops}}, podSelector: {matchLabels: {app: metrics}}}],
  ports: [{port: http}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	all := slices.Collect(difference.All())
	byAddress := cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
	example := reach.Flow{
		From:     pod(&reach.Pod{Namespace: "ops", Labels: map[string]string{"app": "metrics"}}),
		To:       pod(&reach.Pod{Namespace: "shop", Labels: map[string]string{}, Ports: []reach.NamedPort{{Name: "http", Protocol: "TCP", Number: 1}}}),
		Protocol: corev1.ProtocolTCP, Port: 1,
	}
	want := reach.Change{
		From:  reach.Party{Namespaces: []string{"ops"}, Labels: map[string]string{"app": "metrics"}},
		To:    reach.Party{Namespaces: []string{"shop"}, Labels: map[string]string{}},
		Ports: reach.Span{Protocol: corev1.ProtocolTCP, First: 1, Last: 65535, Named: [][]string{{"http"}}},
		// The caller was not isolated before either.
		Opened: true, Ingress: true, Example: example,
	}
	if diff := cmp.Diff(want, all[0], byAddress); diff != "" {
		t.Errorf("first change (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(reach.Counts{Pairs: 45, Changed: 2, Opened: 2}, difference.Counts()); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	for range difference.All() {
		break
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	difference, err := reach.Compare(newCluster(t, namespaces, closedShop), newCluster(t, namespaces, closedShop+intoShop+`[{ports: [{port: http}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	node := &reach.Pod{Namespace: "shop", Name: "node", HostNetwork: true, IPs: addresses("192.0.2.1"), Ports: []reach.NamedPort{{Name: "http", Number: 8080}}}
	tests := map[string]struct {
		flow reach.Flow
		want bool
	}{
		"a port of the name":            {metricsIn, true},
		"another port":                  {reach.Flow{From: pod(metrics), To: pod(web), Port: 81}, false},
		"a pod without the name":        {reach.Flow{From: pod(metrics), To: pod(db), Port: 8080}, false},
		"an address":                    {internetIn, true},
		"a pod on the host network":     {reach.Flow{From: pod(node), To: pod(web), Port: 8080}, true},
		"to a pod on the host network":  {reach.Flow{From: pod(metrics), To: pod(node), Port: 8080}, false},
		"a pod to itself":               {reach.Flow{From: pod(web), To: pod(web), Port: 8080}, false},
		"a namespace that is not there": {reach.Flow{From: pod(&reach.Pod{Namespace: "nowhere"}), To: pod(web), Port: 8080}, false},
		"no address":                    {reach.Flow{To: pod(web), Port: 8080}, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			change, found := difference.Find(tc.flow)
			if found != tc.want || found && !change.Opened {
				t.Errorf("found %v, opened %v; want found %v", found, change.Opened, tc.want)
			}
		})
	}
}

func TestTooManyClassesAreSaidToBeTooMany(t *testing.T) {
	t.Parallel()
	cluster := newCluster(t, namespaces, closedShop)
	_, err := reach.Compare(cluster, cluster, reach.MaxClasses(3))
	if want := "selectors and ranges of addresses tell 4 classes of pods and addresses apart, more than 3"; err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
	if _, err := reach.Compare(cluster, cluster, reach.MaxClasses(4)); err != nil {
		t.Errorf("as many as may be: %v", err)
	}
}

// What only two names together open is tried too, and what is between two namespaces alike.
func TestTheFlowsOfASpace(t *testing.T) {
	t.Parallel()
	cluster := newCluster(t, []reach.Namespace{{Name: "shop"}, {Name: "a"}, {Name: "b"}}, closedShop+`
metadata: {name: allow, namespace: shop}
spec: {podSelector: {}, ingress: [{from: [{podSelector: {}}], ports: [{port: http}]}], egress: [{to: [{podSelector: {}}], ports: [{port: web}]}]}`)
	space, err := reach.NewSpace([]*reach.Cluster{cluster})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for flow := range space.Flows() {
		from, to := flow.From.Pod, flow.To.Pod
		switch {
		case from == nil || to == nil:
			got["with an address"]++
		case from.Namespace != "shop" && to.Namespace != "shop":
			got[from.Namespace+" to "+to.Namespace]++
		case from.Namespace == to.Namespace && cluster.Allowed(flow).Allowed():
			got["open inside shop"]++
		}
	}
	// TCP with neither name, one of them, both; UDP; SCTP. Addresses of two families, which
	// give no names, called by and calling pods of two classes.
	want := map[string]int{"a to a": 6, "b to a": 6, "open inside shop": 1, "with an address": 2*2*3 + 2*2*6}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("flows (-want +got):\n%s", diff)
	}
	for range space.Flows() {
		break
	}
}

// Two ways to the same answer: sets of ports between classes, and one flow of each class.
func TestCompareFindsWhatTheFlowsOfASpaceFind(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		before, after := drawCluster(t).make(t), drawCluster(t).make(t)
		difference := mustCompare(t, before, after, nil)
		space, err := reach.NewSpace([]*reach.Cluster{before, after})
		if err != nil {
			t.Fatal(err)
		}
		differing := false
		for flow := range space.Flows() {
			was, is := before.Allowed(flow), after.Allowed(flow)
			if was.Allowed() != is.Allowed() {
				differing = true
				if _, found := difference.Find(flow); !found {
					t.Fatalf("%s: before %+v, after %+v, and the difference does not have it", flowText(flow), was, is)
				}
			}
		}
		if differing == difference.Empty() {
			t.Fatalf("a flow differs: %v, the difference is %s", differing, difference)
		}
	})
}
