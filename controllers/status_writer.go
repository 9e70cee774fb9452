package controllers

import (
	"context"
	"encoding/json"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	applyv1alpha1 "github.com/segmentation-dev/segmentation-operator/api/applyconfiguration/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// applyStatus applies the status and returns the resource version that it got.
func applyStatus(
	ctx context.Context, c client.StatusClient, profile *v1alpha1.SegmentationProfile, want v1alpha1.SegmentationProfileStatus,
) (string, error) {
	raw, err := json.Marshal(want)
	if err != nil {
		return "", fmt.Errorf("marshalling: %w", err)
	}
	config := applyv1alpha1.SegmentationProfile(profile.Name).WithUID(profile.UID).
		WithStatus(applyv1alpha1.SegmentationProfileStatus())
	if err := json.Unmarshal(raw, config.Status); err != nil {
		return "", fmt.Errorf("unmarshalling: %w", err)
	}
	if err := c.Status().Apply(ctx, config, client.ForceOwnership, client.FieldOwner(v1alpha1.ManagedByValue)); err != nil {
		return "", err
	}
	if config.ResourceVersion == nil {
		return "", nil
	}
	return *config.ResourceVersion, nil
}
