package render

import (
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// Bookmark renders the bookmark of a profile: a NetworkPolicy in the operator's own namespace that
// selects no pod. Only the profile owns it. So the garbage collector removes it with the profile,
// and takes the reference off it when the profile is deleted as an orphan
// (https://kubernetes.io/docs/concepts/architecture/garbage-collection/#cascading-deletion): from it
// the operator knows, also when it was down, whether what the profile declared is to stay.
func Bookmark(profile string, uid types.UID, namespace string) *networkingv1.NetworkPolicy {
	policy := newPolicy(metav1.ObjectMeta{
		Name:            bookmarkPrefix + profile,
		Namespace:       namespace,
		Labels:          map[string]string{v1alpha1.BookmarkLabel: profile},
		OwnerReferences: []metav1.OwnerReference{ProfileReference(profile, uid)},
	})
	// No pod has a label and lacks it.
	policy.Spec.PodSelector.MatchExpressions = []metav1.LabelSelectorRequirement{
		{Key: v1alpha1.BookmarkLabel, Operator: metav1.LabelSelectorOpExists},
		{Key: v1alpha1.BookmarkLabel, Operator: metav1.LabelSelectorOpDoesNotExist},
	}
	policy.Spec.PolicyTypes = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
	return policy
}

// bookmarkPrefix begins the name of a bookmark; the name of the profile follows.
const bookmarkPrefix = Prefix + "-profile-"

// BookmarkOf returns the profile that an object is the bookmark of by its name and label; empty if
// it is none.
func BookmarkOf(obj metav1.Object) string {
	profile := obj.GetLabels()[v1alpha1.BookmarkLabel]
	if obj.GetName() != bookmarkPrefix+profile {
		return ""
	}
	return profile
}
