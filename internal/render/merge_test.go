package render_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// webTo is a dependency of the web tier on the api tier.
func webTo(name string) *builders.DependencyBuilder {
	return builders.MakeDependency(name).FromTier("web").ToTier("api")
}

// Rules with the same peers are one rule. The tests look at the egress rules of the web tier.
func TestMerge(t *testing.T) {
	t.Parallel()
	const toAPI = "{namespaceSelector: {matchLabels: {segmentation.dev/profile: shop, segmentation.dev/tier: api}}}"
	tests := map[string]struct {
		profile *builders.ProfileBuilder
		want    string
	}{
		"ports of one peer are joined, sorted, each once": {
			shop().Dependency(
				webTo("b").Port(443).NamedPort("http").Ports(
					v1alpha1.Port{Port: new(intstr.FromInt32(80)), EndPort: 90}, v1alpha1.Port{}, v1alpha1.Port{Protocol: corev1.ProtocolTCP}).Obj(),
				webTo("a").UDPPort(53).Port(80).Port(443).Obj()),
			`[{to: [` + toAPI + `], ports: [
				{protocol: TCP}, {protocol: TCP, port: 80}, {protocol: TCP, port: 80, endPort: 90}, {protocol: TCP, port: 443},
				{protocol: TCP, port: http}, {protocol: UDP, port: 53}]}]`,
		},
		"every port takes in the others, if it comes first": {
			shop().Dependency(webTo("a").Obj(), webTo("b").Port(80).Obj()), `[{to: [` + toAPI + `]}]`,
		},
		"every port takes in the others, if it comes last": {
			shop().Dependency(webTo("a").Port(80).Obj(), webTo("b").Obj(), webTo("c").Port(90).Obj()), `[{to: [` + toAPI + `]}]`,
		},
		"other pods of one tier are another peer": {
			shop().Dependency(webTo("a").Port(80).Obj(), webTo("b").Port(90).ToPods(map[string]string{"app": "x"}).Obj()),
			`[{to: [` + toAPI + `], ports: [{protocol: TCP, port: 80}]},
			{to: [{namespaceSelector: {matchLabels: {segmentation.dev/profile: shop, segmentation.dev/tier: api}},
				podSelector: {matchLabels: {app: x}}}], ports: [{protocol: TCP, port: 90}]}]`,
		},
		"peers that are one but for their names and the form of addresses": {
			shop().
				Peer(builders.MakePeer("p").CIDR("2001:DB8::/32").CIDR("192.0.2.0/24").Obj()).
				Peer(builders.MakePeer("q").CIDR("192.0.2.0/24").CIDR("2001:0db8::/32").Obj()).
				Dependency(
					builders.MakeDependency("a").FromTier("web").ToPeer("q").Port(80).Obj(),
					builders.MakeDependency("b").FromTier("web").ToPeer("p").Port(81).Obj()),
			`[{to: [{ipBlock: {cidr: 192.0.2.0/24}}, {ipBlock: {cidr: '2001:db8::/32'}}],
				ports: [{protocol: TCP, port: 80}, {protocol: TCP, port: 81}]}]`,
		},
		"rules are in the order of their dependencies' names": {
			shop().
				Peer(builders.MakePeer("p").Names("p").Obj(), builders.MakePeer("q").Names("q", "a").Obj()).
				Dependency(
					builders.MakeDependency("c").FromTier("web").ToPeer("p").Port(80).Obj(), webTo("b").Obj(),
					builders.MakeDependency("a").FromTier("web").ToPeer("q").Port(80).Obj()),
			`[{to: [{namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: [a, q]}]}}],
				ports: [{protocol: TCP, port: 80}]},
			{to: [` + toAPI + `]},
			{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: p}}}], ports: [{protocol: TCP, port: 80}]}]`,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want []networkingv1.NetworkPolicyEgressRule
			if err := yaml.UnmarshalStrict([]byte(tc.want), &want); err != nil {
				t.Fatal(err)
			}
			got := mustRender(t, tc.profile.NoDNS().Obj())["web"].Policies[0].Spec.Egress
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("egress rules (-want +got):\n%s", diff)
			}
		})
	}
}

func TestInternalTrafficAndDNS(t *testing.T) {
	t.Parallel()
	const (
		own  = "{podSelector: {}}"
		tier = "{namespaceSelector: {matchLabels: {segmentation.dev/profile: p, segmentation.dev/tier: t}}}"
	)
	tests := map[string]struct {
		traffic v1alpha1.InternalTraffic
		dns     v1alpha1.DNS
		// want is the spec of the only policy.
		want string
	}{
		"of one namespace, the default": {
			dns:  v1alpha1.DNS{Mode: v1alpha1.DNSModeNone},
			want: `{podSelector: {}, policyTypes: [Ingress, Egress], ingress: [{from: [` + own + `]}], egress: [{to: [` + own + `]}]}`,
		},
		"of the tier, and of the namespace before it is a member": {
			traffic: v1alpha1.InternalTrafficSameTier,
			dns:     v1alpha1.DNS{Mode: v1alpha1.DNSModeNone},
			want: `{podSelector: {}, policyTypes: [Ingress, Egress],
				ingress: [{from: [` + own + `, ` + tier + `]}], egress: [{to: [` + own + `, ` + tier + `]}]}`,
		},
		"none, and every pod of a DNS namespace": {
			traffic: v1alpha1.InternalTrafficDeny,
			dns:     v1alpha1.DNS{Namespace: "dns", Pods: builders.LabelSelector(nil), Port: 5353},
			want: `{podSelector: {}, policyTypes: [Ingress, Egress], egress: [{
				to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: dns}}, podSelector: {}}],
				ports: [{protocol: TCP, port: 5353}, {protocol: UDP, port: 5353}]}]}`,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want networkingv1.NetworkPolicySpec
			if err := yaml.UnmarshalStrict([]byte(tc.want), &want); err != nil {
				t.Fatal(err)
			}
			objects := mustRender(t, builders.MakeProfile("p").DNS(tc.dns).
				Tier(builders.MakeTier("t").Names("t").InternalTraffic(tc.traffic).Obj()).Obj())["t"]
			if diff := cmp.Diff(want, objects.Policies[0].Spec); diff != "" {
				t.Errorf("spec (-want +got):\n%s", diff)
			}
		})
	}
}
