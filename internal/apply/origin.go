package apply

import (
	"maps"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
)

// A namespace that moves has the labels of one tier and the policies of another. Its base policy
// says where it comes from, among the entries that it is declared by, until the move is over: for
// whoever finds the two at odds later on, and has to know whether somebody forged the labels.

// movedFrom begins the entry; the profile and the tier follow.
const movedFrom = "moved-from/"

// IsVouchedFor tells whether the base policy bears out what the namespace's membership labels say:
// it was written for this tier, or for a namespace that comes from it.
func (o *Observed) IsVouchedFor() bool {
	base := o.basePolicy()
	if base == nil {
		return false
	}
	if o.isMember(membershipOf(base)) {
		return true
	}
	from := originOf(base)
	return from != (transition.Membership{}) && o.isMember(render.MembershipLabels(from.Profile, from.Tier))
}

// membershipOf returns the membership that a base policy was written for.
func membershipOf(base *networkingv1.NetworkPolicy) map[string]string {
	return render.MembershipLabels(base.Labels[v1alpha1.ProfileLabel], base.Labels[v1alpha1.TierLabel])
}

// originOf returns where a namespace comes from by its base policy; the zero value if it moves from
// nowhere.
func originOf(base *networkingv1.NetworkPolicy) transition.Membership {
	_, from, _ := cutOrigin(base)
	profile, tier, _ := strings.Cut(from, "/")
	return transition.Membership{Profile: profile, Tier: tier}
}

// cutOrigin parts where a namespace comes from, which is the last entry, from the others.
func cutOrigin(base *networkingv1.NetworkPolicy) (others, from string, found bool) {
	return strings.Cut(base.Annotations[v1alpha1.DeclaredByAnnotation], render.EntrySeparator+movedFrom)
}

// withOrigin has the base policy of a target say where the namespace comes from. The policies
// given are left as they are: they may be shared.
func (r *run) withOrigin(view *transition.View, exact bool, policies []*networkingv1.NetworkPolicy) []*networkingv1.NetworkPolicy {
	from := r.origin(view, exact)
	i := slices.IndexFunc(policies, func(p *networkingv1.NetworkPolicy) bool { return p.Name == render.Prefix })
	if i < 0 || from == (transition.Membership{}) {
		return policies
	}
	out := slices.Clone(policies)
	out[i] = withOriginOf(out[i], from)
	return out
}

// withOriginOf is a base policy that says where its namespace comes from.
func withOriginOf(base *networkingv1.NetworkPolicy, from transition.Membership) *networkingv1.NetworkPolicy {
	out := *base
	out.Annotations = maps.Clone(base.Annotations)
	out.Annotations[v1alpha1.DeclaredByAnnotation] += render.EntrySeparator + movedFrom + from.Profile + "/" + from.Tier
	return &out
}

// origin is where the namespace comes from, for now. It is told until nothing else is left to be
// written, which spares a write of its own where others move too.
func (r *run) origin(view *transition.View, exact bool) transition.Membership {
	base := r.observed.basePolicy()
	switch {
	case view.Role == transition.Moving:
		return view.Has
	case exact || base == nil || view.Role != transition.Member:
		return transition.Membership{}
	default:
		return originOf(base)
	}
}

// withoutOrigin is a policy but for where its namespace comes from.
func withoutOrigin(p *networkingv1.NetworkPolicy) *networkingv1.NetworkPolicy {
	others, _, found := cutOrigin(p)
	if !found {
		return p
	}
	out := *p
	out.Annotations = maps.Clone(p.Annotations)
	out.Annotations[v1alpha1.DeclaredByAnnotation] = others
	return &out
}

// expel takes forged labels off, and brings the namespace to what is declared at once, whether they go or
// not: it must not pass for a member and be open. If they went, it joins with the next pass.
func (r *run) expel(task *Task, changes *Changes) {
	r.unlabel(ofAnyVersion)
	target := r.writable(transition.Exactly(task.Rendered.Policies))
	r.steps(transition.Steps(r.ownPolicies(task.Owner), target, r.observed.start()))
	r.give(changes, &task.View)
	r.judgeFailures()
}
