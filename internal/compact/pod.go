package compact

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/internal/engine"
)

// pod drops all of a pod but its labels, the ports of its containers, and whether policies are about it at all. Of one
// that tells which engine enforces policies, a little more is kept.
func pod(obj *corev1.Pod) {
	tells := engine.Tells(obj)
	var owners []metav1.OwnerReference
	if tells {
		owners = []metav1.OwnerReference{{Kind: obj.OwnerReferences[0].Kind, Name: obj.OwnerReferences[0].Name}}
	}
	obj.ObjectMeta = metav1.ObjectMeta{
		Namespace: obj.Namespace, Name: obj.Name, UID: obj.UID, ResourceVersion: obj.ResourceVersion, Labels: obj.Labels,
		OwnerReferences: owners,
	}
	obj.Spec = corev1.PodSpec{
		InitContainers: containers(obj.Spec.InitContainers, false), Containers: containers(obj.Spec.Containers, tells),
		HostNetwork: obj.Spec.HostNetwork,
	}
	obj.Status = corev1.PodStatus{Phase: ended(obj.Status.Phase)}
}

// containers are those of some containers that have ports, or all of them if they tell of an engine.
func containers(of []corev1.Container, tell bool) []corev1.Container {
	var out []corev1.Container
	for i := range of {
		c := &of[i]
		if !tell && len(c.Ports) == 0 {
			continue
		}
		var kept corev1.Container
		if tell {
			kept = engine.Kept(c)
		}
		// A sidecar is told from what ends before the others begin.
		kept.Ports, kept.RestartPolicy = c.Ports, c.RestartPolicy
		out = append(out, kept)
	}
	return out
}

// ended is the phase of a pod that has ended: what else it may be makes no difference, and changes often.
func ended(phase corev1.PodPhase) corev1.PodPhase {
	if phase == corev1.PodSucceeded || phase == corev1.PodFailed {
		return phase
	}
	return ""
}
