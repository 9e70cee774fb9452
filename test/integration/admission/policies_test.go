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
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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

// probeNamespace is a namespace that a Strict profile selects and never gets, as another tier of
// it selects it too. So no pod is admitted there as long as the policy is enforced.
const probeNamespace = "admission-probe"

// prepareProbes makes what is needed to ask whether the policies are enforced.
func prepareProbes(ctx context.Context) error {
	selects := func(tier string) v1alpha1.Tier {
		return builders.MakeTier(tier).Selector(map[string]string{corev1.LabelMetadataName: probeNamespace}).Obj()
	}
	prober := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "prober"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacGroup, Kind: "ClusterRole", Name: "segmentation-operator-profile-editor"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacGroup, Kind: rbacv1.UserKind, Name: "prober"}},
	}
	for _, obj := range []client.Object{
		builders.MakeNamespace(probeNamespace).Obj(),
		builders.MakeProfile(probeNamespace).Strict().Tier(selects("one"), selects("two")).Obj(),
		prober,
	} {
		if err := env.admin.Create(ctx, obj); err != nil {
			return err
		}
	}
	config, err := env.cluster.UserConfig("prober")
	if err != nil {
		return err
	}
	if env.prober, err = client.New(config, client.Options{Scheme: env.scheme}); err != nil {
		return err
	}
	edit := allow(v1alpha1.GroupVersion.Group, "segmentationprofiles", []string{"create"})
	return wait.PollUntilContextTimeout(ctx, tick, time.Minute, true, func(ctx context.Context) (bool, error) {
		return allowed(ctx, "prober", edit) == nil, nil
	})
}

// pod makes a pod that may be in any namespace. No kubelet runs it.
func pod(namespace, name string) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	p.Spec.SecurityContext = &corev1.PodSecurityContext{
		RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
	p.Spec.Containers = []corev1.Container{{
		Name: "main", Image: "registry.example.com/main",
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		},
	}}
	return p
}

// installPolicies applies config/admission and waits until all of it is enforced.
func installPolicies(ctx context.Context) error {
	if err := deploy.ApplyManifests(ctx, env.admin, "config/admission/*.yaml"); err != nil {
		return err
	}
	return wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		enforced, err := enforcedPolicies(ctx)
		return enforced == len(probes(ctx)), err
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
	create := func(as client.Client, obj client.Object) func() error {
		return func() error { return as.Create(ctx, obj, client.DryRunAll) }
	}
	granting := builders.MakeProfile("probe").Tier(builders.MakeTier("web").Names("probe").ClusterRoleAccess("view", builders.User("ann")).Obj())
	return map[string]func() error{
		boundaryLabels: create(env.admin, builders.MakeNamespace("probe").Member("shop", "web").Obj()),
		managedObjects: create(env.admin, builders.MakeNetworkPolicy("default", "probe").Managed().Obj()),
		profileGrants:  create(env.prober, granting.Obj()),
		podAdmission:   create(env.admin, pod(probeNamespace, "probe")),
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

// The command is: kubectl delete validatingadmissionpolicybindings,validatingadmissionpolicies
// -l segmentation.dev/admission=true.
func TestRemovingThePoliciesIsOneCommandAndLetsPodsIn(t *testing.T) {
	w := newWorld(t)
	w.restoresPolicies()
	held := pod(probeNamespace, "held")
	w.Expect(deniedBy(env.admin.Create(w.ctx(), held.DeepCopy()))).To(Equal(podAdmission))

	w.Expect(env.admin.DeleteAllOf(w.ctx(), &admissionregistrationv1.ValidatingAdmissionPolicyBinding{}, ours)).To(Succeed())
	w.Expect(env.admin.DeleteAllOf(w.ctx(), &admissionregistrationv1.ValidatingAdmissionPolicy{}, ours)).To(Succeed())

	begin := time.Now()
	w.Eventually(func() (int, error) { return enforcedPolicies(w.ctx()) }, soon, tick).Should(BeZero())
	t.Logf("nothing is refused any more %s after the command", time.Since(begin).Round(time.Millisecond))
	w.create(held)
}

// Each is of use without the others.
func TestEachPolicyCanBeLeftOut(t *testing.T) {
	w := newWorld(t)
	w.restoresPolicies()
	for left := range probes(w.ctx()) {
		w.run(left, func(w *world) {
			binding := &admissionregistrationv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: left}}
			policy := &admissionregistrationv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: left}}
			w.Expect(env.admin.Delete(w.ctx(), binding)).To(Succeed())
			w.Expect(env.admin.Delete(w.ctx(), policy)).To(Succeed())
			w.Eventually(func() (int, error) { return enforcedPolicies(w.ctx()) }, soon, tick).Should(Equal(3))
			w.Expect(probes(w.ctx())[left]()).To(Succeed())
			w.Expect(installPolicies(w.ctx())).To(Succeed())
		})
	}
}

// restoresPolicies installs the policies again when the test ends.
func (w *world) restoresPolicies() {
	w.t.Helper()
	w.t.Cleanup(func() {
		if err := installPolicies(context.Background()); err != nil {
			w.t.Error(err)
		}
	})
}
