package offline

import networkingv1 "k8s.io/api/networking/v1"

// Foreign are the policies that the operator did not write.
func (w *World) Foreign() []*networkingv1.NetworkPolicy {
	var out []*networkingv1.NetworkPolicy
	for i := range w.Policies {
		if !isOwn(&w.Policies[i]) {
			out = append(out, &w.Policies[i])
		}
	}
	return out
}
