package apply

import (
	"context"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
)

// Callers returns the namespaces whose service accounts are to have what is granted to a tier.
type Callers func(tier transition.Membership) []string

// Hold leaves a namespace as it is, but does not let it pass for a member without a policy
// of its own, nor for a member of another tier than that policy vouches for, nor leave it open if
// it was about to leave, nor leave those access there who are no callers any more. It never
// labels: who may write in the namespace may write the policy's labels too.
func (a *Applier) Hold(ctx context.Context, view transition.View, observed *Observed, callers Callers) Result {
	r := a.begin(ctx, &view, observed)
	r.dropCallers(callers)
	if observed.carriesMembership() && (view.IsForged || !observed.IsVouchedFor()) {
		r.unlabel(ofAnyVersion)
	}
	r.steps(transition.Shutting(r.ownPolicies("")))
	if !r.failed(KindNetworkPolicy) {
		r.Progress.Reached = transition.Settled
	}
	r.judgeFailures()
	r.settle()
	return r.Result
}

// dropCallers takes those out of the operator's RoleBindings who have left the tiers that these are for.
func (r *run) dropCallers(callers Callers) {
	for i := range r.observed.Bindings {
		b := &r.observed.Bindings[i]
		if !IsOurs(b, "") || b.DeletionTimestamp != nil || len(boundTiers(b)) == 0 {
			continue
		}
		switch kept := keptSubjects(b, callers); {
		case len(kept) == len(b.Subjects):
		case len(kept) == 0:
			r.remove([]client.Object{b})
		default:
			r.write(Write{Desired: withSubjects(b, kept), UID: b.UID, Version: b.ResourceVersion})
		}
	}
}

// BoundTiers are the tiers whose service accounts have roles in a namespace, by what the operator's
// RoleBindings say.
func (o *Observed) BoundTiers() []transition.Membership {
	var out []transition.Membership
	for i := range o.Bindings {
		if IsOurs(&o.Bindings[i], "") {
			out = append(out, boundTiers(&o.Bindings[i])...)
		}
	}
	return out
}

func boundTiers(b *rbacv1.RoleBinding) []transition.Membership {
	var out []transition.Membership
	for _, entry := range render.CallersEntries(b) {
		if !strings.HasPrefix(entry, render.ServiceAccountsPrefix) {
			out = append(out, transition.Membership{Profile: b.Labels[v1alpha1.ProfileLabel], Tier: entry})
		}
	}
	return out
}

// keptSubjects are the subjects of a RoleBinding without the service accounts of namespaces that are no callers.
func keptSubjects(b *rbacv1.RoleBinding, callers Callers) []rbacv1.Subject {
	kept := map[string]bool{}
	for _, entry := range render.CallersEntries(b) {
		kept[entry] = true // Who is bound by name is, whatever becomes of the namespace.
	}
	for _, tier := range boundTiers(b) {
		for _, namespace := range callers(tier) {
			kept[render.ServiceAccountsPrefix+namespace] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(b.Subjects), func(s rbacv1.Subject) bool {
		return s.Kind == rbacv1.GroupKind && strings.HasPrefix(s.Name, render.ServiceAccountsPrefix) && !kept[s.Name]
	})
}

// withSubjects is a RoleBinding as the operator wrote it, with other subjects.
func withSubjects(b *rbacv1.RoleBinding, subjects []rbacv1.Subject) *rbacv1.RoleBinding {
	out := &rbacv1.RoleBinding{
		TypeMeta: metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "RoleBinding"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: b.Namespace, Name: b.Name, OwnerReferences: b.OwnerReferences,
			Labels: map[string]string{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue}, Annotations: map[string]string{},
		},
		Subjects: subjects, RoleRef: b.RoleRef,
	}
	for _, key := range []string{v1alpha1.ProfileLabel, v1alpha1.TierLabel} {
		out.Labels[key] = b.Labels[key]
	}
	for _, key := range []string{v1alpha1.DeclaredByAnnotation, v1alpha1.CallersAnnotation} {
		out.Annotations[key] = b.Annotations[key]
	}
	return out
}
