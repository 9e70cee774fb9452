package reach_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

func TestPorts(t *testing.T) {
	t.Parallel()
	// to is a flow into the web pod, which is isolated but for the ports of the test.
	to := func(protocol corev1.Protocol, port int32) reach.Flow {
		return reach.Flow{From: pod(metrics), To: pod(web), Protocol: protocol, Port: port}
	}
	tests := map[string]struct {
		ports string
		want  map[string]judgement
	}{
		"without ports a rule opens every port of every protocol": {
			ports: "[]",
			want: map[string]judgement{
				"TCP":  {to("", 1), passes},
				"UDP":  {to(udp, 65535), passes},
				"SCTP": {to(sctp, 3868), passes},
			},
		},
		"a port without a protocol is a TCP port": {
			ports: "[{port: 8080}]",
			want: map[string]judgement{
				"TCP":          {to(corev1.ProtocolTCP, 8080), passes},
				"by default":   {to("", 8080), passes},
				"UDP":          {to(udp, 8080), keptOut},
				"another port": {to("", 8081), keptOut},
			},
		},
		"a protocol without a port is every port of it": {
			ports: "[{protocol: SCTP}]",
			want: map[string]judgement{
				"first": {to(sctp, 1), passes},
				"last":  {to(sctp, 65535), passes},
				"TCP":   {to("", 1), keptOut},
			},
		},
		"a range has both of its ends": {
			ports: "[{protocol: UDP, port: 9000, endPort: 9009}]",
			want: map[string]judgement{
				"before": {to(udp, 8999), keptOut},
				"first":  {to(udp, 9000), passes},
				"last":   {to(udp, 9009), passes},
				"after":  {to(udp, 9010), keptOut},
				"TCP":    {to("", 9005), keptOut},
			},
		},
		"a name is the called pod's port of that name": {
			ports: "[{port: http}]",
			want: map[string]judgement{
				"its number":          {to("", 8080), passes},
				"another":             {to("", 80), keptOut},
				"the caller's number": {to("", 9090), keptOut},
				"a pod without it":    {reach.Flow{From: pod(web), To: pod(db), Port: 8080}, keptOut},
			},
		},
		"one name may be a port of each protocol": {
			ports: "[{protocol: UDP, port: dns}]",
			want: map[string]judgement{
				"UDP":                    {to(udp, 5353), passes},
				"TCP":                    {to("", 5300), keptOut},
				"the number under TCP":   {to(udp, 5300), keptOut},
				"the number of UDP, TCP": {to("", 5353), keptOut},
			},
		},
		"one of several ports is enough": {
			ports: "[{port: 80}, {port: http}, {protocol: UDP, port: 53}]",
			want: map[string]judgement{
				"first":  {to("", 80), passes},
				"second": {to("", 8080), passes},
				"third":  {to(udp, 53), passes},
				"none":   {to("", 53), keptOut},
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			judgeAll(t, `
metadata: {name: ports, namespace: shop}
spec: {podSelector: {}, ingress: [{ports: `+tc.ports+`}]}`, tc.want)
		})
	}
}

func TestNamedPortsOfEgressAreThoseOfTheCalledPod(t *testing.T) {
	t.Parallel()
	judgeAll(t, `
metadata: {name: out, namespace: shop}
spec: {podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: http}]}]}`, map[string]judgement{
		"the called pod's": {reach.Flow{From: pod(web), To: pod(metrics), Port: 9090}, passes},
		"the calling's":    {reach.Flow{From: pod(web), To: pod(metrics), Port: 8080}, keptIn},
		"an address":       {reach.Flow{From: pod(web), To: outside("192.0.2.1"), Port: 8080}, keptIn},
	})
}
