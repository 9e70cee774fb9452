package offline

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// Concern looks for the pods that a change concerns. Pods that have come to their end have no network any more, and are
// left out.
func (c *Change) Concern(pods []corev1.Pod) {
	existing := make([]*reach.Pod, 0, len(pods))
	for i := range pods {
		if HasEnded(&pods[i]) {
			continue
		}
		pod := PodOf(&pods[i])
		existing = append(existing, &pod)
	}
	slices.SortFunc(existing, func(a, b *reach.Pod) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	c.Among = c.Reach.Among(existing)
}
