package segmentationtest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// pollInterval is how often something is asked that is waited for.
const pollInterval = 50 * time.Millisecond

// EventuallyReady waits until a profile is Ready in its present generation, that is, until all of its namespaces were seen
// to hold what it declares. It returns the profile, and fails the test at once if that takes too long (see WithTimeout).
func (e *Env) EventuallyReady(tb testing.TB, profile string) *v1alpha1.SegmentationProfile {
	tb.Helper()
	return e.Eventually(tb, profile, v1alpha1.ConditionReady, metav1.ConditionTrue)
}

// Eventually waits until a condition of a profile has a status in the profile's present generation, and returns the
// profile. It fails the test at once, with all conditions, if that takes too long. Conditions are constants of
// api/v1alpha1.
func (e *Env) Eventually(tb testing.TB, profile, condition string, status metav1.ConditionStatus) *v1alpha1.SegmentationProfile {
	tb.Helper()
	var got v1alpha1.SegmentationProfile
	err := wait.PollUntilContextTimeout(tb.Context(), pollInterval, e.Timeout, true, func(ctx context.Context) (bool, error) {
		err := e.Client.Get(ctx, client.ObjectKey{Name: profile}, &got)
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		c := meta.FindStatusCondition(got.Status.Conditions, condition)
		return c != nil && c.Status == status && c.ObservedGeneration == got.Generation, err
	})
	if err != nil {
		tb.Fatalf("profile %s: condition %s was not %s within %s (%v)\n%s", profile, condition, status, e.Timeout, err, told(&got))
	}
	return &got
}

// told is what a profile's status says.
func told(p *v1alpha1.SegmentationProfile) string {
	if p.Name == "" {
		return "there is no such profile"
	}
	var lines []string
	for _, c := range p.Status.Conditions {
		lines = append(lines, fmt.Sprintf("%s=%s %s (generation %d of %d): %s",
			c.Type, c.Status, c.Reason, c.ObservedGeneration, p.Generation, c.Message))
	}
	if len(lines) == 0 {
		return "it has no conditions yet"
	}
	return strings.Join(lines, "\n")
}
