package suggest

import (
	"encoding/json"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// selector is a selector in the making.
type selector struct {
	v1alpha1.LabelSelector
}

// matcher tells which labels match.
func (s *selector) matcher() func(map[string]string) bool {
	matches, err := metav1.LabelSelectorAsSelector(asMeta(&s.LabelSelector))
	if err != nil {
		return func(map[string]string) bool { return false }
	}
	return func(of map[string]string) bool { return matches.Matches(labels.Set(of)) }
}

// selectorText is a selector of the command line as requirements of a profile; not ok if a profile cannot say it.
func selectorText(s labels.Selector) (out []v1alpha1.LabelSelectorRequirement, ok bool) {
	if s == nil {
		return nil, true
	}
	requirements, _ := s.Requirements()
	for _, r := range requirements {
		one := v1alpha1.LabelSelectorRequirement{Key: r.Key()}
		switch r.Operator() {
		case selection.Equals, selection.DoubleEquals, selection.In:
			one.Operator = v1alpha1.LabelSelectorOpIn
		case selection.NotEquals, selection.NotIn:
			one.Operator = v1alpha1.LabelSelectorOpNotIn
		case selection.Exists:
			one.Operator = v1alpha1.LabelSelectorOpExists
		case selection.DoesNotExist:
			one.Operator = v1alpha1.LabelSelectorOpDoesNotExist
		default:
			return nil, false
		}
		for _, value := range slices.Sorted(maps.Keys(r.Values())) {
			one.Values = append(one.Values, v1alpha1.LabelValue(value))
		}
		if len(one.Values) > maxValues {
			return nil, false
		}
		out = append(out, one)
	}
	return out, true
}

// podsOf is a selector of pods in the form of a profile, as text by which it is told apart; empty if it chooses every pod,
// not ok if a profile cannot say it.
func podsOf(s *metav1.LabelSelector) (text string, ok bool) {
	if s == nil || len(s.MatchLabels)+len(s.MatchExpressions) == 0 {
		return "", true
	}
	if len(s.MatchLabels) > maxLabels || len(s.MatchExpressions) > maxExpressions ||
		slices.ContainsFunc(s.MatchExpressions, func(r metav1.LabelSelectorRequirement) bool { return len(r.Values) > maxValues }) {
		return "", false
	}
	raw, err := json.Marshal(s)
	if err != nil {
		panic("a selector can be marshalled: " + err.Error()) // It holds strings only.
	}
	return string(raw), true
}

// parsed is what podsOf made text of.
func parsed(text string) *v1alpha1.LabelSelector {
	if text == "" {
		return nil
	}
	out := &v1alpha1.LabelSelector{}
	if err := json.Unmarshal([]byte(text), out); err != nil {
		panic("a selector that was marshalled can be read: " + err.Error())
	}
	return out
}
