package offline

import networkingv1 "k8s.io/api/networking/v1"

// Foreign are the policies that the operator did not write.
func (w *World) Foreign() []*networkingv1.NetworkPolicy {
	return foreignOf(w.Policies)
}

// foreignOf are those of some policies that the operator did not write.
func foreignOf(policies []networkingv1.NetworkPolicy) []*networkingv1.NetworkPolicy {
	var out []*networkingv1.NetworkPolicy
	for i := range policies {
		if !isOwn(&policies[i]) {
			out = append(out, &policies[i])
		}
	}
	return out
}
