package mesh

import (
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// selector chooses the workloads that a rule is about; it is false if there are none, or they cannot be chosen.
func (r *renderer) selector(rule *plan.Rule) (*WorkloadSelector, bool) {
	labels, form := labelsOf(rule.Pods)
	if form == byExpressions {
		r.findLessf("dependency %s: Istio chooses the pods that are called by labels only, not by expressions; it opens nothing in the "+
			"mesh: give to.pods in matchLabels", rule.Dependency)
	}
	return &WorkloadSelector{MatchLabels: labels}, form == byLabels
}

// form is what a selector needs to be said.
type form int

const (
	// byLabels: labels say all of it.
	byLabels form = iota
	// byExpressions: they do not.
	byExpressions
	// ofNobody: nothing has to be said, as there can be no such pod.
	ofNobody
)

// labelsOf are the labels that say the same as a selector. Each requirement on a label whose value is given holds or not;
// only those on others need expressions.
func labelsOf(s *metav1.LabelSelector) (map[string]string, form) {
	labels := maps.Clone(s.MatchLabels)
	if labels == nil {
		labels = map[string]string{}
	}
	for _, e := range s.MatchExpressions {
		if _, given := labels[e.Key]; !given && e.Operator == metav1.LabelSelectorOpIn && len(e.Values) == 1 {
			labels[e.Key] = e.Values[0]
		}
	}
	out := byLabels
	for _, e := range s.MatchExpressions {
		value, given := labels[e.Key]
		switch {
		case !given:
			out = byExpressions
		case !holds(&e, value):
			return nil, ofNobody
		}
	}
	return labels, out
}

// holds tells whether a requirement holds for a label that is there.
func holds(e *metav1.LabelSelectorRequirement, value string) bool {
	switch e.Operator {
	case metav1.LabelSelectorOpIn:
		return slices.Contains(e.Values, value)
	case metav1.LabelSelectorOpNotIn:
		return !slices.Contains(e.Values, value)
	case metav1.LabelSelectorOpExists:
		return true
	default:
		return false
	}
}
