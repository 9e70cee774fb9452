package main

import (
	"context"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// measureConvergence creates the profile over all namespaces, and waits until its status says that it is
// ready; the plain client writes the same.
func (b *bed) measureConvergence(ctx context.Context) ([]result, error) {
	if err := b.createProfile(ctx); err != nil {
		return nil, err
	}
	if err := b.calibrate(ctx); err != nil {
		return nil, err
	}
	row := result{measure: "1 convergence", n: b.n, unit: seconds, target: atMost(1.3)}
	for round := range b.rounds {
		turns := []func(context.Context, *result) error{b.convergePlainly, b.converge}
		if round%2 == 1 {
			turns[0], turns[1] = turns[1], turns[0]
		}
		for _, turn := range turns {
			if err := turn(ctx, &row); err != nil {
				return nil, err
			}
		}
	}
	row.note = fmt.Sprintf("plain client: %d at a time", b.best)
	return []result{row}, nil
}

func (b *bed) convergePlainly(ctx context.Context, row *result) error {
	if err := b.stopOperator(); err != nil {
		return err
	}
	if b.profile == nil { // The owner of what is written.
		if err := b.createProfile(ctx); err != nil {
			return err
		}
	}
	took, err := b.timePlainly(ctx, b.n, b.best)
	if err != nil {
		return err
	}
	row.plain = append(row.plain, took.Seconds())
	b.sayf("plain client: %s", took)
	return b.eraseAllPlainly(ctx, b.n)
}

func (b *bed) converge(ctx context.Context, row *result) error {
	if err := b.deleteProfile(ctx); err != nil {
		return err
	}
	if err := b.startOperator(ctx); err != nil {
		return err
	}
	following, err := b.followProfile(ctx)
	if err != nil {
		return err
	}
	b.profile = makeProfile()
	start := time.Now()
	if err := b.admin.Create(ctx, b.profile); err != nil {
		return err
	}
	ready, err := following.until(ctx, b.profile.Generation)
	if err != nil {
		return err
	}
	row.ours = append(row.ours, ready.Sub(start).Seconds())
	b.sayf("operator: %s", ready.Sub(start))
	if err := b.expect(ctx); err != nil {
		return err
	}
	if err := b.verify(ctx); err != nil {
		return err
	}
	return b.deleteProfile(ctx)
}

// verify checks that all objects and labels are there.
func (b *bed) verify(ctx context.Context) error {
	managed := client.MatchingLabels{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue}
	for kind, selector := range map[string]client.MatchingLabels{
		"NetworkPolicy": managed, "Role": managed, "RoleBinding": managed, "Namespace": {v1alpha1.ProfileLabel: profileName},
	} {
		if got, err := b.count(ctx, versions[kind], kind, selector); err != nil || got != b.n {
			return fmt.Errorf("there are %d objects of kind %s, want %d (%w)", got, kind, b.n, err)
		}
	}
	return nil
}

var versions = map[string]string{
	"NetworkPolicy": "networking.k8s.io/v1", "Role": "rbac.authorization.k8s.io/v1",
	"RoleBinding": "rbac.authorization.k8s.io/v1", "Namespace": "v1",
}

// deleteProfile deletes the profile, if there is one, and waits until nothing is left of it.
func (b *bed) deleteProfile(ctx context.Context) error {
	if b.profile == nil {
		return nil
	}
	if err := b.admin.Delete(ctx, b.profile); err != nil {
		return err
	}
	b.profile = nil
	return poll(ctx, func(ctx context.Context) (bool, error) {
		for kind := range versions {
			selector := client.MatchingLabels{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue}
			if kind == "Namespace" {
				selector = client.MatchingLabels{v1alpha1.ProfileLabel: profileName}
			}
			if n, err := b.count(ctx, versions[kind], kind, selector); n > 0 || err != nil {
				return false, err
			}
		}
		return true, nil
	})
}
