package reach_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// The cast of all tests: a shop with a web server and a database, an operations team, and a
// namespace that nobody labelled.
var (
	namespaces = []reach.Namespace{
		{Name: "shop", Labels: map[string]string{"team": "shop"}},
		{Name: "ops", Labels: map[string]string{"team": "ops"}},
		{Name: "bare"},
	}
	web = &reach.Pod{
		Namespace: "shop", Name: "web", Labels: map[string]string{"app": "web"},
		IPs: addresses("10.0.0.1", "fd00::1"),
		Ports: []reach.NamedPort{
			{Name: "http", Number: 8080},
			{Name: "dns", Protocol: corev1.ProtocolUDP, Number: 5353},
			{Name: "dns", Protocol: corev1.ProtocolTCP, Number: 5300},
		},
	}
	db = &reach.Pod{
		Namespace: "shop", Name: "db", Labels: map[string]string{"app": "db"},
		IPs: addresses("10.0.0.2"),
	}
	metrics = &reach.Pod{
		Namespace: "ops", Name: "metrics", Labels: map[string]string{"app": "metrics"},
		IPs: addresses("10.1.0.1", "fd00:1::1"),
		// The same name as that of web, another number.
		Ports: []reach.NamedPort{{Name: "http", Number: 9090}},
	}
	stray = &reach.Pod{Namespace: "bare", Name: "stray"}
)

func addresses(ips ...string) []netip.Addr {
	out := make([]netip.Addr, 0, len(ips))
	for _, ip := range ips {
		out = append(out, netip.MustParseAddr(ip))
	}
	return out
}

// policies reads policies from YAML documents.
func policies(t *testing.T, documents string) []*networkingv1.NetworkPolicy {
	t.Helper()
	var out []*networkingv1.NetworkPolicy
	for document := range strings.SplitSeq(documents, "\n---") {
		if strings.TrimSpace(document) == "" {
			continue
		}
		policy := &networkingv1.NetworkPolicy{}
		if err := yaml.UnmarshalStrict([]byte(document), policy); err != nil {
			t.Fatalf("%v in %s", err, document)
		}
		out = append(out, policy)
	}
	return out
}

func pod(p *reach.Pod) reach.Endpoint { return reach.Endpoint{Pod: p} }

func podAt(p *reach.Pod, ip string) reach.Endpoint {
	return reach.Endpoint{Pod: p, IP: netip.MustParseAddr(ip)}
}

func outside(ip string) reach.Endpoint { return reach.Endpoint{IP: netip.MustParseAddr(ip)} }

var (
	passes      = reach.Verdict{Egress: true, Ingress: true}
	keptIn      = reach.Verdict{Ingress: true}
	keptOut     = reach.Verdict{Egress: true}
	keptByBoth  = reach.Verdict{}
	udp, sctp   = corev1.ProtocolUDP, corev1.ProtocolSCTP
	webOn8080   = reach.Flow{From: pod(db), To: pod(web), Port: 8080}
	dbOn5432    = reach.Flow{From: pod(web), To: pod(db), Port: 5432}
	metricsIn   = reach.Flow{From: pod(metrics), To: pod(web), Port: 8080}
	strayIn     = reach.Flow{From: pod(stray), To: pod(web), Port: 8080}
	internetIn  = reach.Flow{From: outside("198.51.100.1"), To: pod(web), Port: 8080}
	internetOut = reach.Flow{From: pod(web), To: outside("198.51.100.1"), Port: 443}
)

// judgement is a flow and what should become of it.
type judgement struct {
	flow reach.Flow
	want reach.Verdict
}

func TestAllowed(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		policies string
		want     map[string]judgement
	}{
		"without policies everything passes": {
			want: map[string]judgement{
				"pod to pod":     {dbOn5432, passes},
				"pod to outside": {internetOut, passes},
				"outside to pod": {internetIn, passes},
				"past the pods":  {reach.Flow{From: outside("192.0.2.1"), To: outside("192.0.2.2"), Port: 1}, passes},
			},
		},
		"an empty pod selector isolates all pods of its namespace and no other": {
			policies: `
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}`,
			want: map[string]judgement{
				"in":                  {metricsIn, keptOut},
				"out":                 {internetOut, keptIn},
				"between two of them": {dbOn5432, keptByBoth},
				"elsewhere":           {reach.Flow{From: pod(stray), To: pod(metrics), Port: 1}, passes},
			},
		},
		"a selector isolates the pods it chooses and leaves the others open": {
			policies: `
metadata: {name: deny, namespace: shop}
spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress, Egress]}`,
			want: map[string]judgement{
				"chosen, called":      {webOn8080, keptOut},
				"chosen, calling":     {dbOn5432, keptIn},
				"not chosen, called":  {reach.Flow{From: pod(metrics), To: pod(db), Port: 5432}, passes},
				"not chosen, calling": {reach.Flow{From: pod(db), To: pod(metrics), Port: 9090}, passes},
			},
		},
		"without policyTypes and egress rules a policy is about ingress alone": {
			policies: `
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}}`,
			want: map[string]judgement{"in": {metricsIn, keptOut}, "out": {internetOut, passes}},
		},
		"without policyTypes an empty list of egress rules is none": {
			policies: `
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}, egress: []}`,
			want: map[string]judgement{"in": {metricsIn, keptOut}, "out": {internetOut, passes}},
		},
		"without policyTypes an egress rule makes a policy about both": {
			policies: `
metadata: {name: some, namespace: shop}
spec: {podSelector: {}, egress: [{ports: [{port: 443}]}]}`,
			want: map[string]judgement{
				"in":                {metricsIn, keptOut},
				"out as allowed":    {internetOut, passes},
				"out on other port": {reach.Flow{From: pod(web), To: outside("198.51.100.1"), Port: 80}, keptIn},
			},
		},
		"with policyTypes rules of the other direction have no effect": {
			policies: `
metadata: {name: egress-only, namespace: shop}
spec: {podSelector: {}, policyTypes: [Egress], ingress: [{from: [{podSelector: {}}]}]}`,
			want: map[string]judgement{"in": {metricsIn, passes}, "out": {internetOut, keptIn}},
		},
		"an empty rule allows everybody on every port": {
			policies: `
metadata: {name: open, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress, Egress], ingress: [{}], egress: [{}]}`,
			want: map[string]judgement{
				"pod":            {metricsIn, passes},
				"outside":        {internetIn, passes},
				"to outside":     {internetOut, passes},
				"other protocol": {reach.Flow{From: pod(stray), To: pod(web), Protocol: sctp, Port: 65535}, passes},
			},
		},
		"a rule with an empty list of peers allows everybody too": {
			policies: `
metadata: {name: open, namespace: shop}
spec: {podSelector: {}, ingress: [{from: [], ports: [{port: 8080}]}]}`,
			want: map[string]judgement{
				"pod":        {metricsIn, passes},
				"outside":    {internetIn, passes},
				"other port": {reach.Flow{From: pod(metrics), To: pod(web), Port: 8081}, keptOut},
			},
		},
		"policies add up": {
			policies: `
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress]}
---
metadata: {name: from-ops, namespace: shop}
spec: {podSelector: {matchLabels: {app: web}}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: ops}}}]}]}
---
metadata: {name: from-bare, namespace: shop}
spec:
  podSelector: {}
  ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: bare}}}], ports: [{port: 8080}]}]`,
			want: map[string]judgement{
				"by the second":    {metricsIn, passes},
				"by the third":     {strayIn, passes},
				"by none of them":  {webOn8080, keptOut},
				"not for this pod": {reach.Flow{From: pod(metrics), To: pod(db), Port: 5432}, keptOut},
			},
		},
		"a pod reaches itself whatever policies say": {
			policies: `
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}`,
			want: map[string]judgement{"itself": {reach.Flow{From: pod(web), To: pod(web), Port: 8080}, passes}},
		},
		"pods without a name are never one and the same": {
			policies: `
metadata: {name: deny, namespace: bare}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}`,
			want: map[string]judgement{"nameless": {reach.Flow{
				From: pod(&reach.Pod{Namespace: "bare"}), To: pod(&reach.Pod{Namespace: "bare"}), Port: 1,
			}, keptByBoth}},
		},
		"a policy counts though its namespace is not known": {
			policies: `
metadata: {name: deny, namespace: new}
spec: {podSelector: {}}
---
metadata: {name: deny-too, namespace: new}
spec: {podSelector: {matchLabels: {app: x}}, policyTypes: [Egress]}`,
			want: map[string]judgement{
				"in":  {reach.Flow{From: pod(web), To: pod(&reach.Pod{Namespace: "new"}), Port: 1}, keptOut},
				"out": {reach.Flow{From: pod(&reach.Pod{Namespace: "new", Labels: map[string]string{"app": "x"}}), To: pod(web), Port: 1}, keptIn},
			},
		},
		"both sides must let a flow pass": {
			policies: `
metadata: {name: out-of-ops, namespace: ops}
spec: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {matchLabels: {team: shop}}}], ports: [{port: 8080}]}]}
---
metadata: {name: into-shop, namespace: shop}
spec: {podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: ops}}}], ports: [{port: 8080}, {port: 8081}]}]}`,
			want: map[string]judgement{
				"both open":     {metricsIn, passes},
				"only the near": {reach.Flow{From: pod(metrics), To: pod(web), Port: 8081}, keptIn},
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			judgeAll(t, tc.policies, tc.want)
		})
	}
}

func judgeAll(t *testing.T, documents string, judgements map[string]judgement) {
	t.Helper()
	cluster, err := reach.New(namespaces, policies(t, documents))
	if err != nil {
		t.Fatal(err)
	}
	for name, j := range judgements {
		if diff := cmp.Diff(j.want, cluster.Allowed(j.flow)); diff != "" {
			t.Errorf("%s: verdict (-want +got):\n%s", name, diff)
		}
	}
}
