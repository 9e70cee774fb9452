package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// sample is what the demo applies for the operator to work on.
type sample struct {
	namespaces []*unstructured.Unstructured
	profiles   []*unstructured.Unstructured

	// profile is the profile as it was last read.
	profile v1alpha1.SegmentationProfile
	// tiers are the tiers that the namespaces should be in; empty for those outside of all.
	tiers map[string]string
}

func readSample(dir string) (*sample, error) {
	s := &sample{}
	for file, into := range map[string]*[]*unstructured.Unstructured{
		"namespaces.yaml": &s.namespaces,
		"shop.yaml":       &s.profiles,
	} {
		var err error
		if *into, err = readManifests(filepath.Join(dir, file)); err != nil {
			return nil, err
		}
	}
	if len(s.namespaces) == 0 || len(s.profiles) != 1 || s.profiles[0].GetKind() != "SegmentationProfile" {
		return nil, fmt.Errorf("%s should have namespaces in namespaces.yaml and one SegmentationProfile in shop.yaml", dir)
	}
	return s, nil
}

// names are the names of the namespaces, in the order of the file.
func (s *sample) names() []string {
	var names []string
	for _, namespace := range s.namespaces {
		names = append(names, namespace.GetName())
	}
	return names
}

// members counts the namespaces that should be in a tier.
func (s *sample) members() int {
	n := 0
	for _, tier := range s.tiers {
		if tier != "" {
			n++
		}
	}
	return n
}

// applySample applies the namespaces, and then the profile.
func (d *demo) applySample(ctx context.Context) error {
	name := d.sample.profiles[0].GetName()
	d.screen.stepf("Applying the sample: %d namespaces and the profile %q", len(d.sample.namespaces), name)
	if err := d.apply(ctx, append(append([]*unstructured.Unstructured{}, d.sample.namespaces...), d.sample.profiles...)); err != nil {
		return err
	}
	if err := d.admin.Get(ctx, client.ObjectKey{Name: name}, &d.sample.profile); err != nil {
		return err
	}
	var err error
	d.sample.tiers, err = expectedTiers(&d.sample.profile, d.sample.namespaces)
	return err
}

// expectedTiers says in which tier each namespace should be, by the functions that the operator
// uses too.
func expectedTiers(profile *v1alpha1.SegmentationProfile, namespaces []*unstructured.Unstructured) (map[string]string, error) {
	compiled, invalid := plan.Compile(profile)
	if len(invalid) > 0 {
		return nil, fmt.Errorf("the profile %s does not compile: %w", profile.Name, invalid.ToAggregate())
	}
	claimant := claim.Claimant{Profile: profile.Name}
	for i := range compiled.Tiers {
		claimant.Tiers = append(claimant.Tiers, compiled.Tiers[i].Claim)
	}
	tiers := map[string]string{}
	for _, n := range namespaces {
		decision := claim.Decide(claim.Namespace{Name: n.GetName(), Labels: n.GetLabels()}, []claim.Claimant{claimant}, nil)
		tiers[n.GetName()] = decision.Tier
	}
	return tiers, nil
}

// waitForReady waits until the profile's status says that it is done. If it does not in time,
// the status and the operator's log say why.
func (d *demo) waitForReady(ctx context.Context) error {
	profile := &d.sample.profile
	d.screen.stepf("Waiting until the profile is Ready")
	err := d.until(ctx, "the profile to be Ready", func(ctx context.Context) error {
		if err := d.admin.Get(ctx, client.ObjectKeyFromObject(profile), profile); err != nil {
			return err
		}
		d.screen.progress(progressOf(profile))
		return ready(profile)
	})
	if err != nil {
		return fmt.Errorf("%w\n%s", err, d.operator.lastWords())
	}
	d.screen.stepf("Ready: %s", meta.FindStatusCondition(profile.Status.Conditions, v1alpha1.ConditionReady).Message)
	return nil
}

// ready returns what the profile's status says as long as it is not Ready.
func ready(profile *v1alpha1.SegmentationProfile) error {
	condition := meta.FindStatusCondition(profile.Status.Conditions, v1alpha1.ConditionReady)
	switch {
	case condition == nil || condition.ObservedGeneration != profile.Generation:
		return errors.New("the operator has not seen the profile yet")
	case condition.Status != metav1.ConditionTrue:
		return fmt.Errorf("its status says %s: %s", condition.Reason, condition.Message)
	default:
		return nil
	}
}

// progressOf says how far a profile is, and what keeps it from more.
func progressOf(profile *v1alpha1.SegmentationProfile) string {
	counts := profile.Status.Namespaces
	text := fmt.Sprintf("%d of %d namespaces ready", counts.Ready, counts.Claimed)
	condition := meta.FindStatusCondition(profile.Status.Conditions, v1alpha1.ConditionReady)
	if condition != nil && condition.Status == metav1.ConditionFalse {
		text += "; " + condition.Message
	}
	return text
}
