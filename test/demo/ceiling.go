package main

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// waitForCeiling waits until the control plane has filled in the rules of the aggregated
// ClusterRoles that were installed: what profiles may grant.
func (d *demo) waitForCeiling(ctx context.Context) error {
	for _, role := range ofKind(d.install, "ClusterRole") {
		if _, aggregated := role.Object["aggregationRule"]; !aggregated {
			continue
		}
		name := role.GetName()
		d.screen.stepf("Waiting for the rules that aggregate to the ClusterRole %s", name)
		err := d.until(ctx, "the ClusterRole "+name, func(ctx context.Context) error {
			return d.checkAggregation(ctx, name)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) checkAggregation(ctx context.Context, name string) error {
	var aggregate rbacv1.ClusterRole
	if err := d.admin.Get(ctx, client.ObjectKey{Name: name}, &aggregate); err != nil {
		return err
	}
	var all rbacv1.ClusterRoleList
	if err := d.admin.List(ctx, &all); err != nil {
		return err
	}
	have, want, err := aggregation(&aggregate, all.Items)
	if err == nil && (have < want || want == 0) {
		err = fmt.Errorf("it has %d of %d rules", have, want)
	}
	return err
}

// aggregation counts the rules that a role should aggregate, and those that it has.
func aggregation(aggregate *rbacv1.ClusterRole, all []rbacv1.ClusterRole) (have, want int, err error) {
	for i := range aggregate.AggregationRule.ClusterRoleSelectors {
		selector, err := metav1.LabelSelectorAsSelector(&aggregate.AggregationRule.ClusterRoleSelectors[i])
		if err != nil {
			return 0, 0, err
		}
		for j := range all {
			if all[j].Name == aggregate.Name || !selector.Matches(labels.Set(all[j].Labels)) {
				continue
			}
			for _, rule := range all[j].Rules {
				want++
				if slices.ContainsFunc(aggregate.Rules, func(r rbacv1.PolicyRule) bool { return reflect.DeepEqual(r, rule) }) {
					have++
				}
			}
		}
	}
	return have, want, nil
}
