package main

import (
	"context"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// measureConvergence creates the profile over all namespaces, and waits until its status says that it is
// ready; the plain clients write the same.
func (b *bed) measureConvergence(ctx context.Context) ([]result, error) {
	if err := b.createProfile(ctx); err != nil {
		return nil, err
	}
	admin, limited := b.asAdmin(), b.asOperator()
	var err error
	if b.best, err = admin.calibrate(ctx, 8, 16, 32, 64, 128); err != nil {
		return nil, err
	}
	most, err := limited.calibrate(ctx, 32, 64, 128)
	if err != nil {
		return nil, err
	}
	row := result{
		measure: "1 convergence", n: b.n, unit: seconds, target: atMost(1.3), note: fmt.Sprintf("plain client: %d at a time", b.best),
	}
	same := result{
		measure: "1 convergence, same rights", n: b.n, unit: seconds, target: atMost(1.3),
		note: fmt.Sprintf("plain client with the operator's rights: %d at a time", most),
	}
	resident := result{measure: "7 resident set after convergence", n: b.n, unit: mebibytes}
	for round := range b.rounds {
		turns := []func() error{
			func() error { return b.converge(ctx, &row, &resident) },
			func() error { return admin.converge(ctx, &row, b.best) },
			func() error { return limited.converge(ctx, &same, most) },
		}
		for i := range turns {
			if err := turns[(i+round)%len(turns)](); err != nil {
				return nil, err
			}
		}
	}
	same.ours = row.ours
	return []result{row, same, resident}, nil
}

func (p plainClient) converge(ctx context.Context, row *result, concurrency int) error {
	if err := p.stopOperator(); err != nil {
		return err
	}
	if p.profile == nil { // The owner of what is written.
		if err := p.createProfile(ctx); err != nil {
			return err
		}
	}
	took, err := p.time(ctx, p.n, concurrency)
	if err != nil {
		return err
	}
	row.plain = append(row.plain, took.Seconds())
	p.sayf("%s: %s", p.name, took)
	return p.eraseAllPlainly(ctx, p.n)
}

func (b *bed) converge(ctx context.Context, row, resident *result) error {
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
	if err := pause(ctx, settling); err != nil {
		return err
	}
	bytes, err := b.residentBytes()
	if err != nil {
		return err
	}
	resident.ours = append(resident.ours, bytes/(1<<20))
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
