package mesh

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
)

// DeepCopy returns a copy that shares nothing with the policy.
func (p *AuthorizationPolicy) DeepCopy() *AuthorizationPolicy {
	out := &AuthorizationPolicy{TypeMeta: p.TypeMeta, Spec: p.Spec.deepCopy()}
	out.ObjectMeta = *p.ObjectMeta.DeepCopy()
	return out
}

// DeepCopyObject makes it an object of Kubernetes.
func (p *AuthorizationPolicy) DeepCopyObject() runtime.Object {
	return p.DeepCopy()
}

// DeepCopyObject makes it an object of Kubernetes.
func (l *AuthorizationPolicyList) DeepCopyObject() runtime.Object {
	out := &AuthorizationPolicyList{TypeMeta: l.TypeMeta}
	out.ListMeta = *l.DeepCopy()
	for i := range l.Items {
		out.Items = append(out.Items, *l.Items[i].DeepCopy())
	}
	return out
}

// DeepCopy returns a copy that shares nothing with the policy.
func (a *PeerAuthentication) DeepCopy() *PeerAuthentication {
	out := &PeerAuthentication{TypeMeta: a.TypeMeta}
	out.ObjectMeta = *a.ObjectMeta.DeepCopy()
	out.Spec.Selector = a.Spec.Selector.deepCopy()
	if a.Spec.MTLS != nil {
		out.Spec.MTLS = new(*a.Spec.MTLS)
	}
	out.Spec.PortLevelMTLS, out.Spec.Unknown = maps.Clone(a.Spec.PortLevelMTLS), runtime.DeepCopyJSON(a.Spec.Unknown)
	return out
}

// DeepCopyObject makes it an object of Kubernetes.
func (a *PeerAuthentication) DeepCopyObject() runtime.Object {
	return a.DeepCopy()
}

// DeepCopyObject makes it an object of Kubernetes.
func (l *PeerAuthenticationList) DeepCopyObject() runtime.Object {
	out := &PeerAuthenticationList{TypeMeta: l.TypeMeta}
	out.ListMeta = *l.DeepCopy()
	for i := range l.Items {
		out.Items = append(out.Items, *l.Items[i].DeepCopy())
	}
	return out
}

func (s *WorkloadSelector) deepCopy() *WorkloadSelector {
	if s == nil {
		return nil
	}
	return &WorkloadSelector{MatchLabels: maps.Clone(s.MatchLabels)}
}

func (s AuthorizationSpec) deepCopy() AuthorizationSpec {
	out := AuthorizationSpec{Selector: s.Selector.deepCopy(), Action: s.Action, Unknown: runtime.DeepCopyJSON(s.Unknown)}
	for i := range s.Rules {
		out.Rules = append(out.Rules, s.Rules[i].deepCopy())
	}
	return out
}

func (r Rule) deepCopy() Rule {
	out := Rule{Unknown: runtime.DeepCopyJSON(r.Unknown)}
	for _, from := range r.From {
		s := from.Source
		out.From = append(out.From, From{Source: Source{
			Principals: slices.Clone(s.Principals), Namespaces: slices.Clone(s.Namespaces),
			IPBlocks: slices.Clone(s.IPBlocks), NotIPBlocks: slices.Clone(s.NotIPBlocks),
			Unknown: runtime.DeepCopyJSON(s.Unknown),
		}})
	}
	for _, to := range r.To {
		out.To = append(out.To, To{Operation: Operation{
			Ports: slices.Clone(to.Operation.Ports), Unknown: runtime.DeepCopyJSON(to.Operation.Unknown),
		}})
	}
	return out
}
