package admission

import (
	"testing"

	. "github.com/onsi/gomega"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

const labelIsTheOperators = "the label app.kubernetes.io/managed-by: segmentation-operator marks what the segmentation operator " +
	"writes, and nobody else may put it on an object: leave the label out"

// notDeleted is what is said to who deletes what the operator wrote, and notChanged to who
// changes it.
func notDeleted(kind, profile string) string {
	return "the segmentation operator writes this " + kind + " from SegmentationProfile " + profile +
		"; change the profile instead, or ask a member of the group segmentation:break-glass"
}

func notChanged(kind, profile string) string {
	return notDeleted(kind, profile) + " (of its metadata, other labels and annotations than those of segmentation.dev/ may be changed)"
}

// member makes a namespace that has an object of each kind, and returns its profile.
func (w *world) member() *v1alpha1.SegmentationProfile {
	w.t.Helper()
	w.namespace("one", "web")
	p := w.twoTiers("shop").Role(builders.MakeRole("viewer").Read("pods").Obj()).Obj()
	p.Spec.Tiers[0].Access = []v1alpha1.TierAccess{{Role: "viewer", Subjects: []v1alpha1.Subject{builders.User("ann")}}}
	w.profile(p)
	w.settled(p, 1)
	return p
}

// written returns the operator's objects in the namespace, by kind.
func (w *world) written() map[string]client.Object {
	w.t.Helper()
	policies, roles, bindings := w.objects()
	w.Expect(len(policies) * len(roles) * len(bindings)).To(Equal(1))
	return map[string]client.Object{"NetworkPolicy": policies[0], "Role": roles[0], "RoleBinding": bindings[0]}
}

// objects returns all of the operator's objects in the namespace.
func (w *world) objects() (policies, roles, bindings []client.Object) {
	w.t.Helper()
	managed := client.MatchingLabels{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue}
	var p networkingv1.NetworkPolicyList
	var r rbacv1.RoleList
	var b rbacv1.RoleBindingList
	for _, list := range []client.ObjectList{&p, &r, &b} {
		w.Expect(env.admin.List(w.ctx(), list, client.InNamespace(w.ns("one")), managed)).To(Succeed())
	}
	for i := range p.Items {
		policies = append(policies, &p.Items[i])
	}
	for i := range r.Items {
		roles = append(roles, &r.Items[i])
	}
	for i := range b.Items {
		bindings = append(bindings, &b.Items[i])
	}
	return policies, roles, bindings
}

// tampering are changes that only the operator may make to its objects.
func tampering() map[string]func(client.Object) {
	return map[string]func(client.Object){
		"what it says": func(obj client.Object) {
			switch o := obj.(type) {
			case *networkingv1.NetworkPolicy:
				o.Spec.Ingress = append(o.Spec.Ingress, networkingv1.NetworkPolicyIngressRule{})
			case *rbacv1.Role:
				o.Rules[0].Verbs = []string{"*"}
			case *rbacv1.RoleBinding:
				o.Subjects[0].Name = "eve"
			}
		},
		"who manages it":             func(obj client.Object) { obj.GetLabels()[v1alpha1.ManagedByLabel] = "helm" },
		"that somebody manages it":   func(obj client.Object) { delete(obj.GetLabels(), v1alpha1.ManagedByLabel) },
		"the tier that it is of":     func(obj client.Object) { obj.GetLabels()[v1alpha1.TierLabel] = "api" },
		"a label that is not there":  func(obj client.Object) { obj.GetLabels()["segmentation.dev/more"] = "" },
		"what it is said to declare": func(obj client.Object) { obj.GetAnnotations()[v1alpha1.DeclaredByAnnotation] = "nothing" },
		"that it has owners":         func(obj client.Object) { obj.SetOwnerReferences(nil) },
		"one more owner": func(obj client.Object) {
			obj.SetOwnerReferences(append(obj.GetOwnerReferences(), metav1.OwnerReference{
				APIVersion: "v1", Kind: "ConfigMap", Name: "kept", UID: "kept",
			}))
		},
		"a finalizer": func(obj client.Object) { obj.SetFinalizers([]string{"example.com/stay"}) },
	}
}

func TestOnlyTheOperatorChangesWhatItWrote(t *testing.T) {
	w := newWorld(t)
	p := w.member()
	deputy := w.deputy()
	for kind, obj := range w.written() {
		for story, tamper := range tampering() {
			w.run(kind+": "+story, func(w *world) {
				changed := obj.DeepCopyObject().(client.Object)
				tamper(changed)
				patch := client.MergeFrom(obj)
				w.refused(deputy.Update(w.ctx(), changed.DeepCopyObject().(client.Object), client.DryRunAll), managedObjects, notChanged(kind, p.Name))
				w.refused(deputy.Patch(w.ctx(), changed.DeepCopyObject().(client.Object), patch, client.DryRunAll), managedObjects, notChanged(kind, p.Name))
				w.refused(env.admin.Update(w.ctx(), changed.DeepCopyObject().(client.Object), client.DryRunAll), managedObjects, notChanged(kind, p.Name))
				w.Expect(env.breakGlass.Update(w.ctx(), changed, client.DryRunAll)).To(Succeed())
			})
		}
		w.run(kind+": labels, annotations of others", func(w *world) {
			changed := obj.DeepCopyObject().(client.Object)
			changed.GetLabels()["team"], changed.GetAnnotations()["example.com/note"] = "shop", "seen"
			w.Expect(deputy.Update(w.ctx(), changed, client.DryRunAll)).To(Succeed())
		})
		w.run(kind+": deletion", func(w *world) {
			w.refused(deputy.Delete(w.ctx(), obj, client.DryRunAll), managedObjects, notDeleted(kind, p.Name))
			w.refused(env.admin.Delete(w.ctx(), obj, client.DryRunAll), managedObjects, notDeleted(kind, p.Name))
			err := deputy.DeleteAllOf(w.ctx(), obj, client.InNamespace(obj.GetNamespace()))
			w.refused(err, managedObjects, notDeleted(kind, p.Name))
			for _, user := range []string{
				"system:serviceaccount:kube-system:generic-garbage-collector", "system:serviceaccount:kube-system:namespace-controller",
				"system:kube-controller-manager", deploy.User,
			} {
				w.Expect(w.impersonating(user, "system:masters").Delete(w.ctx(), obj, client.DryRunAll)).To(Succeed(), "%s", user)
			}
		})
	}
	w.run("what was refused is as it was", func(w *world) {
		w.settled(p, 1)
		w.written()
	})
}

// deputy may write NetworkPolicies, Roles and RoleBindings, as an admin of namespaces does.
func (w *world) deputy() client.Client {
	w.t.Helper()
	verbs := []string{"get", "create", "update", "patch", "delete", "deletecollection"}
	return w.user("deputy", allow("networking.k8s.io", "networkpolicies", verbs),
		allow(rbacGroup, "roles", append(verbs, "escalate", "bind")), allow(rbacGroup, "rolebindings", verbs))
}

func TestNobodyForgesWhatTheOperatorWrites(t *testing.T) {
	w := newWorld(t)
	w.namespace("one", "none")
	deputy := w.deputy()
	bound := builders.MakeRoleBinding(w.ns("one"), "plain").Role("plain").User("ann")
	for _, obj := range []client.Object{
		builders.MakeNetworkPolicy(w.ns("one"), "plain").DenyAll().Obj(),
		builders.MakeRBACRole(w.ns("one"), "plain").Rule("", []string{"pods"}, []string{"get"}).Obj(),
		bound.Obj(),
	} {
		w.run(obj.GetObjectKind().GroupVersionKind().Kind, func(w *world) {
			forged := obj.DeepCopyObject().(client.Object)
			forged.SetLabels(map[string]string{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue})
			w.refused(deputy.Create(w.ctx(), forged.DeepCopyObject().(client.Object)), managedObjects, labelIsTheOperators)
			w.refused(env.admin.Create(w.ctx(), forged.DeepCopyObject().(client.Object)), managedObjects, labelIsTheOperators)
			w.Expect(env.breakGlass.Create(w.ctx(), forged.DeepCopyObject().(client.Object), client.DryRunAll)).To(Succeed())

			w.Expect(deputy.Create(w.ctx(), obj)).To(Succeed(), "what does not carry the label is nobody's concern")
			merge := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"app.kubernetes.io/managed-by":"segmentation-operator"}}}`))
			w.refused(deputy.Patch(w.ctx(), obj.DeepCopyObject().(client.Object), merge), managedObjects, labelIsTheOperators)
			forged.SetResourceVersion(obj.GetResourceVersion())
			w.refused(deputy.Update(w.ctx(), forged), managedObjects, labelIsTheOperators)
			w.Expect(deputy.Delete(w.ctx(), obj)).To(Succeed())
		})
	}
}

// A subresource through which metadata can be changed would be a way around the policy. Kubernetes
// had one, networkpolicies/status, and may have it again: the policy names it.
func TestManagedObjectsHaveNoSubresources(t *testing.T) {
	w := newWorld(t)
	p := w.member()
	for _, obj := range w.written() {
		err := env.admin.Status().Patch(w.ctx(), obj, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":null}}`)))
		w.Expect(apierrors.IsNotFound(err)).To(BeTrue(), "%v", err)
	}
	w.settled(p, 1)
}
