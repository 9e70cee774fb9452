package apply

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
)

// relabel labels the namespace if that is due and may be done, and says how far it is.
func (r *run) relabel(task *Task, exact bool) {
	membership := render.MembershipLabels(task.Profile, task.Tier)
	isolated := r.isolated()
	if isolated {
		r.Progress.Reached = reach(&task.View, exact)
	}
	r.Progress.Exact = exact && isolated
	r.Progress.Waiting = !exact
	r.Progress.Labelled = r.observed.isMember(membership)
	switch due := isolated && !r.Progress.Labelled; {
	case due && !r.mayRelabel(&task.View):
		r.Progress.Waiting = true
	case due:
		r.Progress.Labelled = r.label(membership, r.mustHave(&task.View))
	case r.observed.carriesMembership() && r.mustLose(&task.View):
		r.unlabel(ofAnyVersion)
	}
	r.judgeFailures()
}

// mustLose tells whether the namespace must not keep the labels that it has: it has no policy of its own, or
// is due to have others, and its policies keep it from getting these for long, or until a person mends it.
func (r *run) mustLose(view *transition.View) bool {
	return !r.isolated() && !r.based || !r.Progress.Labelled && r.failsForGood(view)
}

// failsForGood tells whether policies cannot be written for long, or until a person mends it. Who makes them
// fail must not keep by it what he is not to have any more.
func (r *run) failsForGood(view *transition.View) bool {
	return !r.isolated() && (!r.mayRetry() || view.FailsForLong)
}

// mayRelabel tells whether the others are ready for other labels of the namespace, and it is itself: what
// it still allows by tier labels of before would fall upon the namespace itself.
func (r *run) mayRelabel(view *transition.View) bool {
	return view.MayRelabel && (view.Role != transition.Moving || r.Progress.Reached >= transition.Steady)
}

// isolated tells whether all policies are in place.
func (r *run) isolated() bool {
	return !r.failed(KindNetworkPolicy) && len(r.blocked) == 0
}

// judgeFailures tells those who wait for the namespace whether something keeps it from going on:
// something that may pass, or that only a person can change. Access is of no concern to others.
func (r *run) judgeFailures() {
	r.Progress.Stuck = len(r.blocked) > 0
	for _, f := range r.Failures {
		if f.Class == Throttled {
			r.Progress.Throttled = true
			continue
		}
		if f.Kind == KindNetworkPolicy || f.Kind == KindNamespace {
			r.Progress.Stuck = r.Progress.Stuck || f.isLasting()
			r.Progress.Failing = r.Progress.Failing || !f.isLasting()
		}
	}
}

// label makes the namespace a member, and tells whether it did. The UID keeps the apply from
// creating a namespace that was deleted in the meantime, and a version from labelling one that
// somebody has given other labels, by which it may be due elsewhere.
func (r *run) label(membership map[string]string, version string) bool {
	namespace := r.observed.Namespace
	config := corev1ac.Namespace(namespace.Name).WithUID(namespace.UID).WithLabels(membership)
	if version != ofAnyVersion {
		config.WithResourceVersion(version)
	}
	err := r.request(key{KindNamespace, namespace.Name}, func(ctx context.Context) error {
		err := r.network.Apply(ctx, config, fieldOwner, client.ForceOwnership)
		r.tell(transition.Membership{Profile: membership[v1alpha1.ProfileLabel], Tier: membership[v1alpha1.TierLabel]}, err)
		return err
	})
	if err != nil {
		r.fail(KindNamespace, fmt.Errorf("labelling: %w", err))
		return false
	}
	r.log.V(1).Info("Labelled as member")
	if config.ResourceVersion != nil {
		r.expected.wrote(namespace.Name, key{KindNamespace, namespace.Name}, *config.ResourceVersion)
	}
	return true
}

// tell tells others of a change of labels, if there was one, or may have been.
func (r *run) tell(now transition.Membership, err error) {
	if err == nil || isUnsure(err) {
		r.labelled(now, err == nil)
	}
}

// ofAnyVersion has labels changed whatever else changes: who forged them must not be able to keep them
// by changing the namespace again and again.
const ofAnyVersion = ""

// mustHave is the version that a namespace must still have when its labels are changed. Who changes it
// again and again must not be able to keep the labels that it has.
func (r *run) mustHave(view *transition.View) string {
	if view.FailsForLong {
		return ofAnyVersion
	}
	return r.observed.Namespace.ResourceVersion
}

// unlabel removes the membership labels, whoever wrote them, and tells whether it did; if a version is
// given, only if the namespace still has it. Server-side apply removes only what its field owner wrote
// before, so this is a merge patch.
func (r *run) unlabel(version string) bool {
	namespace := r.observed.Namespace
	metadata := map[string]any{
		"uid":    namespace.UID,
		"labels": map[string]any{v1alpha1.ProfileLabel: nil, v1alpha1.TierLabel: nil},
	}
	if version != ofAnyVersion {
		metadata["resourceVersion"] = version
	}
	patch, err := json.Marshal(map[string]any{"metadata": metadata})
	if err != nil {
		r.fail(KindNamespace, err)
		return false
	}
	target := &metav1.PartialObjectMetadata{TypeMeta: namespaceType, ObjectMeta: metav1.ObjectMeta{Name: namespace.Name}}
	err = r.request(key{KindNamespace, namespace.Name}, func(ctx context.Context) error {
		err := r.network.Patch(ctx, target, client.RawPatch(types.MergePatchType, patch), fieldOwner)
		r.tell(transition.Membership{}, err)
		return err
	})
	if err != nil {
		r.fail(KindNamespace, fmt.Errorf("removing the membership labels: %w", err))
		return false
	}
	r.log.V(1).Info("Removed the membership labels")
	r.expected.wrote(namespace.Name, key{KindNamespace, namespace.Name}, target.ResourceVersion)
	return true
}
