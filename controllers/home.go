package controllers

import (
	"context"
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// home is what the operator's own namespace says.
type home struct {
	// keeper refers to the namespace; nil if the operator has none.
	keeper *metav1.OwnerReference
	// bookmarks are the UIDs of the profiles that own bookmarks, by name; empty for a profile that
	// was deleted as an orphan.
	bookmarks map[string]types.UID
}

// lookHome reads the operator's own namespace from the cache. Outside of a cluster it has none.
func lookHome(ctx context.Context, reader client.Reader, name string) (home, error) {
	if name == "" {
		return home{}, nil
	}
	namespace, err := getNamespace(ctx, reader, name)
	if err != nil {
		return home{}, fmt.Errorf("reading the operator's own namespace: %w", err)
	}
	var policies networkingv1.NetworkPolicyList
	if err := reader.List(ctx, &policies, client.InNamespace(name), client.UnsafeDisableDeepCopy); err != nil {
		return home{}, fmt.Errorf("listing bookmarks: %w", err)
	}
	h := home{
		keeper:    &metav1.OwnerReference{APIVersion: "v1", Kind: "Namespace", Name: name, UID: namespace.UID},
		bookmarks: map[string]types.UID{},
	}
	for i := range policies.Items {
		if profile := bookmarkOf(&policies.Items[i]); profile != "" {
			h.bookmarks[profile] = ownerOf(&policies.Items[i])
		}
	}
	return h, nil
}

// isIn passes events of objects in one namespace. Bookmarks are in the operator's own: elsewhere anybody
// may write what looks like one.
func isIn(namespace string) predicate.Predicate {
	return predicate.NewPredicateFuncs(func(obj client.Object) bool { return obj.GetNamespace() == namespace })
}

// bookmarkOf returns the profile that an object is the bookmark of; empty if it is none, or going.
func bookmarkOf(obj client.Object) string {
	if obj.GetDeletionTimestamp() != nil {
		return ""
	}
	return render.BookmarkOf(obj)
}

func ownerOf(obj client.Object) types.UID {
	for _, ref := range obj.GetOwnerReferences() {
		if ref.Kind == "SegmentationProfile" {
			return ref.UID
		}
	}
	return ""
}

// has tells whether a profile has its bookmark; always true where there are none, and for one in
// Preview, which writes nothing that could be left behind.
func (h *home) has(profile *v1alpha1.SegmentationProfile) bool {
	return h.keeper == nil || profile.Spec.Mode == v1alpha1.ModePreview || h.bookmarks[profile.Name] == profile.UID
}

// isGone tells whether a profile that does not exist was deleted, and not as an orphan.
func (h *home) isGone(profile string) bool {
	_, marked := h.bookmarks[profile]
	return h.keeper != nil && !marked
}

// writeBookmark writes the bookmark of a profile, in place of whatever has its name: what another profile of that
// name left, or one that somebody took the label off.
func (h *home) writeBookmark(ctx context.Context, c client.Writer, profile *v1alpha1.SegmentationProfile) error {
	owner := client.FieldOwner(v1alpha1.ManagedByValue)
	err := c.Create(ctx, render.Bookmark(profile.Name, profile.UID, h.keeper.Name), owner)
	if apierrors.IsAlreadyExists(err) {
		// It is not as it should be, or the cache does not show it yet.
		err = c.Update(ctx, render.Bookmark(profile.Name, profile.UID, h.keeper.Name), owner)
	}
	if err != nil {
		return fmt.Errorf("writing the bookmark: %w", err)
	}
	return nil
}
