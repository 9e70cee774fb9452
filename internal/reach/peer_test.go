package reach_test

import (
	"testing"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// intoWeb is a policy of the web pods that allows what comes from the given peers.
func intoWeb(peers string) string {
	return `
metadata: {name: into-web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress: [{from: ` + peers + `}]`
}

func TestPeers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		peers string
		want  map[string]judgement
	}{
		"a pod selector alone looks in the policy's own namespace": {
			peers: "[{podSelector: {matchExpressions: [{key: app, operator: In, values: [db, metrics]}]}}]",
			want: map[string]judgement{
				"own namespace":      {webOn8080, passes},
				"another, same rule": {metricsIn, keptOut},
				"outside":            {internetIn, keptOut},
			},
		},
		"an empty pod selector alone is every pod of the policy's own namespace": {
			peers: "[{podSelector: {}}]",
			want: map[string]judgement{
				"own namespace": {webOn8080, passes},
				"another":       {metricsIn, keptOut},
				"outside":       {internetIn, keptOut},
			},
		},
		"a namespace selector alone is every pod of those namespaces": {
			peers: "[{namespaceSelector: {matchLabels: {team: ops}}}]",
			want: map[string]judgement{
				"chosen":        {metricsIn, passes},
				"own namespace": {webOn8080, keptOut},
				"another":       {strayIn, keptOut},
			},
		},
		"an empty namespace selector is every namespace, and nothing outside the cluster": {
			peers: "[{namespaceSelector: {}}]",
			want: map[string]judgement{
				"own namespace": {webOn8080, passes},
				"another":       {metricsIn, passes},
				"no labels":     {strayIn, passes},
				"outside":       {internetIn, keptOut},
				"unknown namespace": {reach.Flow{
					From: pod(&reach.Pod{Namespace: "new", Name: "new"}), To: pod(web), Port: 8080,
				}, passes},
			},
		},
		"both selectors in one peer must both hold": {
			peers: "[{namespaceSelector: {matchLabels: {team: ops}}, podSelector: {matchLabels: {app: metrics}}}]",
			want: map[string]judgement{
				"both": {metricsIn, passes},
				"only the namespace": {reach.Flow{
					From: pod(&reach.Pod{Namespace: "ops", Name: "shell"}), To: pod(web), Port: 8080,
				}, keptOut},
				"only the pod": {reach.Flow{
					From: pod(&reach.Pod{Namespace: "shop", Name: "fake", Labels: map[string]string{"app": "metrics"}}),
					To:   pod(web), Port: 8080,
				}, keptOut},
			},
		},
		"in two peers one of them is enough": {
			peers: "[{namespaceSelector: {matchLabels: {team: ops}}}, {podSelector: {matchLabels: {app: db}}}]",
			want: map[string]judgement{
				"the namespace": {metricsIn, passes},
				"the pod":       {webOn8080, passes},
				"neither":       {strayIn, keptOut},
			},
		},
		"NotIn holds for what has no such label": {
			peers: "[{namespaceSelector: {matchExpressions: [{key: team, operator: NotIn, values: [ops]}]}}]",
			want: map[string]judgement{
				"another value": {webOn8080, passes},
				"no label":      {strayIn, passes},
				"this value":    {metricsIn, keptOut},
			},
		},
		"Exists and DoesNotExist look at the key alone": {
			peers: "[{namespaceSelector: {matchExpressions: [{key: team, operator: DoesNotExist}]}}," +
				" {podSelector: {matchExpressions: [{key: app, operator: Exists}]}}]",
			want: map[string]judgement{
				"namespace without it": {strayIn, passes},
				"pod with it":          {webOn8080, passes},
				"neither":              {metricsIn, keptOut},
			},
		},
		"every namespace has the label with its name": {
			peers: "[{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: bare}}}]",
			want:  map[string]judgement{"bare": {strayIn, passes}, "ops": {metricsIn, keptOut}},
		},
		"a peer that says nothing is nobody": {
			peers: "[{}]",
			want:  map[string]judgement{"pod": {metricsIn, keptOut}, "outside": {internetIn, keptOut}},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			judgeAll(t, intoWeb(tc.peers), tc.want)
		})
	}
}

func TestBlocks(t *testing.T) {
	t.Parallel()
	from := func(ip string) reach.Flow { return reach.Flow{From: outside(ip), To: pod(web), Port: 8080} }
	tests := map[string]struct {
		peers string
		want  map[string]judgement
	}{
		"a block has its first and its last address and no other": {
			peers: "[{ipBlock: {cidr: 198.51.100.0/24}}]",
			want: map[string]judgement{
				"before": {from("198.51.99.255"), keptOut},
				"first":  {from("198.51.100.0"), passes},
				"last":   {from("198.51.100.255"), passes},
				"after":  {from("198.51.101.0"), keptOut},
			},
		},
		"an exception is no part of the block": {
			peers: "[{ipBlock: {cidr: 198.51.100.0/24, except: [198.51.100.0/32, 198.51.100.64/26]}}]",
			want: map[string]judgement{
				"the first exception":  {from("198.51.100.0"), keptOut},
				"between them":         {from("198.51.100.63"), passes},
				"the second":           {from("198.51.100.127"), keptOut},
				"after the exceptions": {from("198.51.100.128"), passes},
			},
		},
		"what one block excepts another may allow": {
			peers: "[{ipBlock: {cidr: 198.51.100.0/24, except: [198.51.100.7/32]}}, {ipBlock: {cidr: 198.51.100.7/32}}]",
			want:  map[string]judgement{"the exception": {from("198.51.100.7"), passes}},
		},
		"families are apart": {
			peers: "[{ipBlock: {cidr: 0.0.0.0/0}}]",
			want: map[string]judgement{
				"IPv4":                     {from("192.0.2.1"), passes},
				"IPv4 in the form of IPv6": {from("::ffff:192.0.2.1"), passes},
				"IPv6":                     {from("2001:db8::1"), keptOut},
			},
		},
		"IPv6": {
			peers: "[{ipBlock: {cidr: '2001:db8::/32', except: ['2001:db8:1::/48']}}]",
			want: map[string]judgement{
				"in the block":     {from("2001:db8:2::1"), passes},
				"in the exception": {from("2001:db8:1::1"), keptOut},
				"IPv4":             {from("192.0.2.1"), keptOut},
			},
		},
		"bits beyond the prefix have no meaning": {
			peers: "[{ipBlock: {cidr: 198.51.100.9/24}}]",
			want:  map[string]judgement{"first": {from("198.51.100.0"), passes}},
		},
		"a block matches a pod by its address": {
			peers: "[{ipBlock: {cidr: 10.1.0.0/16}}]",
			want: map[string]judgement{
				"over any family it has":      {metricsIn, passes},
				"over that family":            {reach.Flow{From: podAt(metrics, "10.1.0.1"), To: pod(web), Port: 8080}, passes},
				"over the other family":       {reach.Flow{From: podAt(metrics, "fd00:1::1"), To: pod(web), Port: 8080}, keptOut},
				"another pod":                 {webOn8080, keptOut},
				"a pod whose IP is not known": {strayIn, keptOut},
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			judgeAll(t, intoWeb(tc.peers), tc.want)
		})
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	four := &reach.Pod{Namespace: "shop", Name: "four", IPs: addresses("10.0.0.4")}
	six := &reach.Pod{Namespace: "ops", Name: "six", IPs: addresses("fd00:1::6")}
	tests := map[string]struct {
		policies string
		want     map[string]judgement
	}{
		"a route of one family at one side and of the other at the other is none": {
			policies: `
metadata: {name: out, namespace: ops}
spec: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}
---
metadata: {name: in, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{ipBlock: {cidr: 'fd00::/8'}}]}]}`,
			want: map[string]judgement{"two families": {metricsIn, keptOut}},
		},
		"the second family may pass where the first does not": {
			policies: `
metadata: {name: out, namespace: ops}
spec: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 'fd00::1/128'}}]}]}`,
			want: map[string]judgement{
				"a pod of two": {metricsIn, passes},
				"a pod of one": {reach.Flow{From: pod(metrics), To: pod(db), Port: 1}, keptIn},
			},
		},
		"without a common family no block has the address of a pod": {
			policies: `
metadata: {name: out, namespace: ops}
spec: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}, {ipBlock: {cidr: 2001:db8::/32}}]}]}`,
			want: map[string]judgement{
				"pods":                 {reach.Flow{From: pod(six), To: pod(four), Port: 1}, keptIn},
				"its own to outside":   {reach.Flow{From: pod(six), To: outside("2001:db8::1"), Port: 1}, passes},
				"the other to outside": {reach.Flow{From: pod(six), To: outside("192.0.2.1"), Port: 1}, passes},
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
