package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// generated chooses what the operator wrote.
var generated = client.MatchingLabels{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue}

// showTiers shows which namespace is in which tier, by the membership labels in the cluster.
func (d *demo) showTiers(ctx context.Context) error {
	d.screen.heading("Namespaces and tiers: " + v1alpha1.TierLabel + ", as the operator set it")
	var rows [][]cell
	for _, name := range d.sample.names() {
		var namespace corev1.Namespace
		if err := d.admin.Get(ctx, client.ObjectKey{Name: name}, &namespace); err != nil {
			return err
		}
		tier, want := namespace.Labels[v1alpha1.TierLabel], d.sample.tiers[name]
		d.expectf(tier == want, "namespace %s is in tier %q instead of %q", name, tier, want)
		shown := cell{text: tier, style: bold}
		if tier == "" {
			shown = cell{text: outside(name, &d.sample.profile), style: dim}
		}
		rows = append(rows, []cell{{text: name}, shown, {text: ownLabels(namespace.Labels)}})
	}
	d.screen.block(d.screen.table(row("NAMESPACE", "TIER", "SELECTED BY ITS NAME OR BY ITS OWNER'S LABELS"), rows))
	return nil
}

// outside says what a namespace is to a profile that does not have it.
func outside(name string, profile *v1alpha1.SegmentationProfile) string {
	for i := range profile.Spec.Peers {
		peer := &profile.Spec.Peers[i]
		if peer.Namespaces != nil && slices.Contains(peer.Namespaces.Names, v1alpha1.NamespaceName(name)) {
			return fmt.Sprintf("none, but peer %q", peer.Name)
		}
	}
	return "none"
}

// ownLabels are the labels that neither Kubernetes nor the operator set.
func ownLabels(labels map[string]string) string {
	var own []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		if key != corev1.LabelMetadataName && key != v1alpha1.ProfileLabel && key != v1alpha1.TierLabel {
			own = append(own, key+"="+labels[key])
		}
	}
	return strings.Join(own, " ")
}

// objectCounts counts the generated objects of a namespace.
type objectCounts struct {
	policies, roles, bindings int
}

// showObjects shows how many objects of which kind the operator wrote where.
func (d *demo) showObjects(ctx context.Context) error {
	counts, err := d.countObjects(ctx)
	if err != nil {
		return err
	}
	d.screen.heading("Objects written")
	d.screen.block(d.screen.table(countsHeader(), countRows(counts)))

	var total objectCounts
	for _, c := range counts {
		total.policies, total.roles, total.bindings = total.policies+c.policies, total.roles+c.roles, total.bindings+c.bindings
	}
	status := d.sample.profile.Status.Objects
	want := objectCounts{int(status.NetworkPolicies), int(status.Roles), int(status.RoleBindings)}
	d.expectf(total == want, "there are %+v generated objects, but the profile's status says %+v", total, want)
	d.expectf(len(counts) == d.sample.members(), "%d namespaces have generated objects instead of %d", len(counts), d.sample.members())
	return nil
}

func (d *demo) countObjects(ctx context.Context) (map[string]objectCounts, error) {
	var policies networkingv1.NetworkPolicyList
	var roles rbacv1.RoleList
	var bindings rbacv1.RoleBindingList
	for _, list := range []client.ObjectList{&policies, &roles, &bindings} {
		if err := d.admin.List(ctx, list, generated); err != nil {
			return nil, err
		}
	}
	counts := map[string]objectCounts{}
	for i := range policies.Items {
		c := counts[policies.Items[i].Namespace]
		c.policies++
		counts[policies.Items[i].Namespace] = c
	}
	for i := range roles.Items {
		c := counts[roles.Items[i].Namespace]
		c.roles++
		counts[roles.Items[i].Namespace] = c
	}
	for i := range bindings.Items {
		c := counts[bindings.Items[i].Namespace]
		c.bindings++
		counts[bindings.Items[i].Namespace] = c
	}
	return counts, nil
}

func countsHeader() []cell {
	return []cell{
		{text: "NAMESPACE"}, {text: "NETWORKPOLICIES", right: true}, {text: "ROLES", right: true}, {text: "ROLEBINDINGS", right: true},
	}
}

// countRows are the rows of the counts, with their sum in the last.
func countRows(counts map[string]objectCounts) [][]cell {
	var rows [][]cell
	var total objectCounts
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		c := counts[name]
		total = objectCounts{total.policies + c.policies, total.roles + c.roles, total.bindings + c.bindings}
		rows = append(rows, countRow(name, c, plain))
	}
	return append(rows, countRow("all", total, bold))
}

func countRow(name string, c objectCounts, st style) []cell {
	cells := []cell{{text: name, style: st}}
	for _, n := range []int{c.policies, c.roles, c.bindings} {
		cells = append(cells, cell{text: strconv.Itoa(n), style: st, right: true})
	}
	return cells
}

// capitalize begins a sentence.
func capitalize(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
