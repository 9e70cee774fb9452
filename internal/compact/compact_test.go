package compact

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// policy is a policy as it would come from the API server: it shares nothing with another one.
func policy(namespace, peer string) *networkingv1.NetworkPolicy {
	return builders.MakeNetworkPolicy(namespace, strings.Clone("segmentation")).Managed().UID(types.UID("uid-" + namespace)).ResourceVersion("1").
		Egress(networkingv1.NetworkPolicyEgressRule{To: []networkingv1.NetworkPolicyPeer{{
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"team": strings.Clone(peer)}},
		}}}).Obj()
}

func transformed[T client.Object](t interface{ Fatal(...any) }, o *Objects, obj T) T {
	out, err := o.Transform(obj)
	if err != nil {
		t.Fatal(err)
	}
	same, ok := out.(T)
	if !ok {
		t.Fatal("it is another kind")
	}
	return same
}

func TestEqualPartsAreShared(t *testing.T) {
	o := NewObjects()
	one, two, other := transformed(t, o, policy("one", "a")), transformed(t, o, policy("two", "a")), transformed(t, o, policy("three", "b"))
	if &one.Spec.Egress[0] != &two.Spec.Egress[0] || unsafe.StringData(one.Name) != unsafe.StringData(two.Name) {
		t.Error("what is equal is kept twice")
	}
	if &one.Spec.Egress[0] == &other.Spec.Egress[0] {
		t.Error("what differs is shared")
	}
	if one.Namespace != "one" || one.UID != "uid-one" || two.Namespace != "two" || two.UID != "uid-two" {
		t.Error("an object has become another one")
	}
}

// Who makes an object large, or one that is not the operator's, should not have it kept when it is gone.
func TestWhatIsNotRemembered(t *testing.T) {
	large := policy("one", strings.Repeat("a", maxBytes))
	foreign := policy("one", "a")
	foreign.Labels = nil
	for name, obj := range map[string]*networkingv1.NetworkPolicy{"a large spec": large, "an object of somebody else": foreign} {
		t.Run(name, func(t *testing.T) {
			o := NewObjects()
			obj.OwnerReferences = nil
			first := transformed(t, o, obj.DeepCopy())
			if second := transformed(t, o, obj.DeepCopy()); &first.Spec.Egress[0] == &second.Spec.Egress[0] {
				t.Error("it is remembered")
			}
		})
	}
}

func TestWhatIsDropped(t *testing.T) {
	o := NewObjects()
	managed := []metav1.ManagedFieldsEntry{{Manager: "x"}}
	namespace := builders.MakeNamespace("one").Labels(map[string]string{"a": "b"}).Metadata()
	namespace.ManagedFields, namespace.Annotations = managed, map[string]string{"large": "text"}
	want := builders.MakeNamespace("one").Labels(map[string]string{"a": "b"}).Metadata()
	if diff := cmp.Diff(want, transformed(t, o, namespace)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, obj := range []client.Object{
		&networkingv1.NetworkPolicy{}, &rbacv1.Role{}, &rbacv1.RoleBinding{}, &rbacv1.ClusterRole{}, builders.MakeProfile("shop").Obj(),
	} {
		obj.SetManagedFields(managed)
		transformed(t, o, obj)
		if obj.GetManagedFields() != nil {
			t.Errorf("%T keeps its managed fields", obj)
		}
	}
	if got, err := o.Transform("no object"); got != "no object" || err != nil {
		t.Errorf("what is no object becomes %v, %v", got, err)
	}
}

// Of what the operator only looks at, nothing is kept but what it reads.
func TestWhatIsKeptOfWhatIsOnlyLookedAt(t *testing.T) {
	t.Parallel()
	full := func() metav1.ObjectMeta {
		return metav1.ObjectMeta{
			Namespace: "one", Name: "x", UID: "u", ResourceVersion: "7", Labels: map[string]string{"app": "a"},
			Annotations: map[string]string{"large": "text"}, ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "x"}},
		}
	}
	kept := func(labels map[string]string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: "one", Name: "x", UID: "u", ResourceVersion: "7", Labels: labels}
	}
	ports := []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}}
	spec := corev1.ServiceSpec{Selector: map[string]string{"app": "a"}, ClusterIPs: []string{"10.96.0.7"}, Ports: []corev1.ServicePort{{Port: 80}}}
	addresses := []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "192.0.2.1"}}
	pod := &corev1.Pod{ObjectMeta: full(), Spec: corev1.PodSpec{
		NodeName:       "n",
		InitContainers: []corev1.Container{{Name: "sidecar", Ports: ports}, {Name: "init"}},
		Containers:     []corev1.Container{{Name: "a", Image: "i", Env: []corev1.EnvVar{{Name: "SECRET"}}, Ports: ports}, {Name: "b", Image: "i"}},
	}, Status: corev1.PodStatus{Phase: corev1.PodRunning}}
	pod.Finalizers, pod.OwnerReferences = []string{"example.com/x"}, []metav1.OwnerReference{{Name: "o"}}
	always := corev1.ContainerRestartPolicyAlways
	pod.Spec.InitContainers[0].RestartPolicy = &always
	ended := &corev1.Pod{ObjectMeta: full(), Spec: corev1.PodSpec{HostNetwork: true}, Status: corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted"}}
	router := &corev1.Pod{ObjectMeta: full(), Spec: corev1.PodSpec{Containers: []corev1.Container{{
		Name: "kube-router", Image: "kube-router:v2", Args: []string{"--token=SECRET", "--run-firewall=false"},
		Env: []corev1.EnvVar{{Name: "SECRET"}},
	}}}}
	router.Namespace, router.Labels = "kube-system", map[string]string{"k8s-app": "kube-router"}
	router.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "DaemonSet", Name: "kube-router", UID: "d"}}
	tells := kept(router.Labels)
	tells.Namespace, tells.OwnerReferences = "kube-system", []metav1.OwnerReference{{Kind: "DaemonSet", Name: "kube-router"}}
	for name, c := range map[string]struct{ obj, want client.Object }{
		"of a Service, its spec": {
			&corev1.Service{ObjectMeta: full(), Spec: spec, Status: corev1.ServiceStatus{Conditions: []metav1.Condition{{Type: "x"}}}},
			&corev1.Service{ObjectMeta: kept(nil), Spec: spec},
		},
		"of a pod, its labels and the ports of containers": {
			pod, &corev1.Pod{ObjectMeta: kept(map[string]string{"app": "a"}), Spec: corev1.PodSpec{
				InitContainers: []corev1.Container{{Ports: ports, RestartPolicy: &always}}, Containers: []corev1.Container{{Ports: ports}},
			}},
		},
		"of a pod, whether policies are about it at all": {ended, &corev1.Pod{
			ObjectMeta: kept(map[string]string{"app": "a"}), Spec: corev1.PodSpec{HostNetwork: true}, Status: corev1.PodStatus{Phase: corev1.PodFailed},
		}},
		"of a pod that tells of an engine, what it tells": {router, &corev1.Pod{ObjectMeta: tells, Spec: corev1.PodSpec{
			Containers: []corev1.Container{{Name: "kube-router", Image: "kube-router:v2", Args: []string{"--run-firewall=false"}}},
		}}},
		"of a node, its addresses": {
			&corev1.Node{
				ObjectMeta: full(), Spec: corev1.NodeSpec{PodCIDR: "10.1.0.0/24", PodCIDRs: []string{"10.1.0.0/24"}, ProviderID: "p"},
				Status: corev1.NodeStatus{Addresses: addresses, Phase: corev1.NodeRunning},
			},
			&corev1.Node{
				ObjectMeta: kept(nil), Spec: corev1.NodeSpec{PodCIDR: "10.1.0.0/24", PodCIDRs: []string{"10.1.0.0/24"}},
				Status: corev1.NodeStatus{Addresses: addresses},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, transformed(t, NewObjects(), c.obj)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Whatever was seen before, an object stays what it is.
func TestObjectsStayWhatTheyAre(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := NewObjects()
		word := rapid.SampledFrom([]string{"a", "b", "c"})
		for range rapid.IntRange(1, 20).Draw(t, "objects") {
			var obj client.Object
			namespace, name := word.Draw(t, "namespace"), word.Draw(t, "name")
			switch rapid.IntRange(0, 2).Draw(t, "kind") {
			case 0:
				obj = policy(namespace, word.Draw(t, "peer"))
			case 1:
				obj = builders.MakeRBACRole(namespace, name).Rule("", []string{word.Draw(t, "resource")}, []string{"get"}).Obj()
			default:
				obj = builders.MakeRoleBinding(namespace, name).Role(word.Draw(t, "role")).User(word.Draw(t, "user")).Obj()
			}
			if rapid.Bool().Draw(t, "managed") {
				obj.SetLabels(map[string]string{"app.kubernetes.io/managed-by": "segmentation-operator", "l": word.Draw(t, "label")})
			}
			want := obj.DeepCopyObject()
			if diff := cmp.Diff(want, transformed(t, o, obj)); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
		}
	})
}
