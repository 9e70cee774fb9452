package chart

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

const crdName = "segmentationprofiles.segmentation.dev"

func (b *bed) crd() *unstructured.Unstructured {
	b.Helper()
	crd := &unstructured.Unstructured{}
	crd.SetGroupVersionKind(schema.GroupVersionKind{
		Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition",
	})
	b.get("", crdName, crd)
	return crd
}

func (b *bed) profile() *v1alpha1.SegmentationProfile {
	b.Helper()
	var profile v1alpha1.SegmentationProfile
	b.get("", "shop", &profile)
	return &profile
}

// ready waits until the profile has so many namespaces, and is ready.
func (b *bed) ready(namespaces int32) {
	b.Helper()
	b.eventually("the profile", func() string {
		profile := b.profile()
		condition := meta.FindStatusCondition(profile.Status.Conditions, v1alpha1.ConditionReady)
		if condition == nil || condition.Status != metav1.ConditionTrue || condition.ObservedGeneration != profile.Generation {
			return fmt.Sprintf("it is not ready: %+v", condition)
		}
		if profile.Status.Namespaces.Claimed != namespaces {
			return fmt.Sprintf("it has %+v", profile.Status.Namespaces)
		}
		return ""
	})
}

// kept is what uninstalling must not take away: the CRD and the profile by UID and generation, what was written for the
// profile by its version.
func (b *bed) kept() map[string]string {
	b.Helper()
	crd, profile := b.crd(), b.profile()
	out := map[string]string{
		"CRD":     string(crd.GetUID()),
		"profile": fmt.Sprint(profile.UID, profile.Generation),
	}
	mine := client.MatchingLabels{"app.kubernetes.io/managed-by": "segmentation-operator"}
	for _, list := range []client.ObjectList{&networkingv1.NetworkPolicyList{}, &rbacv1.RoleBindingList{}} {
		if err := b.admin.List(b.Context(), list, mine); err != nil {
			b.Fatal(err)
		}
		for _, item := range must(meta.ExtractList(list))(b) {
			obj, _ := item.(client.Object)
			out[fmt.Sprintf("%T %s %s", obj, obj.GetNamespace(), obj.GetName())] = fmt.Sprint(obj.GetUID(), obj.GetResourceVersion())
		}
	}
	var members corev1.NamespaceList
	if err := b.admin.List(b.Context(), &members, client.HasLabels{v1alpha1.ProfileLabel}); err != nil {
		b.Fatal(err)
	}
	for _, namespace := range members.Items {
		out["namespace "+namespace.Name] = fmt.Sprint(namespace.UID, namespace.Labels)
	}
	return out
}

// gone says which of some objects are there.
func (b *bed) gone(objs objects) []string {
	b.Helper()
	var out []string
	for key, obj := range objs {
		err := b.admin.Get(context.WithoutCancel(b.Context()), client.ObjectKeyFromObject(obj), obj.DeepCopy())
		if !apierrors.IsNotFound(err) {
			out = append(out, fmt.Sprintf("%s is there (%v)", key, err))
		}
	}
	return out
}
