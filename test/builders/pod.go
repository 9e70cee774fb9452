package builders

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// PodBuilder makes a Pod.
type PodBuilder struct {
	ObjectBuilder[PodBuilder]
	obj corev1.Pod
}

// MakePod begins a pod of one container named app.
func MakePod(namespace, name string) *PodBuilder {
	b := &PodBuilder{}
	b.obj.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}
	b.obj.Namespace, b.obj.Name = namespace, name
	b.obj.Spec.Containers = []corev1.Container{{Name: "app", Image: "example.com/app:v1"}}
	b.ObjectBuilder = ObjectBuilder[PodBuilder]{builder: b, meta: &b.obj.ObjectMeta}
	return b
}

// Port adds a named TCP port to the container.
func (b *PodBuilder) Port(name string, number int32) *PodBuilder {
	container := &b.obj.Spec.Containers[0]
	container.Ports = append(container.Ports, corev1.ContainerPort{
		Name:          name,
		ContainerPort: number,
		Protocol:      corev1.ProtocolTCP,
	})
	return b
}

// IP makes it a running pod with this address.
func (b *PodBuilder) IP(address string) *PodBuilder {
	b.obj.Status.Phase = corev1.PodRunning
	b.obj.Status.PodIP = address
	b.obj.Status.PodIPs = []corev1.PodIP{{IP: address}}
	return b
}

// Obj returns the pod.
func (b *PodBuilder) Obj() *corev1.Pod {
	return b.obj.DeepCopy()
}
