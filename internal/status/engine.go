package status

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/engine"
)

// addEngine finds what the engine makes of the profile, other than what is declared. In Preview nothing of it is written,
// and so there is nothing to enforce.
func (t *tally) addEngine(in *Input) {
	if in.Plan == nil || in.Profile.Spec.Mode == v1alpha1.ModePreview {
		return
	}
	for i := range in.ByEngine {
		t.find(string(in.ByEngine[i].Effect), "", in.ByEngine[i].Message)
	}
}

// isolatedByEngine says of a profile in whose namespaces nothing of others is known to open a path whether the engine
// isolates it. It tells whether that is an answer: otherwise the engine does.
func (c *conditionSetter) isolatedByEngine(t *tally) bool {
	found := &c.in.Engine
	if !found.IsKnown() {
		c.set(v1alpha1.ConditionIsolated, metav1.ConditionUnknown, v1alpha1.ReasonNoEngine, withoutEngine(found))
		return true
	}
	first, n := t.first(v1alpha1.ReasonEngineWider)
	if first == nil {
		return false
	}
	more := ""
	if n > 1 {
		more = fmt.Sprintf(" (and %d more; see status.findings)", n-1)
	}
	c.set(v1alpha1.ConditionIsolated, metav1.ConditionFalse, v1alpha1.ReasonEngineWider, first.Message+more)
	return true
}

// withoutEngine says why it is not known whether anything is isolated.
func withoutEngine(found *engine.Found) string {
	if found.Name == engine.None {
		return fmt.Sprintf("nothing enforces NetworkPolicies (%s): what is declared is written, and isolates nothing; install an engine "+
			"that does, or give its name by --%s", found.Why, engine.Flag)
	}
	why := found.Why
	if why == "" {
		why = "nobody has looked yet"
	}
	return fmt.Sprintf("it is not known what enforces NetworkPolicies, or whether anything does: %s; give its name to the operator by --%s",
		why, engine.Flag)
}
