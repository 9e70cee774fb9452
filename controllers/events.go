package controllers

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/status"
)

// eventToTell is an event on a profile.
type eventToTell struct {
	kind, reason, message string
}

// maxNote is a little less than the API server takes as the note of an event (1024 bytes).
const maxNote = 1000

// transitions returns the events that tell a person of what changed between two statuses:
// that the work is done, that somebody has to do something, that there is a conflict, or that
// others grant or open more than before.
func transitions(before, after *v1alpha1.SegmentationProfileStatus) []eventToTell {
	told := transitionsOfConditions(before.Conditions, after.Conditions)
	if now := &after.UndeclaredAccess; now.RoleBindings > before.UndeclaredAccess.RoleBindings {
		told = append(told, undeclaredAccess(now))
	}
	if now := &after.UndeclaredPaths; now.NetworkPolicies > before.UndeclaredPaths.NetworkPolicies {
		told = append(told, undeclaredPaths(now))
	}
	return append(told, news(before.Findings, after.Findings)...)
}

// news are events of what was newly found about a profile as a whole. Like those of conditions they go by reasons.
func news(before, after []v1alpha1.Finding) []eventToTell {
	var told []eventToTell
	for i := range after {
		f := &after[i]
		isKnown := slices.ContainsFunc(before, func(b v1alpha1.Finding) bool { return b.Reason == f.Reason }) ||
			slices.ContainsFunc(told, func(e eventToTell) bool { return e.reason == f.Reason })
		if isKnown || !slices.Contains(ofTheCluster, f.Reason) {
			continue
		}
		message := f.Message
		if f.Namespace != "" {
			message = "namespace " + string(f.Namespace) + ": " + message
		}
		told = append(told, eventToTell{corev1.EventTypeWarning, f.Reason, status.Shorten(message, maxNote)})
	}
	return told
}

// ofTheCluster are the reasons of findings about what the cluster says, which no condition tells of.
var ofTheCluster = []string{
	v1alpha1.ReasonServiceMissing, v1alpha1.ReasonServiceUnusable, v1alpha1.ReasonServicePortMissing, v1alpha1.ReasonServiceWithoutPods,
	v1alpha1.ReasonTooManyServices, v1alpha1.ReasonDNSMissing, v1alpha1.ReasonAPIServerUnknown, v1alpha1.ReasonCoversCluster,
	v1alpha1.ReasonPeerIsMember, v1alpha1.ReasonPendingConsent, v1alpha1.ReasonPortNotExposed,
	v1alpha1.ReasonGuardrailNarrower, v1alpha1.ReasonPriorityCollision,
	v1alpha1.ReasonEngineWider, v1alpha1.ReasonEngineNarrower,
	v1alpha1.ReasonMeshAdmitsLess, v1alpha1.ReasonMeshAdmitsMore,
}

func undeclaredAccess(now *v1alpha1.UndeclaredAccess) eventToTell {
	bindings := "1 RoleBinding grants"
	if now.RoleBindings > 1 {
		bindings = fmt.Sprintf("%d RoleBindings grant", now.RoleBindings)
	}
	return eventToTell{corev1.EventTypeWarning, v1alpha1.ReasonUndeclaredAccess, fmt.Sprintf(
		"%s what the profile does not declare, first %s; see status.findings", bindings, now.First)}
}

func undeclaredPaths(now *v1alpha1.UndeclaredPaths) eventToTell {
	policies := "1 NetworkPolicy opens paths"
	if now.NetworkPolicies > 1 {
		policies = fmt.Sprintf("%d NetworkPolicies open paths", now.NetworkPolicies)
	}
	return eventToTell{corev1.EventTypeWarning, v1alpha1.ReasonUndeclaredPath, fmt.Sprintf(
		"%s that the profile does not declare, first %s; see status.findings", policies, now.First)}
}

// transitionsOfConditions go by reasons and not by messages, which count namespaces and so change
// all the time. No two have the same reason: client-go would make a series of them, by a patch.
func transitionsOfConditions(before, after []metav1.Condition) []eventToTell {
	var told []eventToTell
	for _, kind := range []string{v1alpha1.ConditionReady, v1alpha1.ConditionStalled, v1alpha1.ConditionConflicted} {
		condition := meta.FindStatusCondition(after, kind)
		if condition == nil || condition.Status != metav1.ConditionTrue {
			continue
		}
		old := meta.FindStatusCondition(before, kind)
		if old != nil && old.Status == condition.Status && old.Reason == condition.Reason {
			continue
		}
		event := eventToTell{kind: corev1.EventTypeWarning, reason: condition.Reason, message: status.Shorten(condition.Message, maxNote)}
		if kind == v1alpha1.ConditionReady {
			event.kind = corev1.EventTypeNormal
		}
		if !slices.ContainsFunc(told, func(e eventToTell) bool { return e.kind == event.kind && e.reason == event.reason }) {
			told = append(told, event)
		}
	}
	return told
}
