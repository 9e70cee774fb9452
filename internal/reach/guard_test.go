package reach_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"
	"sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// clusterPolicies reads ClusterNetworkPolicies from YAML documents.
func clusterPolicies(t *testing.T, documents string) []*policyv1alpha2.ClusterNetworkPolicy {
	t.Helper()
	var out []*policyv1alpha2.ClusterNetworkPolicy
	for document := range strings.SplitSeq(documents, "\n---") {
		if strings.TrimSpace(document) == "" {
			continue
		}
		policy := &policyv1alpha2.ClusterNetworkPolicy{}
		if err := yaml.UnmarshalStrict([]byte(document), policy); err != nil {
			t.Fatalf("%v in %s", err, document)
		}
		out = append(out, policy)
	}
	return out
}

// newTiered makes a cluster of the cast of all tests.
func newTiered(t *testing.T, policy, guards string) *reach.Cluster {
	t.Helper()
	out, err := reach.NewTiered(namespaces, policies(t, policy), clusterPolicies(t, guards))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// aboutShop is a ClusterNetworkPolicy whose subject is the shop.
func aboutShop(tier, rules string) string {
	return `
metadata: {name: shop-` + strings.ToLower(tier) + `}
spec:
  tier: ` + tier + `
  priority: 10
  subject: {namespaces: {matchLabels: {team: shop}}}
  ` + rules
}

const (
	shopIsClosed = `
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}`
	shopIsOpen = `
metadata: {name: open, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress, Egress], ingress: [{}], egress: [{}]}`
	fromOps       = `from: [{namespaces: {matchLabels: {team: ops}}}]`
	fromEverybody = `from: [{namespaces: {}}]`
)

func TestTiers(t *testing.T) {
	t.Parallel()
	out := func(ip string, port int32) reach.Flow { return reach.Flow{From: pod(web), To: outside(ip), Port: port} }
	into := func(protocol corev1.Protocol, port int32) reach.Flow {
		return reach.Flow{From: pod(metrics), To: pod(web), Protocol: protocol, Port: port}
	}
	node := &reach.Pod{Namespace: "shop", Name: "agent", HostNetwork: true, IPs: addresses("192.0.2.1")}
	tests := map[string]struct {
		policies, guards string
		want             map[string]judgement
	}{
		"what the Admin tier accepts passes a namespace that is closed, at the side of its subject": {
			policies: shopIsClosed,
			guards:   aboutShop("Admin", `ingress: [{action: Accept, `+fromOps+`}]`),
			want: map[string]judgement{
				"in":             {metricsIn, passes},
				"from elsewhere": {strayIn, keptOut},
				"out":            {reach.Flow{From: pod(web), To: pod(metrics), Port: 1}, keptIn},
				"inside":         {webOn8080, keptByBoth},
			},
		},
		"what the Admin tier denies does not pass, whatever NetworkPolicies allow": {
			policies: shopIsOpen,
			guards:   aboutShop("Admin", `ingress: [{action: Deny, `+fromOps+`}]`),
			want:     map[string]judgement{"in": {metricsIn, keptOut}, "from elsewhere": {strayIn, passes}, "from an address": {internetIn, passes}},
		},
		"the first rule that has the flow counts": {
			guards: aboutShop("Admin", `ingress:
  - {action: Accept, `+fromOps+`, protocols: [{tcp: {destinationPort: {number: 8080}}}]}
  - {action: Deny, `+fromEverybody+`}
  - {action: Accept, `+fromEverybody+`}`),
			want: map[string]judgement{"accepted first": {metricsIn, passes}, "denied before it is accepted": {into("", 80), keptOut}},
		},
		"the policy with the lower priority value counts, wherever it is given": {
			guards: aboutShop("Admin", `ingress: [{action: Deny, `+fromEverybody+`}]`) + `
---
metadata: {name: before}
spec: {tier: Admin, priority: 9, subject: {namespaces: {}}, ingress: [{action: Accept, ` + fromOps + `}]}`,
			want: map[string]judgement{"in": {metricsIn, passes}, "from elsewhere": {strayIn, keptOut}},
		},
		"of policies with the same priority the one that denies counts": {
			guards: aboutShop("Admin", `ingress: [{action: Accept, `+fromEverybody+`}]`) + `
---
metadata: {name: same}
spec: {tier: Admin, priority: 10, subject: {namespaces: {}}, ingress: [{action: Deny, ` + fromOps + `}]}`,
			want: map[string]judgement{"in": {metricsIn, keptOut}, "from elsewhere": {strayIn, passes}},
		},
		"of policies with the same priority the one that passes on counts before one that accepts": {
			policies: shopIsClosed,
			guards: aboutShop("Admin", `ingress: [{action: Accept, `+fromEverybody+`}]`) + `
---
metadata: {name: same}
spec: {tier: Admin, priority: 10, subject: {namespaces: {}}, ingress: [{action: Pass, ` + fromOps + `}]}`,
			want: map[string]judgement{"in": {metricsIn, keptOut}, "from elsewhere": {strayIn, passes}},
		},
		"what is passed on is not for the rest of the tier, and NetworkPolicies decide": {
			policies: shopIsClosed,
			guards: aboutShop("Admin", `ingress:
  - {action: Pass, `+fromOps+`}
  - {action: Accept, `+fromEverybody+`}`),
			want: map[string]judgement{"passed on": {metricsIn, keptOut}, "accepted": {strayIn, passes}},
		},
		"what is passed on, and no NetworkPolicy decides, is for the Baseline tier": {
			guards: aboutShop("Admin", `ingress: [{action: Pass, `+fromOps+`}, {action: Deny, `+fromEverybody+`}]`) + "\n---" +
				aboutShop("Baseline", `ingress: [{action: Deny, `+fromOps+`, protocols: [{tcp: {destinationPort: {number: 8080}}}]}]`),
			want: map[string]judgement{
				"denied there":  {metricsIn, keptOut},
				"on other port": {into("", 80), passes},
				"not passed on": {strayIn, keptOut},
			},
		},
		"the Baseline tier has no say over a pod that a NetworkPolicy isolates": {
			policies: `
metadata: {name: web, namespace: shop}
spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress], ingress: [{ports: [{port: 8080}]}]}`,
			guards: aboutShop("Baseline", `ingress: [{action: Deny, `+fromOps+`}, {action: Accept, `+fromEverybody+`}]`),
			want: map[string]judgement{
				"isolated, allowed":     {metricsIn, passes},
				"isolated, not allowed": {strayIn, passes},
				"on another port":       {reach.Flow{From: pod(stray), To: pod(web), Port: 1}, keptOut},
				"not isolated":          {reach.Flow{From: pod(metrics), To: pod(db), Port: 5432}, keptOut},
				"not isolated, others":  {reach.Flow{From: pod(stray), To: pod(db), Port: 5432}, passes},
			},
		},
		"a NetworkPolicy of one direction leaves the other to the Baseline tier": {
			policies: `
metadata: {name: in, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress], ingress: [{}]}`,
			guards: aboutShop("Baseline", `egress: [{action: Deny, to: [{networks: [0.0.0.0/0]}]}]
  ingress: [{action: Deny, `+fromEverybody+`}]`),
			want: map[string]judgement{"in": {metricsIn, passes}, "out": {internetOut, keptIn}},
		},
		"what the Baseline tier passes on passes": {
			guards: aboutShop("Baseline", `ingress: [{action: Pass, `+fromOps+`}, {action: Deny, `+fromEverybody+`}]`),
			want:   map[string]judgement{"passed on": {metricsIn, passes}, "denied": {strayIn, keptOut}},
		},
		"the subject is pods of namespaces, and peers are too": {
			guards: `
metadata: {name: web}
spec:
  tier: Admin
  priority: 0
  subject: {pods: {namespaceSelector: {matchLabels: {team: shop}}, podSelector: {matchLabels: {app: web}}}}
  ingress: [{action: Deny, from: [{pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: metrics}}}}]}]`,
			want: map[string]judgement{
				"in":            {metricsIn, keptOut},
				"another pod":   {reach.Flow{From: pod(metrics), To: pod(db), Port: 8080}, passes},
				"another peer":  {webOn8080, passes},
				"other subject": {reach.Flow{From: pod(metrics), To: pod(stray), Port: 8080}, passes},
			},
		},
		"networks have pods by their address, and every address there": {
			guards: aboutShop("Admin", `egress: [{action: Deny, to: [{networks: [10.0.0.0/8, '2001:db8::/32']}]}]`),
			want: map[string]judgement{
				"a pod":          {reach.Flow{From: podAt(web, "10.0.0.1"), To: podAt(metrics, "10.1.0.1"), Port: 1}, keptIn},
				"the other one":  {reach.Flow{From: pod(web), To: pod(metrics), Port: 1}, passes},
				"an address":     {out("10.9.9.9", 443), keptIn},
				"another":        {internetOut, passes},
				"of IPv6":        {out("2001:db8::1", 443), keptIn},
				"the other side": {reach.Flow{From: outside("10.9.9.9"), To: pod(web), Port: 443}, passes},
			},
		},
		"a pod on the host network is no subject and no peer": {
			guards: `
metadata: {name: nobody}
spec:
  tier: Admin
  priority: 0
  subject: {namespaces: {}}
  ingress: [{action: Deny, ` + fromEverybody + `}]
  egress: [{action: Deny, to: [{networks: [192.0.2.0/24]}]}, {action: Deny, to: [{namespaces: {}}], protocols: [{udp: {destinationPort: {number: 53}}}]}]`,
			want: map[string]judgement{
				"calls":          {reach.Flow{From: pod(node), To: pod(web), Port: 1}, passes},
				"by its address": {reach.Flow{From: pod(web), To: pod(node), Port: 1}, keptIn},
				"as an address":  {reach.Flow{From: pod(node), To: outside("192.0.2.9"), Port: 1}, passes},
				"a pod":          {reach.Flow{From: pod(stray), To: pod(web), Port: 1}, keptOut},
				"and to itself":  {reach.Flow{From: pod(web), To: pod(web), Port: 1}, passes},
			},
		},
		"a number, a range and a name are ports of their protocols": {
			guards: aboutShop("Admin", `ingress: [{action: Deny, `+fromOps+`, protocols: [
    {tcp: {destinationPort: {number: 80}}}, {udp: {destinationPort: {range: {start: 9000, end: 9009}}}},
    {sctp: {destinationPort: {number: 3868}}}, {destinationNamedPort: dns}]}]`),
			want: map[string]judgement{
				"TCP":                    {into("", 80), keptOut},
				"not UDP":                {into(udp, 80), passes},
				"a range":                {into(udp, 9009), keptOut},
				"after it":               {into(udp, 9010), passes},
				"SCTP":                   {into(sctp, 3868), keptOut},
				"by name, UDP":           {into(udp, 5353), keptOut},
				"by name, TCP":           {into("", 5300), keptOut},
				"its number, other name": {into("", 5353), passes},
			},
		},
		"a rule that accepts and has a peer that is not judged has no flow": {
			policies: shopIsClosed,
			guards: aboutShop("Admin", `egress:
  - {action: Accept, to: [{domainNames: [example.com]}, {networks: [198.51.100.0/24]}]}
  - {action: Accept, to: [{nodes: {}}]}
  - {action: Accept, to: [{}]}
  - {action: Accept, to: [{networks: [203.0.113.0/24]}]}`),
			want: map[string]judgement{"unjudged": {internetOut, keptIn}, "judged": {out("203.0.113.1", 1), passes}},
		},
		"a rule that denies and has a peer that is not judged denies all": {
			guards: aboutShop("Admin", `egress: [{action: Deny, to: [{nodes: {matchLabels: {a: b}}}], protocols: [{tcp: {destinationPort: {number: 1}}}]}]`),
			want: map[string]judgement{
				"an address": {internetOut, keptIn}, "a pod": {dbOn5432, keptIn}, "in": {metricsIn, passes},
			},
		},
		"a rule that passes on and has a peer that is not judged denies all": {
			guards: aboutShop("Admin", `ingress: [{action: Pass, from: [{}]}, {action: Accept, `+fromOps+`}]`),
			want:   map[string]judgement{"a pod": {metricsIn, keptOut}, "an address": {internetIn, keptOut}, "out": {internetOut, passes}},
		},
		"protocols that say nothing that is known fail closed too": {
			guards: aboutShop("Admin", `ingress:
  - {action: Accept, `+fromOps+`, protocols: [{}]}
  - {action: Deny, from: [{namespaces: {matchLabels: {team: none}}}], protocols: [{tcp: {}}]}`),
			want: map[string]judgement{"in": {metricsIn, keptOut}},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newTiered(t, tc.policies, tc.guards)
			for what, j := range tc.want {
				if diff := cmp.Diff(j.want, cluster.Allowed(j.flow)); diff != "" {
					t.Errorf("%s (-want +got):\n%s\n%s", what, diff, cluster.Explain(j.flow))
				}
			}
		})
	}
}
