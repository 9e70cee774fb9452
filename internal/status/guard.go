package status

import (
	"cmp"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/engine"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// Guard is what is known of the guardrails of a profile.
type Guard struct {
	// IsKnown is set once they were looked at, or were found not to be possible.
	IsKnown bool
	// IsInstalled is set if the cluster has ClusterNetworkPolicies, and Bundle is the version of their definition.
	IsInstalled bool
	Bundle      string
	// Objects is how many objects were seen to be as they should be.
	Objects int
	// Exempt are the namespaces whose side nothing is denied on, as their labels are about to change, or have just done so.
	Exempt []string
	// IsPending is set as long as writes are left, and IsFailing if one of them failed.
	IsPending, IsFailing bool
	// Findings are what a person should look at, and IsClosed is set if the guardrails are not whole by one of them.
	Findings []plan.Finding
	IsClosed bool
}

// guardrailKind names what guardrails are made of.
const guardrailKind = "ClusterNetworkPolicy of policy.networking.k8s.io/v1alpha2"

// setGuarded says whether the guardrails are as they should be. Whether the network plugin enforces them is not known.
func (c *conditionSetter) setGuarded(t *tally) {
	set := func(value metav1.ConditionStatus, reason, message string) {
		c.set(v1alpha1.ConditionGuarded, value, reason, message)
	}
	guard := &c.in.Guard
	switch {
	case c.in.Profile.Spec.Guardrails == nil:
		meta.RemoveStatusCondition(&c.conditions, v1alpha1.ConditionGuarded)
	case len(c.in.Invalid) > 0:
		set(metav1.ConditionUnknown, v1alpha1.ReasonInvalid, "what the spec declares is not known; guardrails stay as they are")
	case c.in.Profile.Spec.Mode == v1alpha1.ModePreview:
		set(metav1.ConditionUnknown, v1alpha1.ReasonPreview, "preview: guardrails are not written")
	case guard.IsKnown && !guard.IsInstalled:
		set(metav1.ConditionFalse, v1alpha1.ReasonAPIMissing, "the cluster does not have "+guardrailKind+
			"; the NetworkPolicies stand alone, and others that are added to them may widen what they allow")
	case guard.IsFailing:
		set(metav1.ConditionFalse, v1alpha1.ReasonRetrying,
			"guardrails could not be written, and are tried again; the operator's log says why")
	case !guard.IsKnown, guard.IsPending:
		set(metav1.ConditionUnknown, v1alpha1.ReasonProgressing, "guardrails are being written")
	case len(guard.Exempt) > 0:
		set(metav1.ConditionUnknown, v1alpha1.ReasonProgressing, fmt.Sprintf(
			"labels are about to change, or have just changed: NetworkPolicies alone decide on the side of %s, first %s",
			namespaces(int32(len(guard.Exempt))), guard.Exempt[0]))
	default:
		c.setGuardedByFindings(t)
	}
}

// brokenGuards are the reasons of findings by which profiles are not guarded as they say.
func brokenGuards() []string {
	return []string{v1alpha1.ReasonGuardrailsFull, v1alpha1.ReasonPriorityCollision}
}

func (c *conditionSetter) setGuardedByFindings(t *tally) {
	for _, f := range c.in.Guard.Findings {
		if c.in.Guard.IsClosed && f.Reason == v1alpha1.ReasonNameTaken || slices.Contains(brokenGuards(), f.Reason) {
			c.set(v1alpha1.ConditionGuarded, metav1.ConditionFalse, f.Reason, f.Message)
			return
		}
	}
	if c.setGuardedByEngine() {
		return
	}
	message := fmt.Sprintf("%d objects of ClusterNetworkPolicy are as declared (API bundle %s)",
		c.in.Guard.Objects, cmp.Or(c.in.Guard.Bundle, "not known"))
	if _, n := t.first(v1alpha1.ReasonGuardrailWider); n > 0 {
		message += "; where they leave more to NetworkPolicies than is declared is in status.findings"
	}
	c.set(v1alpha1.ConditionGuarded, metav1.ConditionTrue, v1alpha1.ReasonGuarded, message)
}

// setGuardedByEngine says of guardrails that are written whether there is nobody who enforces them, as far as that is known.
func (c *conditionSetter) setGuardedByEngine() bool {
	found := &c.in.Engine
	switch reading, what := found.Guards(); {
	case !found.IsKnown():
		c.set(v1alpha1.ConditionGuarded, metav1.ConditionUnknown, v1alpha1.ReasonNoEngine, withoutEngine(found))
	case reading == engine.Ignored:
		c.set(v1alpha1.ConditionGuarded, metav1.ConditionFalse, v1alpha1.ReasonEngineWider, fmt.Sprintf(
			"%s %s: the guardrails are written, and nobody enforces them", found, cmp.Or(what, "does not know ClusterNetworkPolicies")))
	case reading == engine.Optional:
		c.set(v1alpha1.ConditionGuarded, metav1.ConditionUnknown, v1alpha1.ReasonEngineWider, fmt.Sprintf(
			"the guardrails are written, but %s %s, and whether that is so the operator cannot see", found, what))
	default:
		return false
	}
	return true
}

// guarding tells what is left to do for guardrails, if anything.
func (c *conditionSetter) guarding() (reason, message string) {
	guard := &c.in.Guard
	switch isWanted := c.in.Profile.Spec.Guardrails != nil && c.in.Profile.Spec.Mode != v1alpha1.ModePreview; {
	case !isWanted, guard.IsKnown && !guard.IsInstalled, len(c.in.Invalid) > 0:
		return "", ""
	case guard.IsFailing:
		return v1alpha1.ReasonRetrying, "guardrails could not be written, and are tried again"
	case !guard.IsKnown, guard.IsPending:
		return v1alpha1.ReasonProgressing, "guardrails are being written"
	default:
		return "", ""
	}
}

// addGuard finds what is to be said of guardrails.
func (t *tally) addGuard(in *Input) {
	for _, f := range in.Guard.Findings {
		t.find(f.Reason, f.Namespace, f.Message)
	}
	if why := in.Engine.WithoutGuards(); why != "" && in.Guard.IsInstalled && in.Profile.Spec.Guardrails != nil {
		t.find(v1alpha1.ReasonGuardrailWider, "", why+": guardrails are written, and it is not known that anybody enforces them")
	}
}
