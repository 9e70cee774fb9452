package apply

import (
	"context"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
)

// Release removes everything of the operator's from a namespace that belongs to no profile:
// access and the labels first, so that no other namespace counts on policies that are going. Where
// others leave too, it is opened before, and waits for them to be. Forged labels go at once. Others, and
// policies, stay if somebody has changed the namespace since it was looked at: it may belong to a profile
// by now.
func (a *Applier) Release(ctx context.Context, view transition.View, observed *Observed) Result {
	r := a.begin(ctx, &view, observed)
	r.release(&view)
	r.judgeFailures()
	r.settle()
	return r.Result
}

func (r *run) release(view *transition.View) {
	changes := Diff(render.Objects{}, r.observed, "")
	r.Stuck = changes.Stuck
	r.remove(changes.Revoke)
	r.prune(changes.Prune)
	policies, start := r.ownPolicies(""), r.observed.start()
	switch {
	case !r.observed.carriesMembership():
	case view.IsForged || !r.observed.IsVouchedFor():
		r.Progress.Labelled = r.unlabel(ofAnyVersion)
	case !r.mayLeave(view, policies, start) && !r.failsForGood(view):
		return
	default:
		r.Progress.Labelled = r.unlabel(r.mustHave(view))
	}
	if !r.failed(KindNamespace) && !r.failed(KindNetworkPolicy) {
		r.steps(transition.Removal(policies, start))
		r.Progress.Released = !r.failed(KindNetworkPolicy)
	}
}

// mayLeave opens a namespace whose labels are to be taken off, and tells whether that may be done now.
func (r *run) mayLeave(view *transition.View, policies []*networkingv1.NetworkPolicy, start transition.Start) bool {
	r.Progress.Waiting = !view.MayOpen || !view.MayRelabel
	if !view.MayOpen {
		return false
	}
	switch {
	case start == transition.Closed:
		r.steps(transition.Segmenting(policies))
	case !view.AloneOfAll:
		r.steps(transition.Opening(policies))
	}
	if r.failed(KindNetworkPolicy) {
		return false
	}
	r.Progress.Reached = transition.Wide
	return view.MayRelabel
}
