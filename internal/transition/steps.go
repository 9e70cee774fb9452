package transition

import (
	"encoding/json"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// Step is one write of one policy.
type Step struct {
	// Desired is the policy as it should be; nil if it should be gone.
	Desired *networkingv1.NetworkPolicy
	// Current is the policy as it is; nil if there is none, or if an earlier step wrote it.
	Current *networkingv1.NetworkPolicy
	// Closes is set if something may be denied after the step that was allowed before.
	Closes bool
}

// Name is the name of the policy.
func (s Step) Name() string {
	if s.Desired != nil {
		return s.Desired.Name
	}
	return s.Current.Name
}

// Start says how a namespace is before the first of its policies is there.
type Start string

const (
	// Closed: what passes without policies of the operator's is not known to be wanted. So it
	// is when other policies isolate pods, or when a member has lost its policies.
	Closed Start = "Closed"
	// Open: everything passes, since no policy isolates a pod. What passes now and is also
	// declared must not be interrupted.
	Open Start = "Open"
)

// Steps returns the writes that bring policies from what is observed to a target, in order.
// After each of them every pod is allowed all that it is allowed before and after, and nothing
// that it is allowed neither before nor after.
//
// A policy that opens comes before one that closes. One that does both is safe as long as it is
// the only one; of several, all but one are written twice, as the union first.
func Steps(observed []*networkingv1.NetworkPolicy, target Target, start Start) []Step {
	s := sorter{current: byName(observed)}
	for _, want := range target.Policies {
		s.sort(want)
	}
	s.unite()
	s.begin(start)
	declared := byName(target.Policies)
	for _, have := range observed {
		if declared[have.Name] == nil && !target.Retained[have.Name] {
			s.removals = append(s.removals, Step{Current: have})
		}
	}
	return s.inOrder()
}

// sorter sorts writes by what they do to what is allowed.
type sorter struct {
	current map[string]*networkingv1.NetworkPolicy
	// base is the creation of the policy that isolates the namespace.
	base []Step
	// opening are writes that only add, and creations.
	opening []Step
	// mixed are writes that add and take away.
	mixed []Step
	// closing are writes that only take away.
	closing []Step
	// removals are deletions.
	removals []Step
}

func (s *sorter) sort(want *networkingv1.NetworkPolicy) {
	have := s.current[want.Name]
	switch {
	case have == nil && want.Name == render.Prefix:
		s.base = append(s.base, Step{Desired: want})
	case have == nil:
		s.opening = append(s.opening, Step{Desired: want})
	case !sameScope(&want.Spec, &have.Spec):
		s.replace(want, have)
	default:
		s.change(Step{Desired: want, Current: have})
	}
}

// change sorts a change in place. One that changes metadata only can come at any time.
func (s *sorter) change(step Step) {
	if equality.Semantic.DeepEqual(step.Desired.Spec, step.Current.Spec) {
		s.closing = append(s.closing, step)
		return
	}
	before, after := atomsOf(&step.Current.Spec), atomsOf(&step.Desired.Spec)
	switch {
	case after.hasAll(before):
		s.opening = append(s.opening, step)
	case before.hasAll(after):
		s.closing = append(s.closing, step)
	default:
		s.mixed = append(s.mixed, step)
	}
}

// replace changes the pods that a policy applies to. Its stand-in is there first: the policy
// itself then only closes. Nothing declares the stand-in, so the next pass removes it. One that is
// left over from an earlier change only gets more: it goes when all else is in place.
func (s *sorter) replace(want, have *networkingv1.NetworkPolicy) {
	second := standIn(want)
	known := s.current[second.Name]
	if known == nil {
		s.opening = append(s.opening, Step{Desired: second})
	} else if !atomsOf(&known.Spec).hasAll(atomsOf(&second.Spec)) {
		if wide := union(second, known); fits(wide) {
			second = wide
		}
		s.opening = append(s.opening, Step{Desired: second, Current: known})
	}
	s.closing = append(s.closing, Step{Desired: want, Current: have})
}

// unite writes the unions of all mixed writes but the last. One that would be too large to be stored
// is left out.
func (s *sorter) unite() {
	for i, step := range s.mixed {
		if i == len(s.mixed)-1 {
			step.Closes = true
			s.opening = append(s.opening, step)
			continue
		}
		if wide := union(step.Desired, step.Current); fits(wide) {
			s.opening = append(s.opening, Step{Desired: wide, Current: step.Current})
		}
		s.closing = append(s.closing, step)
	}
}

// begin sees to the first policy of a namespace. It isolates all pods, and those that have a
// policy of their own would miss theirs until that is written: so it allows everything until
// then, if everything was allowed anyway.
func (s *sorter) begin(start Start) {
	if len(s.base) == 0 || len(s.opening) == 0 || start == Closed {
		return
	}
	wanted := s.base[0]
	s.base[0].Desired = opened(wanted.Desired)
	s.closing = append(s.closing, Step{Desired: wanted.Desired})
}

func (s *sorter) inOrder() []Step {
	out := make([]Step, 0, len(s.base)+len(s.opening)+len(s.closing)+len(s.removals))
	out = append(out, s.base...)
	out = append(out, s.opening...)
	for _, step := range append(s.closing, s.removals...) {
		step.Closes = true
		out = append(out, step)
	}
	return out
}

func fits(policy *networkingv1.NetworkPolicy) bool {
	raw, err := json.Marshal(policy)
	return err == nil && len(raw) <= render.MaxBytes
}

// Opening returns the write that lets everything pass in a namespace that is about to leave,
// so that no flow to another one that leaves depends on labels any more; none if it is open.
func Opening(observed []*networkingv1.NetworkPolicy) []Step {
	base := byName(observed)[render.Prefix]
	if base == nil || isOpen(base) {
		return nil
	}
	return []Step{{Desired: opened(own(base)), Current: base}}
}

// WasOpened tells whether policies open their namespace as a whole: it was about to leave.
func WasOpened(observed []*networkingv1.NetworkPolicy) bool {
	base := byName(observed)[render.Prefix]
	return base != nil && slices.ContainsFunc(directions(), func(direction networkingv1.PolicyType) bool {
		return slices.ContainsFunc(rulesOf(&base.Spec, direction), rule.isForEverybody)
	})
}

// Shutting returns the write that takes back what Opening did, for a namespace that is not to leave
// after all; none if it is not open.
func Shutting(observed []*networkingv1.NetworkPolicy) []Step {
	if !WasOpened(observed) {
		return nil
	}
	base := byName(observed)[render.Prefix]
	return []Step{{Desired: shut(own(base)), Current: base, Closes: true}}
}

// Segmenting returns the writes that take from a namespace's policies all that depends on the labels
// of others, which are about to change. It is for a namespace that leaves, and that other policies
// isolate: it will not be open to them.
func Segmenting(observed []*networkingv1.NetworkPolicy) []Step {
	var out []Step
	for _, have := range observed {
		byLabels := func(p *networkingv1.NetworkPolicyPeer) bool { return isUnsegmented(p) || len(profilesOf(p)) > 0 }
		if want := without(byLabels, own(have)); !equality.Semantic.DeepEqual(want.Spec, have.Spec) {
			out = append(out, Step{Desired: want, Current: have, Closes: true})
		}
	}
	return out
}

// Removal returns the writes that take all policies away. A pod that has a policy of its own
// would be cut off from what only the base policy allows, or the other way round, if either
// went first: so the base policy allows everything before, if everything is allowed after.
func Removal(observed []*networkingv1.NetworkPolicy, start Start) []Step {
	var out, last []Step
	if len(observed) > 1 && start == Open {
		out = Opening(observed)
	}
	for _, have := range observed {
		if have.Name == render.Prefix {
			last = append(last, Step{Current: have})
			continue
		}
		out = append(out, Step{Current: have})
	}
	return append(out, last...)
}
