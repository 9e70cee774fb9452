package guardrail

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// Input is what the next writes are decided on.
type Input struct {
	// Observed are all ClusterNetworkPolicies of the cluster.
	Observed []*policyv1alpha2.ClusterNetworkPolicy
	// Guards are what guards profiles that are to be guarded.
	Guards []*Guard
	// Kept are the profiles whose guardrails stay as they are: such as those that do not compile.
	Kept map[string]bool
	// Exempt are the namespaces, sorted, that guardrails of profiles which are kept have to exempt.
	Exempt map[string][]string
	// Band are the priorities that guardrails may have.
	Band Band
}

// Next is what is to be done, and what is found. Nothing of it depends on what else of it is done: what comes after it is
// decided on once the cluster was seen to have it.
type Next struct {
	// Writes are the objects to be created or changed, and Deletes those to be removed.
	Writes, Deletes []*policyv1alpha2.ClusterNetworkPolicy
	// Profiles is what is known of each profile that is guarded.
	Profiles map[string]Progress
}

// Progress is how far the guardrails of a profile are.
type Progress struct {
	// Objects is how many objects were seen to be as they should be.
	Objects int
	// Pending is set as long as writes are left.
	Pending bool
	// Exempt are the namespaces whose side nothing is denied on for now.
	Exempt []string
	// Findings are what a person should look at; Closed is set if one of them says that the guardrails are not whole.
	Findings []plan.Finding
	Closed   bool
}

// Plan decides on the next writes. What opens comes first, and what closes once all of that was seen in the cluster. So
// after each write, what is declared before and after passes the guardrails, and nothing that is declared neither before
// nor after.
func Plan(in *Input) *Next {
	p := planner{in: in, next: &Next{Profiles: map[string]Progress{}}, allocator: newAllocator(in.Band, in.Observed)}
	p.observe()
	guarded := map[string]bool{}
	for _, g := range slices.SortedFunc(slices.Values(in.Guards), func(a, b *Guard) int { return strings.Compare(a.Profile, b.Profile) }) {
		guarded[g.Profile] = true
		p.guard(g)
	}
	for _, profile := range slices.Sorted(maps.Keys(p.own)) {
		switch {
		case guarded[profile]:
		case in.Kept[profile]:
			p.exempt(profile)
		default:
			p.remove(profile)
		}
	}
	return p.next
}

type planner struct {
	in        *Input
	next      *Next
	allocator *allocator
	// own are the operator's objects by profile and name, others the names that others have, and going those of objects of
	// the operator's that are being deleted.
	own           map[string]map[string]*policyv1alpha2.ClusterNetworkPolicy
	others, going map[string]bool
}

func (p *planner) observe() {
	p.own = map[string]map[string]*policyv1alpha2.ClusterNetworkPolicy{}
	p.others, p.going = map[string]bool{}, map[string]bool{}
	for _, o := range p.in.Observed {
		switch profile := ProfileOf(o); {
		case !IsOurs(o):
			p.others[o.Name] = true
		case o.DeletionTimestamp != nil:
			p.going[o.Name] = true
		default:
			if p.own[profile] == nil {
				p.own[profile] = map[string]*policyv1alpha2.ClusterNetworkPolicy{}
			}
			p.own[profile][o.Name] = o
		}
	}
}

// guard decides on the guardrails of a profile.
func (p *planner) guard(g *Guard) {
	have := p.own[g.Profile]
	progress := &Progress{Findings: slices.Clone(g.Findings), Exempt: g.Exempt}
	a := p.assign(g, have, progress)
	if opening := a.opening(g, have); len(opening) > 0 {
		p.next.Writes = append(p.next.Writes, opening...)
		progress.Pending = true
	} else {
		p.close(g, a, have, progress)
	}
	p.next.Profiles[g.Profile] = *progress
}

// assigned are the objects of a profile with their priorities.
type assigned struct {
	passing []placed
	// deny is what is to deny; nil if it must not come to be.
	deny *policyv1alpha2.ClusterNetworkPolicy
}

// assign places all rules, and gives the objects priorities. Where there are not enough of these, what is there keeps what
// it has: nothing that passes must come to be after what denies.
func (p *planner) assign(g *Guard, have map[string]*policyv1alpha2.ClusterNetworkPolicy, progress *Progress) *assigned {
	all, isWhole := p.place(g, have, progress)
	out := &assigned{deny: g.deny(g.Exempt)}
	without, isEnough := p.allocator.all(all, out.deny)
	if !isEnough {
		// What they have may leave no room at the end.
		p.allocator.release(all, out.deny)
		without, isEnough = p.allocator.all(all, out.deny)
	}
	there := have[out.deny.Name]
	if !isEnough {
		progress.breakf(v1alpha1.ReasonGuardrailsFull, "all priorities from %s are taken, and not all guardrails have one: "+
			"give the operator more by --guardrail-priorities", p.in.Band)
		all = kept(all, have, without)
		if there != nil {
			out.deny.Spec.Priority = there.Spec.Priority
		}
	}
	for _, one := range all {
		one.wide.Spec.Priority = one.exact.Spec.Priority
	}
	out.passing = all
	if p.others[out.deny.Name] {
		progress.breakf(v1alpha1.ReasonNameTaken, "ClusterNetworkPolicy %s is not the operator's, and has the name of a guardrail: "+
			"remove or rename it; nothing is guarded until then", out.deny.Name)
	}
	if p.others[out.deny.Name] || p.going[out.deny.Name] || there == nil && (progress.Closed || !isWhole) {
		out.deny = nil
	}
	return out
}

// kept are objects with the priorities that they have; and new ones only if they have one, before what denies.
func kept(all []placed, have map[string]*policyv1alpha2.ClusterNetworkPolicy, without map[string]bool) []placed {
	return slices.DeleteFunc(all, func(one placed) bool {
		if there := have[one.exact.Name]; there != nil {
			one.exact.Spec.Priority = there.Spec.Priority
			return false
		}
		deny := have[DenyName(ProfileOf(one.exact))]
		return without[one.exact.Name] || deny != nil && one.exact.Spec.Priority >= deny.Spec.Priority
	})
}

// place places all rules. It is not whole as long as an object is on its way out.
func (p *planner) place(
	g *Guard, have map[string]*policyv1alpha2.ClusterNetworkPolicy, progress *Progress,
) (all []placed, isWhole bool) {
	isWhole = true
	for i := range g.lanes {
		for _, one := range g.place(&g.lanes[i], have) {
			switch name := one.exact.Name; {
			case p.going[name]:
				isWhole, progress.Pending = false, true
			case p.others[name]:
				progress.breakf(v1alpha1.ReasonNameTaken, "ClusterNetworkPolicy %s is not the operator's and has the name of a guardrail: "+
					"remove or rename it; what it should pass is denied, or nothing is guarded, until then", name)
			default:
				all = append(all, one)
			}
		}
	}
	for _, name := range p.in.Band.collisions(p.in.Observed, g.HasBaseline) {
		progress.Findings = append(progress.Findings, plan.Finding{Reason: v1alpha1.ReasonPriorityCollision, Message: fmt.Sprintf(
			"ClusterNetworkPolicy %s has a priority of the guardrails' (%s) and may come before or between them: give it another one, "+
				"or the operator others by --guardrail-priorities", name, p.in.Band)})
	}
	return all, isWhole
}

// breakf takes note of what keeps guardrails from being whole.
func (p *Progress) breakf(reason, format string, args ...any) {
	finding := plan.Finding{Reason: reason, Message: fmt.Sprintf(format, args...)}
	if !slices.Contains(p.Findings, finding) {
		p.Findings = append(p.Findings, finding)
	}
	p.Closed = true
}

// opening are the writes that open: what denies goes behind all else, if it is to have a later priority, and before anything
// else is written; it exempts those whose labels are about to change; and objects get the rules that they lack.
func (a *assigned) opening(g *Guard, have map[string]*policyv1alpha2.ClusterNetworkPolicy) []*policyv1alpha2.ClusterNetworkPolicy {
	var out []*policyv1alpha2.ClusterNetworkPolicy
	if there := have[DenyName(g.Profile)]; there != nil && a.deny != nil {
		exempt := exceptions(there.Spec.Subject.Namespaces)
		isBehind := a.deny.Spec.Priority > there.Spec.Priority
		if isBehind || !hasAll(exempt, g.Exempt) {
			wide := g.deny(union(exempt, g.Exempt))
			wide.Spec.Priority = max(a.deny.Spec.Priority, there.Spec.Priority)
			out = append(out, wide)
		}
		if isBehind {
			return out
		}
	}
	for _, one := range a.passing {
		if one.lacks && !isAs(one.wide, have[one.wide.Name]) {
			out = append(out, one.wide)
		}
	}
	return out
}

// close decides on what closes: denying, if all that is declared passes, and rules and objects that nothing declares.
func (p *planner) close(g *Guard, a *assigned, have map[string]*policyv1alpha2.ClusterNetworkPolicy, progress *Progress) {
	wanted := map[string]*policyv1alpha2.ClusterNetworkPolicy{}
	for _, one := range a.passing {
		wanted[one.exact.Name] = one.exact
		if g.Waits {
			wanted[one.exact.Name] = one.wide
			progress.Pending = progress.Pending || !isAs(one.exact, have[one.exact.Name])
		}
	}
	p.denying(g, a, have, progress, wanted)
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if isAs(wanted[name], have[name]) {
			progress.Objects++
			continue
		}
		p.next.Writes = append(p.next.Writes, wanted[name])
		progress.Pending = true
	}
	p.dropping(g, wanted, have, progress)
}

// dropping removes objects that nothing declares. Those that pass stay as long as anything may need them.
func (p *planner) dropping(g *Guard, wanted, have map[string]*policyv1alpha2.ClusterNetworkPolicy, progress *Progress) {
	for _, name := range slices.Sorted(maps.Keys(have)) {
		isBaseline := name == BaselineName(g.Profile)
		if wanted[name] != nil || progress.Closed && !isBaseline {
			continue
		}
		progress.Pending = true
		if !g.Waits || isBaseline {
			p.next.Deletes = append(p.next.Deletes, have[name])
		}
	}
}

// denying adds what is to deny. It keeps its priority as long as something that passes has a later one than it is to have.
func (p *planner) denying(
	g *Guard, a *assigned, have map[string]*policyv1alpha2.ClusterNetworkPolicy, progress *Progress,
	wanted map[string]*policyv1alpha2.ClusterNetworkPolicy,
) {
	if a.deny != nil {
		wanted[a.deny.Name] = a.deny
		isBehind := func(one placed) bool {
			there := have[one.exact.Name]
			return there != nil && there.Spec.Priority >= a.deny.Spec.Priority
		}
		if there := have[a.deny.Name]; there != nil && slices.ContainsFunc(a.passing, isBehind) {
			a.deny.Spec.Priority, progress.Pending = there.Spec.Priority, true
		}
	}
	baseline := g.baseline()
	switch {
	case !g.HasBaseline:
	case p.going[baseline.Name]:
		progress.Pending = true
	case p.others[baseline.Name]:
		progress.breakf(v1alpha1.ReasonNameTaken, "ClusterNetworkPolicy %s is not the operator's, and has the name of the baseline: "+
			"remove or rename it; there is none until then", baseline.Name)
	case !p.allocator.last(baseline, p.in.Band.From-1):
		progress.breakf(v1alpha1.ReasonGuardrailsFull, "all priorities from %s are taken in the Baseline tier: "+
			"give the operator more by --guardrail-priorities", p.in.Band)
	default:
		wanted[baseline.Name] = baseline
	}
}

// exempt changes whom what is there exempts, of a profile that is not written: its members may go to others.
func (p *planner) exempt(profile string) {
	there := p.own[profile][DenyName(profile)]
	if there == nil {
		return
	}
	has, want := exceptions(there.Spec.Subject.Namespaces), p.in.Exempt[profile]
	if slices.Equal(has, want) {
		return
	}
	changed := there.DeepCopy()
	if !hasAll(has, want) {
		want = union(has, want)
	}
	changed.Spec.Subject.Namespaces = except(members(profile), want)
	p.next.Writes = append(p.next.Writes, changed)
}

// remove decides on guardrails that nobody declares any more: what denies goes first.
func (p *planner) remove(profile string) {
	have := p.own[profile]
	denying := []string{DenyName(profile), BaselineName(profile)}
	isDenying := slices.ContainsFunc(denying, func(name string) bool { return have[name] != nil })
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if !isDenying || slices.Contains(denying, name) {
			p.next.Deletes = append(p.next.Deletes, have[name])
		}
	}
}

// isAs tells whether an object is as it should be, as far as the operator has a say.
func isAs(want, have *policyv1alpha2.ClusterNetworkPolicy) bool {
	return have != nil && equality.Semantic.DeepEqual(want.Spec, have.Spec) &&
		render.SameOwn(have.Labels, want.Labels) && render.SameOwn(have.Annotations, want.Annotations) &&
		equality.Semantic.DeepEqual(ownReferences(want), ownReferences(have))
}

func ownReferences(policy *policyv1alpha2.ClusterNetworkPolicy) []metav1.OwnerReference {
	isForeign := func(ref metav1.OwnerReference) bool { return !render.IsOwnReference(ref) }
	return slices.DeleteFunc(slices.Clone(policy.OwnerReferences), isForeign)
}

func hasAll(set, of []string) bool {
	return !slices.ContainsFunc(of, func(name string) bool { return !slices.Contains(set, name) })
}

func union(a, b []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(a, b))))
}

// Holds tells whether the object that denies does so on the side of a namespace as soon as it has, or as long as it has, labels
// of the profile: then these must not change until it is exempt.
func Holds(deny *policyv1alpha2.ClusterNetworkPolicy, namespace string) bool {
	return IsOurs(deny) && !slices.Contains(exceptions(deny.Spec.Subject.Namespaces), namespace)
}

// Onto returns an object that is there as it should be: with what others have put on it, such as their labels.
func Onto(want, have *policyv1alpha2.ClusterNetworkPolicy) *policyv1alpha2.ClusterNetworkPolicy {
	out := have.DeepCopy()
	out.Spec = *want.Spec.DeepCopy()
	out.Labels, out.Annotations = render.Overlaid(have.Labels, want.Labels), render.Overlaid(have.Annotations, want.Annotations)
	foreign := slices.DeleteFunc(slices.Clone(have.OwnerReferences), render.IsOwnReference)
	out.OwnerReferences = append(slices.Clone(want.OwnerReferences), foreign...)
	return out
}
