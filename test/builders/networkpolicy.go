package builders

import (
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// NetworkPolicyBuilder makes a NetworkPolicy.
type NetworkPolicyBuilder struct {
	ObjectBuilder[NetworkPolicyBuilder]
	obj networkingv1.NetworkPolicy
}

// MakeNetworkPolicy begins a policy on all pods of the namespace. It says nothing about
// either direction yet.
func MakeNetworkPolicy(namespace, name string) *NetworkPolicyBuilder {
	b := &NetworkPolicyBuilder{}
	b.obj.TypeMeta = metav1.TypeMeta{APIVersion: networkingv1.SchemeGroupVersion.String(), Kind: "NetworkPolicy"}
	b.obj.Namespace, b.obj.Name = namespace, name
	b.ObjectBuilder = ObjectBuilder[NetworkPolicyBuilder]{builder: b, meta: &b.obj.ObjectMeta}
	return b
}

// Pods narrows the policy to pods with these labels.
func (b *NetworkPolicyBuilder) Pods(labels map[string]string) *NetworkPolicyBuilder {
	b.obj.Spec.PodSelector = metav1.LabelSelector{MatchLabels: labels}
	return b
}

// DenyAll makes the policy deny both directions, save what rules allow.
func (b *NetworkPolicyBuilder) DenyAll() *NetworkPolicyBuilder {
	return b.Ingress().Egress()
}

// Ingress adds rules for what comes in; without any it denies what no rule allows. A rule
// with nothing in it allows everything.
func (b *NetworkPolicyBuilder) Ingress(rules ...networkingv1.NetworkPolicyIngressRule) *NetworkPolicyBuilder {
	b.obj.Spec.Ingress = append(b.obj.Spec.Ingress, rules...)
	return b.policyType(networkingv1.PolicyTypeIngress)
}

// Egress adds rules for what goes out; without any it denies what no rule allows. A rule
// with nothing in it allows everything.
func (b *NetworkPolicyBuilder) Egress(rules ...networkingv1.NetworkPolicyEgressRule) *NetworkPolicyBuilder {
	b.obj.Spec.Egress = append(b.obj.Spec.Egress, rules...)
	return b.policyType(networkingv1.PolicyTypeEgress)
}

// Obj returns the policy.
func (b *NetworkPolicyBuilder) Obj() *networkingv1.NetworkPolicy {
	return b.obj.DeepCopy()
}

func (b *NetworkPolicyBuilder) policyType(added networkingv1.PolicyType) *NetworkPolicyBuilder {
	if slices.Contains(b.obj.Spec.PolicyTypes, added) {
		return b
	}
	b.obj.Spec.PolicyTypes = append(b.obj.Spec.PolicyTypes, added)
	return b
}
