package reach_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

const explained = `
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Ingress, Egress]
  ingress:
  - {from: [{podSelector: {}}], ports: [{port: 80}]}
  - {from: [{namespaceSelector: {matchLabels: {team: ops}}}], ports: [{port: http}]}
  - {ports: [{port: http}]}
  egress: [{to: [{ipBlock: {cidr: 'fd00:1::/32'}}]}]
---
metadata: {name: metrics, namespace: ops}
spec: {podSelector: {matchLabels: {app: other}}}`

func TestExplain(t *testing.T) {
	t.Parallel()
	node := &reach.Pod{Namespace: "shop", Name: "agent", Labels: map[string]string{"app": "web"}, HostNetwork: true, IPs: addresses("192.0.2.1")}
	tests := map[string]struct {
		flow reach.Flow
		want string
	}{
		"the first rule that has the flow, on the called side": {
			metricsIn,
			"egress allowed: no policy in namespace ops selects the pod in this direction\n" +
				"ingress allowed by ingress[1] of policy shop/web",
		},
		"a later rule, for a caller outside": {
			internetIn,
			"egress allowed: the end is outside, and no policy applies to it\n" +
				"ingress allowed by ingress[2] of policy shop/web",
		},
		"all policies that isolate the pod, where no rule matches": {
			internetOut,
			"egress denied: isolated by deny, web in namespace shop, and no rule of theirs matches\n" +
				"ingress allowed: the end is outside, and no policy applies to it",
		},
		"policies that do not select the pod are not named": {
			dbOn5432,
			"egress denied: isolated by deny, web in namespace shop, and no rule of theirs matches\n" +
				"ingress denied: isolated by deny in namespace shop, and no rule of theirs matches",
		},
		"of two routes the one that passes": {
			reach.Flow{From: pod(web), To: pod(metrics), Port: 1},
			"egress allowed by egress[0] of policy shop/web\n" +
				"ingress allowed: no policy in namespace ops selects the pod in this direction",
		},
		"the pod itself": {
			reach.Flow{From: pod(web), To: pod(web), Port: 1},
			"egress allowed: a pod always reaches itself\ningress allowed: a pod always reaches itself",
		},
		"a pod on the host network": {
			reach.Flow{From: pod(node), To: pod(web), Port: 80},
			"egress allowed: the pod is on the host network, and no policy applies to it\n" +
				"ingress denied: isolated by deny, web in namespace shop, and no rule of theirs matches",
		},
	}
	cluster, err := reach.New(namespaces, policies(t, explained))
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := cluster.Explain(tc.flow)
			if diff := cmp.Diff(tc.want, got.String()); diff != "" {
				t.Errorf("explanation (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(cluster.Allowed(tc.flow), got.Verdict()); diff != "" {
				t.Errorf("verdict (-Allowed +Explain):\n%s", diff)
			}
		})
	}
}

func TestPodsOnTheHostNetworkAreAddresses(t *testing.T) {
	t.Parallel()
	agent := &reach.Pod{
		Namespace: "shop", Name: "agent", Labels: map[string]string{"app": "web"}, HostNetwork: true,
		IPs: addresses("192.0.2.1", "2001:db8::1"), Ports: []reach.NamedPort{{Name: "http", Number: 8080}},
	}
	tests := map[string]struct {
		policies string
		want     map[string]judgement
	}{
		"no policy selects them": {
			policies: `
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}`,
			want: map[string]judgement{
				"called":  {reach.Flow{From: pod(stray), To: pod(agent), Port: 8080}, passes},
				"calling": {reach.Flow{From: pod(agent), To: pod(stray), Port: 8080}, passes},
				"itself":  {reach.Flow{From: pod(agent), To: pod(agent), Port: 1}, passes},
			},
		},
		"no selector matches them": {
			policies: intoWeb("[{podSelector: {}}, {namespaceSelector: {}}]"),
			want:     map[string]judgement{"calling": {reach.Flow{From: pod(agent), To: pod(web), Port: 8080}, keptOut}},
		},
		"a block matches the address of the node": {
			policies: intoWeb("[{ipBlock: {cidr: 192.0.2.0/24}}]"),
			want: map[string]judgement{
				"in the block":     {reach.Flow{From: pod(agent), To: pod(web), Port: 8080}, passes},
				"the other family": {reach.Flow{From: podAt(agent, "2001:db8::1"), To: pod(web), Port: 8080}, keptOut},
			},
		},
		"a rule for everybody has them": {
			policies: `
metadata: {name: open, namespace: shop}
spec: {podSelector: {}, ingress: [{}]}`,
			want: map[string]judgement{"calling": {reach.Flow{From: pod(agent), To: pod(web), Port: 8080}, passes}},
		},
		"their ports have no names": {
			policies: `
metadata: {name: out, namespace: ops}
spec: {podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: http}]}]}`,
			want: map[string]judgement{
				"on the host network": {reach.Flow{From: pod(metrics), To: pod(agent), Port: 8080}, keptIn},
				"a pod like others":   {reach.Flow{From: pod(metrics), To: pod(web), Port: 8080}, passes},
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
