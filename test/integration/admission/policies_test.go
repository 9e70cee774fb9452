package admission

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// The names of the policies, and of the group that may pass two of them.
const (
	profileGrants   = "segmentation-operator-profile-grants"
	boundaryLabels  = "segmentation-operator-boundary-labels"
	managedObjects  = "segmentation-operator-managed-objects"
	podAdmission    = "segmentation-operator-pod-admission"
	breakGlassGroup = "segmentation:break-glass"
)

// ours chooses all policies and bindings of config/admission.
var ours = client.MatchingLabels{"segmentation.dev/admission": "true"}

// installPolicies applies config/admission and waits until all of it is enforced.
func installPolicies(ctx context.Context) error {
	if err := deploy.ApplyManifests(ctx, env.admin, "config/admission/*.yaml"); err != nil {
		return err
	}
	return wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		enforced, err := enforcedPolicies(ctx)
		return enforced == 2, err
	})
}

// enforcedPolicies counts the policies that refuse what they have to refuse. It changes nothing.
func enforcedPolicies(ctx context.Context) (int, error) {
	count := 0
	for policy, request := range probes(ctx) {
		switch err := request(); {
		case err == nil:
		case deniedBy(err) == policy:
			count++
		default:
			return count, fmt.Errorf("asking whether %s is enforced: %w", policy, err)
		}
	}
	return count, nil
}

// probes are requests that each of the policies has to refuse.
func probes(ctx context.Context) map[string]func() error {
	create := func(obj client.Object) func() error {
		return func() error { return env.admin.Create(ctx, obj, client.DryRunAll) }
	}
	return map[string]func() error{
		boundaryLabels: create(builders.MakeNamespace("probe").Member("shop", "web").Obj()),
		managedObjects: create(builders.MakeNetworkPolicy("default", "probe").Managed().Obj()),
	}
}

// deniedBy returns the name of the policy that refused a request; empty if it was none.
func deniedBy(err error) string {
	policy, _ := denial(err)
	return policy
}

// denial returns the name of the policy that refused a request, and what it said.
func denial(err error) (policy, message string) {
	var status *apierrors.StatusError
	if !errors.As(err, &status) {
		return "", ""
	}
	_, rest, found := strings.Cut(status.ErrStatus.Message, "ValidatingAdmissionPolicy '")
	if !found {
		return "", ""
	}
	policy, _, _ = strings.Cut(rest, "'")
	_, message, _ = strings.Cut(rest, "denied request: ")
	return policy, message
}

func TestTheAPIServerFindsNothingWrongWithTheExpressions(t *testing.T) {
	w := newWorld(t)
	var policies admissionregistrationv1.ValidatingAdmissionPolicyList
	w.Eventually(func() error {
		if err := env.admin.List(w.ctx(), &policies, ours); err != nil {
			return err
		}
		for _, policy := range policies.Items {
			if policy.Status.TypeChecking == nil || policy.Status.ObservedGeneration != policy.Generation {
				return fmt.Errorf("%s has not been checked yet", policy.Name)
			}
		}
		return nil
	}, soon, tick).Should(Succeed())
	w.Expect(policies.Items).To(HaveLen(4))
	for _, policy := range policies.Items {
		w.Expect(policy.Status.TypeChecking.ExpressionWarnings).To(BeEmpty(), "%s", policy.Name)
	}
}

var _ = []any{corev1.Namespace{}, networkingv1.NetworkPolicy{}, v1alpha1.SegmentationProfile{}}
