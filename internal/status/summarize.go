package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/engine"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// Input is what a profile's status is made from.
type Input struct {
	// Profile is the profile with its present status.
	Profile *v1alpha1.SegmentationProfile
	// Invalid are the reasons why it does not compile.
	Invalid field.ErrorList
	// Namespaces are all namespaces that the profile selects or holds.
	Namespaces []Namespace
	// Plan is what it compiles to; nil if it does not.
	Plan *plan.Plan
	// Findings are about what the cluster says that the profile depends on.
	Findings []plan.Finding
	// Engine is what enforces NetworkPolicies. The zero value is not known.
	Engine engine.Found
	// ByEngine is what the engine makes of the plan, other than what is declared.
	ByEngine []engine.Finding
	// Unmarked is set as long as the profile has no bookmark: it claims nothing until then.
	Unmarked bool
	// Guard is what is known of its guardrails.
	Guard Guard
	// Mesh is what is known of its policies of Istio.
	Mesh Mesh
	// Now is the time of a transition.
	Now time.Time
}

// Summarize returns the status that the profile should have. Conditions that do not change
// keep the time of their last transition.
func Summarize(in Input) v1alpha1.SegmentationProfileStatus {
	s, _ := Measure(in)
	return s
}

// Measure returns the status that the profile should have, and what is counted beside it.
func Measure(in Input) (v1alpha1.SegmentationProfileStatus, Counts) {
	t := count(&in)
	return summarize(in, t), t.counts(in.Profile)
}

func summarize(in Input, t *tally) v1alpha1.SegmentationProfileStatus {
	s := v1alpha1.SegmentationProfileStatus{
		ObservedGeneration: in.Profile.Generation,
		Namespaces: v1alpha1.NamespaceCounts{
			Summary:    fmt.Sprintf("%d/%d", t.ready, t.claimed),
			Claimed:    t.claimed,
			Ready:      t.ready,
			Conflicted: t.lost + t.overlap,
			Protected:  t.protected,
		},
		Objects:          t.objects,
		UndeclaredAccess: t.access.since(in.Profile.Status.UndeclaredAccess, t.unseen),
		UndeclaredPaths:  t.paths.since(in.Profile.Status.UndeclaredPaths, t.unseen),
		FindingsTotal:    int32(len(t.findings)),
		Findings:         t.findings[:min(len(t.findings), v1alpha1.MaxFindings)],
	}
	for i := range in.Profile.Spec.Tiers {
		s.Tiers = append(s.Tiers, *t.tier(string(in.Profile.Spec.Tiers[i].Name)))
	}
	conditions := conditionSetter{in: in, conditions: append([]metav1.Condition(nil), in.Profile.Status.Conditions...)}
	conditions.setAccepted()
	conditions.setConflicted(t)
	conditions.setIsolated(t)
	conditions.setGuarded(t)
	conditions.setMeshed()
	conditions.setReady(t)
	s.Conditions = inOrder(conditions.conditions)
	return s
}

// inOrder puts conditions into one order. kstatus takes the first of Reconciling and Stalled
// that it finds, so the order must not depend on which was set first.
func inOrder(conditions []metav1.Condition) []metav1.Condition {
	order := []string{
		v1alpha1.ConditionReady, v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled,
		v1alpha1.ConditionAccepted, v1alpha1.ConditionConflicted, v1alpha1.ConditionIsolated,
		v1alpha1.ConditionGuarded, v1alpha1.ConditionMeshed,
	}
	slices.SortStableFunc(conditions, func(a, b metav1.Condition) int {
		return cmp.Compare(slices.Index(order, a.Type), slices.Index(order, b.Type))
	})
	return conditions
}

type conditionSetter struct {
	in         Input
	conditions []metav1.Condition
}

func (c *conditionSetter) set(kind string, value metav1.ConditionStatus, reason, message string) {
	meta.SetStatusCondition(&c.conditions, metav1.Condition{
		Type:               kind,
		Status:             value,
		Reason:             reason,
		Message:            message,
		ObservedGeneration: c.in.Profile.Generation,
		LastTransitionTime: c.transition(kind, value),
	})
}

// transition keeps the clock out of the condition helpers.
func (c *conditionSetter) transition(kind string, value metav1.ConditionStatus) metav1.Time {
	if old := meta.FindStatusCondition(c.conditions, kind); old != nil && old.Status == value {
		return old.LastTransitionTime
	}
	return metav1.NewTime(c.in.Now.Truncate(time.Second))
}

// present sets a condition that is there only while it is true, as kstatus wants it.
func (c *conditionSetter) present(kind string, isTrue bool, reason, message string) {
	if !isTrue {
		meta.RemoveStatusCondition(&c.conditions, kind)
		return
	}
	c.set(kind, metav1.ConditionTrue, reason, message)
}

func (c *conditionSetter) setAccepted() {
	if len(c.in.Invalid) == 0 {
		c.set(v1alpha1.ConditionAccepted, metav1.ConditionTrue, v1alpha1.ReasonCompiled, "the spec is consistent")
		return
	}
	c.set(v1alpha1.ConditionAccepted, metav1.ConditionFalse, v1alpha1.ReasonInvalid, invalidMessage(c.in.Invalid))
}

// maxListed is the number of mistakes that a message lists.
const maxListed = 5

func invalidMessage(errs field.ErrorList) string {
	lines := make([]string, 0, maxListed+1)
	for _, err := range errs[:min(len(errs), maxListed)] {
		lines = append(lines, err.Error())
	}
	if more := len(errs) - maxListed; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "; ")
}

func (c *conditionSetter) setConflicted(t *tally) {
	reason, message := conflict(t)
	if reason == "" {
		c.set(v1alpha1.ConditionConflicted, metav1.ConditionFalse, v1alpha1.ReasonNoConflict,
			"no other profile and no second tier claims a namespace of this profile")
		return
	}
	c.set(v1alpha1.ConditionConflicted, metav1.ConditionTrue, reason, message)
}

// conflict returns the reason and message of a conflict; the profile's own mistake comes
// before another profile's claim.
func conflict(t *tally) (reason, message string) {
	for _, reason := range []string{v1alpha1.ReasonTiersOverlap, v1alpha1.ReasonHeldByOlderProfile} {
		if first, n := t.first(reason); first != nil {
			return reason, describe(first, n)
		}
	}
	return "", ""
}

// describe says what the first of several findings says, and how many there are.
func describe(first *v1alpha1.Finding, n int) string {
	text := first.Message
	if first.Namespace != "" {
		text = fmt.Sprintf("namespace %s: %s", first.Namespace, first.Message)
	}
	if n > 1 {
		text += fmt.Sprintf(" (and %d more; see status.findings)", n-1)
	}
	return text
}
