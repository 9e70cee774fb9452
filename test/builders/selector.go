package builders

import (
	segv1alpha1 "github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// LabelSelector makes a selector of labels, and of requirements if there are any. Without
// either it is the empty selector, which chooses everything.
func LabelSelector(
	labels map[string]string, requirements ...segv1alpha1.LabelSelectorRequirement,
) *segv1alpha1.LabelSelector {
	selector := &segv1alpha1.LabelSelector{MatchExpressions: requirements}
	for key, value := range labels {
		if selector.MatchLabels == nil {
			selector.MatchLabels = map[string]segv1alpha1.LabelValue{}
		}
		selector.MatchLabels[key] = segv1alpha1.LabelValue(value)
	}
	return selector
}

// In requires that a label has one of the values.
func In(key string, values ...string) segv1alpha1.LabelSelectorRequirement {
	return requirement(key, segv1alpha1.LabelSelectorOpIn, values)
}

// NotIn requires that a label is absent or has none of the values.
func NotIn(key string, values ...string) segv1alpha1.LabelSelectorRequirement {
	return requirement(key, segv1alpha1.LabelSelectorOpNotIn, values)
}

// Exists requires that a label is there.
func Exists(key string) segv1alpha1.LabelSelectorRequirement {
	return requirement(key, segv1alpha1.LabelSelectorOpExists, nil)
}

// DoesNotExist requires that a label is absent.
func DoesNotExist(key string) segv1alpha1.LabelSelectorRequirement {
	return requirement(key, segv1alpha1.LabelSelectorOpDoesNotExist, nil)
}

func requirement(
	key string, operator segv1alpha1.LabelSelectorOperator, values []string,
) segv1alpha1.LabelSelectorRequirement {
	r := segv1alpha1.LabelSelectorRequirement{Key: key, Operator: operator}
	for _, value := range values {
		r.Values = append(r.Values, segv1alpha1.LabelValue(value))
	}
	return r
}
