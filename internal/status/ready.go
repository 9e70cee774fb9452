package status

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// setReady sets Ready, Reconciling and Stalled together, since they are one answer in three
// parts (sigs.k8s.io/cli-utils, pkg/kstatus).
func (c *conditionSetter) setReady(t *tally) {
	stalled, why := c.stalled(t)
	working, doing := working(t)
	if working == "" {
		working, doing = c.guarding()
	}
	if c.in.Unmarked && working == "" {
		working, doing = v1alpha1.ReasonProgressing, "the profile's bookmark is not written yet"
	}
	c.present(v1alpha1.ConditionReconciling, working != "", working, doing)
	c.present(v1alpha1.ConditionStalled, stalled != "", stalled, why)

	switch {
	case stalled != "":
		c.set(v1alpha1.ConditionReady, metav1.ConditionFalse, stalled, why)
	case working == v1alpha1.ReasonRetrying:
		c.set(v1alpha1.ConditionReady, metav1.ConditionFalse, working, doing)
	case working != "":
		c.set(v1alpha1.ConditionReady, metav1.ConditionUnknown, working, doing)
	case c.in.Profile.Spec.Mode == v1alpha1.ModePreview:
		c.set(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonPreview,
			fmt.Sprintf("preview: %s would be segmented; nothing is written%s", namespaces(t.claimed), kept(t)))
	default:
		c.set(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonSegmented, segmented(t))
	}
}

// stalled returns what a person has to change, if anything. The first of the reasons is
// given; all are in the findings.
func (c *conditionSetter) stalled(t *tally) (reason, message string) {
	if len(c.in.Invalid) > 0 {
		message = invalidMessage(c.in.Invalid)
		if t.held > 0 {
			message += fmt.Sprintf("; what the last good generation declared stays in %s", namespaces(t.held))
		}
		return v1alpha1.ReasonInvalid, message
	}
	if reason, message := conflict(t); reason != "" {
		return reason, message
	}
	for _, reason := range []string{
		v1alpha1.ReasonNameTaken, v1alpha1.ReasonAboveCeiling, v1alpha1.ReasonRoleMissing, v1alpha1.ReasonEditsBoundary,
		v1alpha1.ReasonRejected, v1alpha1.ReasonGuardrailsFull,
	} {
		if first, n := t.first(reason); first != nil {
			return reason, describe(first, n)
		}
	}
	return "", ""
}

// working returns what the operator is doing, if it has work left.
func working(t *tally) (reason, message string) {
	progress := fmt.Sprintf("%d of %s segmented", t.ready, namespaces(t.claimed))
	switch {
	case t.retrying > 0:
		first, n := t.first(v1alpha1.ReasonRetrying)
		return v1alpha1.ReasonRetrying, progress + "; " + describe(first, n)
	case t.pending > 0:
		return v1alpha1.ReasonProgressing, progress
	default:
		return "", ""
	}
}

func segmented(t *tally) string {
	if t.claimed == 0 {
		return "no namespace is selected by the tiers" + leftOut(t)
	}
	return fmt.Sprintf("%d of %s segmented%s", t.ready, namespaces(t.claimed), leftOut(t)+grantedByOthers(t))
}

func kept(t *tally) string {
	if t.held == 0 {
		return ""
	}
	return fmt.Sprintf(", and what was written before is not mended (%s)", namespaces(t.held))
}

func leftOut(t *tally) string {
	if t.protected == 0 {
		return ""
	}
	return fmt.Sprintf("; %s left out as protected", namespaces(t.protected))
}

func grantedByOthers(t *tally) string {
	switch n := t.access.counts.RoleBindings; n {
	case 0:
		return ""
	case 1:
		return "; 1 RoleBinding grants more than is declared"
	default:
		return fmt.Sprintf("; %d RoleBindings grant more than is declared", n)
	}
}

func namespaces(n int32) string {
	if n == 1 {
		return "1 namespace"
	}
	return fmt.Sprintf("%d namespaces", n)
}
