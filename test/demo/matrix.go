package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// legend explains the matrix.
const legend = `
-  closed   *  for some pods or addresses only, by the policies' selectors   =  inside one namespace only
Ports without a protocol are TCP. Names are resolved by DNS pods in kube-system, on port 53.
`

// cellWidth is how wide a list of ports may be before it goes on in the next line.
const cellWidth = 12

// showReach shows who may reach whom, according to the policies in the API server.
func (d *demo) showReach(ctx context.Context) error {
	matrix, err := d.matrix(ctx)
	if err != nil {
		return err
	}
	d.screen.heading("Who may reach whom, and on which ports: all NetworkPolicies read back and judged together")
	parties := partiesOf(matrix, &d.sample.profile)
	d.screen.block(d.screen.table(matrixHeader(parties), matrixRows(matrix, parties)))
	d.screen.block(legend)
	for _, surprise := range undeclared(matrix, &d.sample.profile) {
		d.expectf(false, "%s", surprise)
	}
	return nil
}

func matrixHeader(parties []party) []cell {
	header := row("FROM / TO")
	for _, p := range parties {
		header = append(header, cell{text: p.name})
	}
	return header
}

func matrixRows(matrix *reach.Matrix, parties []party) [][]cell {
	var rows [][]cell
	for _, from := range parties {
		cells := []cell{{text: from.name, style: bold}}
		for _, to := range parties {
			text := matrix.Cells[from.group][to.group].String()
			shown := cell{text: wrap(text, cellWidth)}
			if text == closed {
				shown.style = dim
			}
			cells = append(cells, shown)
		}
		rows = append(rows, cells)
	}
	return rows
}

// wrap breaks a list after commas, where it would be wider than a width.
func wrap(list string, width int) string {
	var lines []string
	line := ""
	for part := range strings.SplitAfterSeq(list, ",") {
		if line != "" && len(line)+len(part) > width {
			lines = append(lines, line)
			line = ""
		}
		line += part
	}
	return strings.Join(append(lines, line), "\n")
}

// matrix judges all policies of the cluster, whoever wrote them.
func (d *demo) matrix(ctx context.Context) (*reach.Matrix, error) {
	var namespaces corev1.NamespaceList
	if err := d.admin.List(ctx, &namespaces); err != nil {
		return nil, err
	}
	var policies networkingv1.NetworkPolicyList
	if err := d.admin.List(ctx, &policies); err != nil {
		return nil, err
	}
	known := make([]reach.Namespace, 0, len(namespaces.Items))
	for i := range namespaces.Items {
		known = append(known, reach.Namespace{Name: namespaces.Items[i].Name, Labels: namespaces.Items[i].Labels})
	}
	judged := make([]*networkingv1.NetworkPolicy, 0, len(policies.Items))
	for i := range policies.Items {
		judged = append(judged, &policies.Items[i])
	}
	return reach.NewMatrix(known, judged)
}

// undeclared compares which tiers reach which with what the profile declares.
func undeclared(matrix *reach.Matrix, profile *v1alpha1.SegmentationProfile) []string {
	var surprises []string
	for i := range matrix.Groups {
		for k := range matrix.Groups {
			from, to := matrix.Groups[i].Name, matrix.Groups[k].Name
			if matrix.Groups[i].Outside || matrix.Groups[k].Outside || !isTier(from, profile) || !isTier(to, profile) {
				continue
			}
			ports := matrix.Cells[i][k].String()
			if (ports != closed) != declares(profile, from, to) {
				surprises = append(surprises,
					fmt.Sprintf("the policies open from tier %s to tier %s: %s; that is not what the profile declares", from, to, ports))
			}
		}
	}
	return surprises
}

func isTier(name string, profile *v1alpha1.SegmentationProfile) bool {
	return slices.ContainsFunc(profile.Spec.Tiers, func(t v1alpha1.Tier) bool { return string(t.Name) == name })
}

// declares tells whether the profile declares any path from one tier to another.
func declares(profile *v1alpha1.SegmentationProfile, from, to string) bool {
	for i := range profile.Spec.Tiers {
		tier := &profile.Spec.Tiers[i]
		if from == to && string(tier.Name) == from && tier.InternalTraffic != v1alpha1.InternalTrafficDeny {
			return true
		}
	}
	return slices.ContainsFunc(profile.Spec.Dependencies, func(d v1alpha1.Dependency) bool {
		return string(d.From.Tier) == from && string(d.To.Tier) == to
	})
}
