package main

import (
	"context"
	"fmt"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// measureChange changes the port of one dependency, which concerns half of the namespaces; the plain client
// changes the same policies.
func (b *bed) measureChange(ctx context.Context) ([]result, error) {
	if err := b.converged(ctx); err != nil {
		return nil, err
	}
	took := result{measure: "3 change of a port", n: b.n, unit: seconds}
	made := result{measure: "3 change: requests", n: b.n, unit: count}
	for round := range b.rounds {
		port := int32(firstPort + 10*(round+1))
		if err := b.changePort(ctx, port, &took, &made); err != nil {
			return nil, err
		}
		if err := b.changePlainly(ctx, port+1, &took, &made); err != nil {
			return nil, err
		}
	}
	made.target = atMost(1)
	made.note = fmt.Sprintf("%d namespaces are concerned", b.concerned())
	return []result{took, made}, nil
}

// concerned is the number of namespaces that the change concerns.
func (b *bed) concerned() int {
	n := 0
	for i := range b.n {
		if changed(tierOf(i)) {
			n++
		}
	}
	return n
}

func (b *bed) changePort(ctx context.Context, port int32, took, made *result) error {
	before, err := b.versionsOfPolicies(ctx)
	if err != nil {
		return err
	}
	requests, err := b.scrape(ctx)
	if err != nil {
		return err
	}
	following, err := b.followProfile(ctx)
	if err != nil {
		return err
	}
	start := time.Now()
	if err := b.setPort(ctx, port); err != nil {
		return err
	}
	ready, err := following.until(ctx, b.profile.Generation)
	if err != nil {
		return err
	}
	after, err := b.versionsOfPolicies(ctx)
	if err != nil {
		return err
	}
	if err := b.untilDrained(ctx); err != nil {
		return err
	}
	later, err := b.scrape(ctx)
	if err != nil {
		return err
	}
	took.ours = append(took.ours, ready.Sub(start).Seconds())
	made.ours = append(made.ours, later.writes()-requests.writes())
	b.sayf("operator: %s, %d policies", ready.Sub(start), differing(before, after))
	return nil
}

// setPort changes the port in the profile.
func (b *bed) setPort(ctx context.Context, port int32) error {
	if err := b.admin.Get(ctx, client.ObjectKeyFromObject(b.profile), b.profile); err != nil {
		return err
	}
	before := b.profile.DeepCopy()
	for i := range b.profile.Spec.Dependencies {
		if d := &b.profile.Spec.Dependencies[i]; d.Name == "api-data" {
			number := intstr.FromInt32(port)
			d.Ports[0].Port = &number
		}
	}
	return b.admin.Patch(ctx, b.profile, client.MergeFrom(before))
}

// changePlainly changes the policies by the plain client, while the operator is stopped, and then has the
// profile say the same: the operator finds all as it should be.
func (b *bed) changePlainly(ctx context.Context, port int32, took, made *result) error {
	if err := b.stopOperator(); err != nil {
		return err
	}
	if err := b.setPort(ctx, port); err != nil {
		return err
	}
	if err := b.expect(ctx); err != nil {
		return err
	}
	before, err := b.versionsOfPolicies(ctx)
	if err != nil {
		return err
	}
	start := time.Now()
	err = each(ctx, b.n, b.concurrency(), func(ctx context.Context, i int) error {
		if !changed(tierOf(i)) {
			return nil
		}
		return b.replacePlainly(ctx, b.expected.in(namespaceName(i), tierOf(i)).Policies[0])
	})
	if err != nil {
		return err
	}
	took.plain = append(took.plain, since(start))
	after, err := b.versionsOfPolicies(ctx)
	if err != nil {
		return err
	}
	made.plain = append(made.plain, float64(differing(before, after)))
	return b.converged(ctx)
}

// replacePlainly replaces a policy, as the operator does. It has no resource version, so whatever is there is replaced.
func (b *bed) replacePlainly(ctx context.Context, policy *networkingv1.NetworkPolicy) error {
	return b.admin.Update(ctx, policy.DeepCopy())
}

// concurrency is that of the plain client: the best one, if that was looked for.
func (b *bed) concurrency() int {
	if b.best == 0 {
		return 32
	}
	return b.best
}

// versionsOfPolicies are the resource versions of all policies, by namespace.
func (b *bed) versionsOfPolicies(ctx context.Context) (map[string]string, error) {
	var list networkingv1.NetworkPolicyList
	if err := b.admin.List(ctx, &list, client.MatchingLabels{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue}); err != nil {
		return nil, err
	}
	out := map[string]string{}
	for i := range list.Items {
		out[list.Items[i].Namespace] = list.Items[i].ResourceVersion
	}
	return out, nil
}

func differing(before, after map[string]string) int {
	n := 0
	for namespace, version := range after {
		if before[namespace] != version {
			n++
		}
	}
	return n
}
