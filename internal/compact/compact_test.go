package compact

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
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
