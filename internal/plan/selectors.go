package plan

import (
	"cmp"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// selector brings a selector into Kubernetes' own type, in one canonical form: requirements
// and values sorted, each once. A selector that cannot be parsed is an error, never an
// empty selector, which would choose everything.
func (c *compiler) selector(s *v1alpha1.LabelSelector, path *field.Path) *metav1.LabelSelector {
	out := &metav1.LabelSelector{}
	if len(s.MatchLabels) > 0 {
		out.MatchLabels = make(map[string]string, len(s.MatchLabels))
		for key, value := range s.MatchLabels {
			out.MatchLabels[key] = string(value)
		}
	}
	for _, e := range s.MatchExpressions {
		out.MatchExpressions = append(out.MatchExpressions, metav1.LabelSelectorRequirement{
			Key:      e.Key,
			Operator: metav1.LabelSelectorOperator(e.Operator),
			Values:   sortedStrings(e.Values),
		})
	}
	slices.SortFunc(out.MatchExpressions, compareRequirements)
	out.MatchExpressions = slices.CompactFunc(out.MatchExpressions, func(a, b metav1.LabelSelectorRequirement) bool {
		return compareRequirements(a, b) == 0
	})
	if _, err := metav1.LabelSelectorAsSelector(out); err != nil {
		c.fail(field.Invalid(path, field.OmitValueType{}, err.Error()))
	}
	return out
}

// pods is selector for a choice of pods, where none and an empty one both mean every pod.
func (c *compiler) pods(s *v1alpha1.LabelSelector, path *field.Path) *metav1.LabelSelector {
	if s == nil || len(s.MatchLabels) == 0 && len(s.MatchExpressions) == 0 {
		return nil
	}
	return c.selector(s, path)
}

func (c *compiler) namespaceSet(s *v1alpha1.NamespaceSet, path *field.Path) NamespaceSet {
	switch {
	case (s.Selector == nil) == (len(s.Names) == 0):
		c.fail(field.Required(path, "give either selector or names, and only one of them"))
		return NamespaceSet{}
	case s.Selector != nil:
		return NamespaceSet{Selector: c.selector(s.Selector, path.Child("selector"))}
	default:
		for i, name := range s.Names {
			c.namespaceName(name, path.Child("names").Index(i))
		}
		return NamespaceSet{Names: sortedStrings(s.Names)}
	}
}

// sortedStrings returns the values as strings, sorted, each once; nil for none.
func sortedStrings[S ~string](values []S) []string {
	if len(values) == 0 {
		return nil
	}
	out := make([]string, 0, len(values))
	for _, v := range values {
		out = append(out, string(v))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func compareRequirements(a, b metav1.LabelSelectorRequirement) int {
	return cmp.Or(
		cmp.Compare(a.Key, b.Key),
		cmp.Compare(a.Operator, b.Operator),
		slices.Compare(a.Values, b.Values),
	)
}
