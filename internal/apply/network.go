package apply

import (
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
)

// bring brings the policies of a namespace to what they should be for now, and tells whether that
// is what they should be in the end.
func (r *run) bring(task *Task) (exact bool) {
	have := r.ownPolicies(task.Owner)
	target, exact := r.target(task, have)
	target = r.writable(target)
	target.Policies = r.withOrigin(&task.View, exact, target.Policies)
	start := transition.Closed
	if task.View.Role == transition.Joining {
		start = r.observed.start()
	}
	r.steps(transition.Steps(have, target, start))
	return exact
}

// writable is a target without the policies that cannot be written.
func (r *run) writable(target transition.Target) transition.Target {
	target.Policies = slices.DeleteFunc(slices.Clone(target.Policies), func(p *networkingv1.NetworkPolicy) bool {
		return slices.Contains(r.blocked, p.Name)
	})
	return target
}

// target is what the policies should be for now.
func (r *run) target(task *Task, have []*networkingv1.NetworkPolicy) (target transition.Target, exact bool) {
	final := transition.Exactly(task.Rendered.Policies)
	view := &task.View
	switch {
	case r.mayFinish(task, have):
		return final, true
	case view.Role == transition.Joining:
		return transition.Exactly(r.joining(task)), false
	}
	wasOpen := transition.WasOpened(have)
	// One that moves inside its profile keeps nothing by the labels of others: paths to them may have been withdrawn.
	comesFromOther := view.Role == transition.Moving && view.Has.Profile != task.Profile
	return transition.Widened(task.Policies(sight(view, wasOpen)), have, transition.Widening{
		Profile: task.Profile,
		Linked:  task.Linked,
		Tiers:   view.AnyLeaving,
		Before:  view.AnySecond || view.AnyLeaving || comesFromOther,
		After:   view.AnyFirst || view.AnyLeaving || comesFromOther,
		// One that was open was so to whoever is no member: what that allows need not wait.
		Unsegmented: view.AnyJoining && !wasOpen,
	}), false
}

// joining are the policies of a namespace that joins together with others. If it was open to all,
// it stays open to those that join too. If not, it is opened to members only.
func (r *run) joining(task *Task) []*networkingv1.NetworkPolicy {
	if r.observed.start() == transition.Closed {
		// It would take itself for unsegmented, too.
		return transition.WithoutUnsegmented(task.Policies(render.BySelection))
	}
	return task.Policies(sight(&task.View, true))
}

// sight is how a namespace tells who belongs to a tier while labels change. One that was open was so to
// those that are about to get their labels, too.
func sight(view *transition.View, wasOpen bool) render.Sight {
	switch changing := view.AnyMoving || view.AnyLeaving; {
	case wasOpen && (changing || view.Role == transition.Moving):
		return render.ByChoice
	case wasOpen:
		return render.ByEither
	case changing || view.Role == transition.Moving:
		return render.BySelection
	default:
		return render.ByLabels
	}
}

// mayFinish tells whether the policies may be what they should be in the end.
func (r *run) mayFinish(task *Task, have []*networkingv1.NetworkPolicy) bool {
	view, final := &task.View, task.Rendered.Policies
	switch view.Role {
	case transition.Joining:
		return r.mayJoin(view, final)
	case transition.Moving:
		return view.AloneOfAll && !transition.GoBy(final, view.Has)
	default:
		same := view.WasExact || isExactly(final, have)
		return same || view.AloneOfAll || view.Alone && !admitsLeaving(view, final) &&
			transition.SameAcross(task.Profile, final, have, task.Linked...)
	}
}

// admitsLeaving tells whether a namespace that has joined may still admit, by their names, others that
// are about to leave: it does so in place of a rule for namespaces that are not members.
func admitsLeaving(view *transition.View, final []*networkingv1.NetworkPolicy) bool {
	return view.AnyLeaving && transition.HaveUnsegmented(final)
}

// mayJoin tells whether a namespace that joins may have its policies at once: nobody joins or moves
// with it, and it would not take itself for unsegmented where it is closed.
func (r *run) mayJoin(view *transition.View, final []*networkingv1.NetworkPolicy) bool {
	alone := view.AloneOfAll || view.Alone && !view.AnyLeaving
	return alone && (r.observed.start() == transition.Open || !transition.HaveUnsegmented(final))
}

// reach is what the policies of a claimed namespace are ready for, once they are written.
func reach(view *transition.View, exact bool) transition.Reach {
	switch {
	case exact:
		return transition.Settled
	case view.AnyJoining:
		return transition.Wide
	case view.AnyLeaving:
		return transition.Switched
	case view.AnyFirst, view.Role == transition.Moving:
		return transition.Steady
	default:
		return transition.Settled
	}
}

// isExactly tells whether policies are all that is desired and nothing else.
func isExactly(desired, have []*networkingv1.NetworkPolicy) bool {
	return len(desired) == len(have) && !slices.ContainsFunc(desired, func(want *networkingv1.NetworkPolicy) bool {
		return !slices.ContainsFunc(have, func(p *networkingv1.NetworkPolicy) bool {
			return p.Name == want.Name && matches(want, withoutOrigin(p))
		})
	})
}

// isInTheWay tells whether somebody else's policy has a name under which one is to be created, or one that
// is being deleted, and takes note of that. It is the name of a stand-in: others were looked at before.
func (r *run) isInTheWay(name string) bool {
	other := r.observed.find(key{KindNetworkPolicy, name})
	if other == nil {
		return false
	}
	r.blocked = append(r.blocked, name)
	if taken := (Taken{Kind: KindNetworkPolicy, Name: name}); other.GetDeletionTimestamp() != nil {
		r.Stuck = append(r.Stuck, taken)
	} else {
		r.Taken = append(r.Taken, taken)
	}
	return true
}

// ownPolicies are the operator's policies in the namespace.
func (r *run) ownPolicies(owner types.UID) []*networkingv1.NetworkPolicy {
	var out []*networkingv1.NetworkPolicy
	for i := range r.observed.Policies {
		p := &r.observed.Policies[i]
		if IsOurs(p, owner) && p.DeletionTimestamp == nil {
			out = append(out, p)
		}
	}
	return out
}

// start says how the namespace is without the operator's policies.
func (o *Observed) start() transition.Start {
	if slices.ContainsFunc(o.Policies, func(p networkingv1.NetworkPolicy) bool { return !IsManaged(&p) }) {
		return transition.Closed
	}
	return transition.Open
}

// steps makes the writes one after the other. After one that failed or cannot be made, nothing is
// removed. What closes a path without removing a policy is not done either, as long as a retry may help:
// what the failed write was to open may be what it closes. Without the base policy nothing else is
// written: a pod with a policy of its own would be denied all that the base policy allows.
func (r *run) steps(steps []transition.Step) {
	for _, step := range steps {
		isBaseless := !r.based && (r.failed(KindNetworkPolicy) || slices.Contains(r.blocked, render.Prefix))
		isHeld := !r.isolated() && (step.Desired == nil || step.Closes && r.mayRetry())
		if !isBaseless && !isHeld {
			r.step(step)
		}
	}
}

// mayRetry tells whether a policy could not be written, and trying again may help.
func (r *run) mayRetry() bool {
	return slices.ContainsFunc(r.Failures, func(f Failure) bool { return f.Kind == KindNetworkPolicy && !f.isLasting() })
}

func (r *run) step(step transition.Step) {
	if step.Desired == nil {
		r.remove([]client.Object{step.Current})
		return
	}
	if step.Current != nil && matches(step.Desired, step.Current) {
		return
	}
	w := Write{Desired: step.Desired}
	if written, ok := r.written[keyOf(step.Desired)]; ok {
		w.UID = written.GetUID()
	} else if step.Current != nil {
		w.UID = step.Current.GetUID()
	}
	if w.UID == "" && r.isInTheWay(step.Desired.Name) {
		return
	}
	if err := r.put(w); err != nil {
		r.fail(KindNetworkPolicy, err)
		return
	}
	r.based = r.based || step.Desired.Name == render.Prefix
}
