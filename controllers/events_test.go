package controllers

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

func TestTransitions(t *testing.T) {
	condition := func(kind string, status metav1.ConditionStatus, reason, message string) metav1.Condition {
		return metav1.Condition{Type: kind, Status: status, Reason: reason, Message: message}
	}
	ready := condition(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonSegmented, "2 of 2")
	working := condition(v1alpha1.ConditionReady, metav1.ConditionUnknown, v1alpha1.ReasonProgressing, "1 of 2")
	stalled := condition(v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonTiersOverlap, "a")
	conflicted := condition(v1alpha1.ConditionConflicted, metav1.ConditionTrue, v1alpha1.ReasonTiersOverlap, "a")
	reworded := condition(v1alpha1.ConditionConflicted, metav1.ConditionTrue, v1alpha1.ReasonTiersOverlap, "b")
	cases := map[string]struct {
		before, after []metav1.Condition
		want          []eventToTell
	}{
		"the work is done":                         {before: []metav1.Condition{working}, after: []metav1.Condition{ready}, want: []eventToTell{{"Normal", "Segmented", "2 of 2"}}},
		"work that goes on is not told of":         {before: []metav1.Condition{ready}, after: []metav1.Condition{working}},
		"nothing changed":                          {before: []metav1.Condition{ready, stalled}, after: []metav1.Condition{ready, stalled}},
		"a count in a message is no news":          {before: []metav1.Condition{ready}, after: []metav1.Condition{condition(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonSegmented, "3 of 3")}},
		"one cause in two conditions is told once": {after: []metav1.Condition{stalled, conflicted}, want: []eventToTell{{"Warning", "TiersOverlap", "a"}}},
		"and in other words not told again":        {after: []metav1.Condition{stalled, reworded}, want: []eventToTell{{"Warning", "TiersOverlap", "a"}}},
		"another cause is told":                    {before: []metav1.Condition{stalled}, after: []metav1.Condition{condition(v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonInvalid, "b")}, want: []eventToTell{{"Warning", "Invalid", "b"}}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			before, after := &v1alpha1.SegmentationProfileStatus{Conditions: c.before}, &v1alpha1.SegmentationProfileStatus{Conditions: c.after}
			if diff := cmp.Diff(c.want, transitions(before, after), cmp.AllowUnexported(eventToTell{})); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMoreUndeclaredPathsAreToldOf(t *testing.T) {
	paths := func(policies int32, first string) v1alpha1.UndeclaredPaths {
		return v1alpha1.UndeclaredPaths{NetworkPolicies: policies, First: first}
	}
	one := eventToTell{"Warning", "UndeclaredPath", "1 NetworkPolicy opens paths that the profile does not declare, first web/debug; see status.findings"}
	two := eventToTell{"Warning", "UndeclaredPath", "2 NetworkPolicies open paths that the profile does not declare, first api/x; see status.findings"}
	cases := map[string]struct {
		before, after v1alpha1.UndeclaredPaths
		want          []eventToTell
	}{
		"the first":             {after: paths(1, "web/debug"), want: []eventToTell{one}},
		"one more":              {before: paths(1, "web/debug"), after: paths(2, "api/x"), want: []eventToTell{two}},
		"another, in its place": {before: paths(1, "web/debug"), after: paths(1, "api/x")},
		"fewer":                 {before: paths(2, "api/x"), after: paths(1, "web/debug")},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			before, after := &v1alpha1.SegmentationProfileStatus{UndeclaredPaths: c.before}, &v1alpha1.SegmentationProfileStatus{UndeclaredPaths: c.after}
			if diff := cmp.Diff(c.want, transitions(before, after), cmp.AllowUnexported(eventToTell{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestMoreUndeclaredAccessIsToldOf(t *testing.T) {
	access := func(bindings int32, first string) v1alpha1.UndeclaredAccess {
		return v1alpha1.UndeclaredAccess{Roles: 1, RoleBindings: bindings, First: first}
	}
	one := eventToTell{"Warning", "UndeclaredAccess", "1 RoleBinding grants what the profile does not declare, first web/debug; see status.findings"}
	three := eventToTell{"Warning", "UndeclaredAccess", "3 RoleBindings grant what the profile does not declare, first api/x; see status.findings"}
	cases := map[string]struct {
		before, after v1alpha1.UndeclaredAccess
		want          []eventToTell
	}{
		"there is none":                    {},
		"the first":                        {after: access(1, "web/debug"), want: []eventToTell{one}},
		"more":                             {before: access(1, "web/debug"), after: access(3, "api/x"), want: []eventToTell{three}},
		"as many, which was told":          {before: access(1, "web/debug"), after: access(1, "web/debug")},
		"as many, of which one is another": {before: access(1, "web/debug"), after: access(1, "web/other")},
		"fewer":                            {before: access(3, "api/x"), after: access(1, "web/debug")},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			before, after := &v1alpha1.SegmentationProfileStatus{UndeclaredAccess: c.before}, &v1alpha1.SegmentationProfileStatus{UndeclaredAccess: c.after}
			if diff := cmp.Diff(c.want, transitions(before, after), cmp.AllowUnexported(eventToTell{})); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatIsNewlyFoundIsToldOf(t *testing.T) {
	finding := func(reason, namespace, message string) v1alpha1.Finding {
		return v1alpha1.Finding{Reason: reason, Namespace: v1alpha1.NamespaceName(namespace), Message: message}
	}
	missing, another := finding("ServiceMissing", "", "no api"), finding("ServiceMissing", "", "no web")
	dns := finding("DNSMissing", "kube-system", "no DNS")
	cases := map[string]struct {
		before, after []v1alpha1.Finding
		want          []eventToTell
	}{
		"nothing":                           {},
		"the first of its kind":             {after: []v1alpha1.Finding{missing}, want: []eventToTell{{"Warning", "ServiceMissing", "no api"}}},
		"in a namespace":                    {after: []v1alpha1.Finding{dns}, want: []eventToTell{{"Warning", "DNSMissing", "namespace kube-system: no DNS"}}},
		"two of a kind are told once":       {after: []v1alpha1.Finding{missing, another}, want: []eventToTell{{"Warning", "ServiceMissing", "no api"}}},
		"one more of a kind that was told":  {before: []v1alpha1.Finding{missing}, after: []v1alpha1.Finding{missing, another}},
		"another of a kind in place of one": {before: []v1alpha1.Finding{missing}, after: []v1alpha1.Finding{another}},
		"of another kind":                   {before: []v1alpha1.Finding{missing}, after: []v1alpha1.Finding{missing, dns}, want: []eventToTell{{"Warning", "DNSMissing", "namespace kube-system: no DNS"}}},
		"what is gone":                      {before: []v1alpha1.Finding{missing}},
		"what a condition tells of":         {after: []v1alpha1.Finding{finding("TiersOverlap", "a", "two tiers"), finding("AboveCeiling", "a", "role x")}},
		"access, of which there is a count": {after: []v1alpha1.Finding{finding("UndeclaredAccess", "a", "RoleBinding x")}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			before, after := &v1alpha1.SegmentationProfileStatus{Findings: c.before}, &v1alpha1.SegmentationProfileStatus{Findings: c.after}
			if diff := cmp.Diff(c.want, transitions(before, after), cmp.AllowUnexported(eventToTell{})); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}
