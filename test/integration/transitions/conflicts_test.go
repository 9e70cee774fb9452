package transitions

import (
	"fmt"
	"strings"

	"github.com/google/go-cmp/cmp"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// conflicted waits until a profile says that an older one holds some slots, each a digit: with
// their number, and the first by name. Without slots, it has to say that there is no conflict.
func (s *scene) conflicted(profile, slots string) {
	s.t.Helper()
	s.Eventually(func() error { return s.checkConflict(s.profile(profile), slots) }, soon, tick).Should(Succeed())
}

func (s *scene) checkConflict(p *v1alpha1.SegmentationProfile, slots string) error {
	condition := meta.FindStatusCondition(p.Status.Conditions, v1alpha1.ConditionConflicted)
	if condition == nil || condition.ObservedGeneration != p.Generation {
		return fmt.Errorf("the status is not of generation %d", p.Generation)
	}
	want, reason, text := metav1.ConditionFalse, v1alpha1.ReasonNoConflict, ""
	if slots != "" {
		want, reason, text = metav1.ConditionTrue, v1alpha1.ReasonHeldByOlderProfile, "namespace "+s.name+"-"+slots[:1]+": "
	}
	if condition.Status != want || condition.Reason != reason || !strings.HasPrefix(condition.Message, text) {
		return fmt.Errorf("conflicted is %s (%s: %s), want %s (%s: %s…)", condition.Status, condition.Reason, condition.Message, want, reason, text)
	}
	if more := fmt.Sprintf("(and %d more; ", len(slots)-1); len(slots) > 1 && !strings.Contains(condition.Message, more) {
		return fmt.Errorf("the message %q does not say %q", condition.Message, more)
	}
	var wanted, found []string
	for _, slot := range strings.Split(slots, "")[:len(slots)] {
		wanted = append(wanted, s.name+"-"+slot)
	}
	for _, finding := range p.Status.Findings {
		if finding.Reason == v1alpha1.ReasonHeldByOlderProfile {
			found = append(found, string(finding.Namespace))
		}
	}
	if diff := cmp.Diff(wanted, found); diff != "" {
		return fmt.Errorf("findings (-want +got):\n%s", diff)
	}
	return nil
}
