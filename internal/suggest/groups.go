package suggest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/offline"
)

// The bounds of a profile, which the CRD sets.
const (
	maxTiers        = 64
	maxPeers        = 64
	maxDependencies = 512
	maxNames        = 128
	maxCIDRs        = 64
	maxPorts        = 32
	maxLabels       = 16
	maxExpressions  = 8
	maxValues       = 32
)

// tier is a tier in the making.
type tier struct {
	name       v1alpha1.Name
	namespaces []string
	set        v1alpha1.NamespaceSet
	remarks    []Remark
}

// group makes tiers of namespaces.
func (s *suggester) group() error {
	free := s.free()
	if len(free) == 0 {
		return errors.New("no namespace is left to make tiers of: all are protected, chosen as peers, in a profile, or not selected")
	}
	keys := s.GroupBy
	var found []candidate
	if len(keys) == 0 {
		for _, c := range groupingKeys(free) {
			found = append(found, c)
			keys = append(keys, c.key)
		}
	}
	groups, loose := grouped(free, keys)
	for len(groups)+min(len(loose), 1) > maxTiers && len(found) > 1 {
		coarsest := slices.MaxFunc(found, func(a, b candidate) int { return cmp.Compare(a.values, b.values) })
		s.about = append(s.about, Remark{true, fmt.Sprintf("by label %s as well there would be %d tiers, and a profile has %d at most; "+
			"a profile for each of its %d values (-l %s=...) keeps them apart",
			coarsest.key, len(groups), maxTiers, coarsest.values, coarsest.key)})
		found = slices.DeleteFunc(found, func(c candidate) bool { return c.key == coarsest.key })
		keys = slices.DeleteFunc(keys, func(k string) bool { return k == coarsest.key })
		groups, loose = grouped(free, keys)
	}
	if err := s.byLabels(groups, keys); err != nil {
		return err
	}
	if err := s.byName(loose, keys); err != nil {
		return err
	}
	if len(s.tiers) > maxTiers {
		return fmt.Errorf("grouped by %s there would be %d tiers, and a profile has %d at most: "+
			"choose namespaces by -l, or other labels by --group-by",
			strings.Join(keys, ", "), len(s.tiers), maxTiers)
	}
	for i := range s.tiers {
		for _, name := range s.tiers[i].namespaces {
			s.tierOf[name] = i
		}
	}
	return nil
}

// free are the namespaces that tiers are made of, sorted by name.
func (s *suggester) free() []*corev1.Namespace {
	rendered := offline.Render(s.world)
	decided := map[string]claim.Decision{}
	for i := range rendered.Namespaces {
		decided[rendered.Namespaces[i].Name] = rendered.Namespaces[i].Decision
	}
	var out []*corev1.Namespace
	for i := range s.world.Namespaces {
		n := &s.world.Namespaces[i]
		switch d := decided[n.Name]; {
		case d.Outcome == claim.Claimed:
			s.otherOf[n.Name] = side{profile: d.Profile, tier: d.Tier}
		case d.Outcome == claim.Held, s.world.Protected.Has(n.Name), slices.Contains(s.Peers, n.Name), n.DeletionTimestamp != nil:
		case s.Select != nil && !s.Select.Matches(labels.Set(n.Labels)):
		default:
			out = append(out, n)
		}
	}
	slices.SortFunc(out, func(a, b *corev1.Namespace) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// group is namespaces with the same values of some labels.
type group struct {
	labels     map[string]string
	namespaces []string
}

// grouped groups namespaces by labels, sorted by their values; loose are those that lack one of the labels.
func grouped(namespaces []*corev1.Namespace, keys []string) (groups []group, loose []string) {
	byValues := map[string]*group{}
	for _, n := range namespaces {
		of := map[string]string{}
		for _, key := range keys {
			if value, has := n.Labels[key]; has {
				of[key] = value
			}
		}
		if len(keys) == 0 || len(of) < len(keys) {
			loose = append(loose, n.Name)
			continue
		}
		values := labels.FormatLabels(of)
		if byValues[values] == nil {
			byValues[values] = &group{labels: of}
		}
		byValues[values].namespaces = append(byValues[values].namespaces, n.Name)
	}
	for _, values := range slices.Sorted(maps.Keys(byValues)) {
		groups = append(groups, *byValues[values])
	}
	return groups, loose
}

// byLabels makes a tier of each group.
func (s *suggester) byLabels(groups []group, keys []string) (err error) {
	for _, g := range groups {
		parts := make([]string, 0, len(keys))
		// The key that says most is the last part of the name: shop-web is the tier web of shop.
		for _, key := range slices.Backward(keys) {
			if isVarying(groups, key) {
				parts = append(parts, g.labels[key])
			}
		}
		t := tier{name: s.names.name(parts...), namespaces: g.namespaces}
		if t.set, t.remarks, err = s.setOf(g); err != nil {
			return err
		}
		s.tiers = append(s.tiers, t)
	}
	return nil
}

// isVarying tells whether groups differ in a label.
func isVarying(groups []group, key string) bool {
	return len(groups) < 2 || slices.ContainsFunc(groups, func(g group) bool { return g.labels[key] != groups[0].labels[key] })
}

// setOf chooses the namespaces of a group: by labels if these choose no others, and by name otherwise.
func (s *suggester) setOf(g group) (v1alpha1.NamespaceSet, []Remark, error) {
	selector, ok := s.selectorOf(g)
	selects := selector.matcher()
	others := !ok || slices.ContainsFunc(s.world.Namespaces, func(n corev1.Namespace) bool {
		return selects(n.Labels) && !slices.Contains(g.namespaces, n.Name) && !s.world.Protected.Has(n.Name)
	})
	switch {
	case !others:
		return v1alpha1.NamespaceSet{Selector: &selector.LabelSelector}, []Remark{
			{true, fmt.Sprintf("%s with these labels: %s", counted(len(g.namespaces), "namespace"), shortened(g.namespaces))},
		}, nil
	case len(g.namespaces) <= maxNames:
		return named(g.namespaces), []Remark{
			{true, "by name: the labels " + labels.FormatLabels(g.labels) + " would select others, too"},
		}, nil
	default:
		return v1alpha1.NamespaceSet{}, nil, fmt.Errorf("the labels %s select more than the %d namespaces that they are to, "+
			"and a tier lists %d by name at most: choose namespaces by -l, or labels by --group-by, so that they do not",
			labels.FormatLabels(g.labels), len(g.namespaces), maxNames)
	}
}

// byName makes a tier of each namespace that lacks labels, or one of all if they are too many.
func (s *suggester) byName(loose, keys []string) error {
	why := "no label groups the namespaces"
	if len(keys) > 0 {
		why = "it lacks the label " + strings.Join(keys, " or ")
	}
	switch {
	case len(loose) == 0:
		return nil
	case len(loose)+len(s.tiers) <= maxTiers:
		for _, name := range loose {
			s.tiers = append(s.tiers, tier{
				name: s.names.name(name), namespaces: []string{name}, set: named([]string{name}),
				remarks: []Remark{{true, "by name: " + why}},
			})
		}
		return nil
	case len(loose) <= maxNames:
		s.tiers = append(s.tiers, tier{name: s.names.name("others"), namespaces: loose, set: named(loose), remarks: []Remark{
			{true, fmt.Sprintf("%d namespaces together, since a tier for each would be too many: %s; each is closed to the others",
				len(loose), why)},
		}})
		return nil
	default:
		return fmt.Errorf("%d namespaces cannot be grouped by labels, and a tier lists %d by name at most: "+
			"choose some by -l, or labels by --group-by",
			len(loose), maxNames)
	}
}

func named(names []string) v1alpha1.NamespaceSet {
	out := v1alpha1.NamespaceSet{}
	for _, name := range names {
		out.Names = append(out.Names, v1alpha1.NamespaceName(name))
	}
	return out
}

// selectorOf chooses namespaces with the labels of a group that are selected at all; not ok if that cannot be said.
func (s *suggester) selectorOf(g group) (out selector, ok bool) {
	required, ok := selectorText(s.Select)
	out.LabelSelector = v1alpha1.LabelSelector{MatchLabels: map[string]v1alpha1.LabelValue{}, MatchExpressions: required}
	for key, value := range g.labels {
		out.MatchLabels[key] = v1alpha1.LabelValue(value)
	}
	out.MatchExpressions = slices.DeleteFunc(out.MatchExpressions, func(r v1alpha1.LabelSelectorRequirement) bool {
		value, has := g.labels[r.Key]
		if r.Operator != v1alpha1.LabelSelectorOpIn || len(r.Values) != 1 || has && value != string(r.Values[0]) {
			return false
		}
		out.MatchLabels[r.Key] = r.Values[0]
		return true
	})
	return out, ok && len(out.MatchLabels) <= maxLabels && len(out.MatchExpressions) <= maxExpressions
}

// asMeta is a selector as Kubernetes' own.
func asMeta(s *v1alpha1.LabelSelector) *metav1.LabelSelector {
	out := &metav1.LabelSelector{MatchLabels: map[string]string{}}
	for key, value := range s.MatchLabels {
		out.MatchLabels[key] = string(value)
	}
	for _, r := range s.MatchExpressions {
		values := make([]string, 0, len(r.Values))
		for _, value := range r.Values {
			values = append(values, string(value))
		}
		out.MatchExpressions = append(out.MatchExpressions, metav1.LabelSelectorRequirement{
			Key: r.Key, Operator: metav1.LabelSelectorOperator(r.Operator), Values: values,
		})
	}
	return out
}
