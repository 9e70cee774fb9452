package mesh

import (
	"crypto/sha256"
	"encoding/hex"
	"reflect"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// Object is an object of one of the kinds.
type Object interface {
	metav1.Object
	runtime.Object
}

// Step is one write of one object.
type Step struct {
	// Desired is the object as it should be; nil if it should be gone.
	Desired Object
	// Current is the object as it is; nil if there is none, or if an earlier step wrote it.
	Current Object
}

// Steps returns the writes that bring the objects of one namespace from what is observed to what is desired, in order. Both
// are the operator's own objects. After each write, and if the writes begin anew after any of them, every workload allows
// all that it allows before and after, and nothing that it allows neither before nor after.
//
// As among NetworkPolicies (transition.Steps), what opens comes before what closes, and of several policies that do both
// all but the last are written as the union first. An ALLOW policy that is created or goes changes what is allowed by
// default, as a NetworkPolicy does: so the first base policy and the last allow everything as long as others are on the way.
//
// Whether mutual TLS is asked for narrows all of that at once. It is asked for before all else, and not any more after all
// else: in between, less passes than by the policies alone, and what passes is allowed by those of before or of after.
//
// Guarded says that somebody else's ALLOW policies are there. What passes without the operator's is then not known to be
// wanted, and nothing is opened as a whole.
func Steps(observed, desired Objects, guarded bool) []Step {
	s := sorter{current: byName(observed.Policies), isOpen: len(observed.Policies) == 0 && !guarded}
	for _, want := range desired.Policies {
		s.sort(want)
	}
	s.unite()
	s.begin()
	declared := byName(desired.Policies)
	if len(desired.Policies) == 0 && !guarded {
		s.openLast(observed.Policies)
	}
	for _, have := range observed.Policies {
		if declared[have.Name] == nil {
			s.remove(have)
		}
	}
	first, last := authenticationSteps(observed, desired)
	return append(append(first, s.inOrder()...), last...)
}

// sorter sorts writes by what they do to what is allowed.
type sorter struct {
	current map[string]*AuthorizationPolicy
	// isOpen is set if everything passes as long as no policy is there.
	isOpen bool
	// base is the creation of the base policy.
	base []Step
	// opening are writes that only add, and creations; mixed both add and take away; closing only take away.
	opening, mixed, closing []Step
	// removals are deletions, and baseless the deletion of the base policy.
	removals, baseless []Step
}

func (s *sorter) sort(want *AuthorizationPolicy) {
	have := s.current[want.Name]
	switch {
	case have == nil && want.Name == render.Prefix:
		s.base = append(s.base, Step{Desired: want})
	case have == nil:
		s.opening = append(s.opening, Step{Desired: want})
	case !sameScope(&want.Spec, &have.Spec):
		s.replace(want, have)
	default:
		s.change(want, have)
	}
}

// change sorts a change in place. One that changes metadata only can come at any time.
func (s *sorter) change(want, have *AuthorizationPolicy) {
	step := Step{Desired: want, Current: have}
	before, after := atomsOf(have.Spec.Rules), atomsOf(want.Spec.Rules)
	switch {
	case before.hasAll(after):
		s.closing = append(s.closing, step)
	case after.hasAll(before):
		s.opening = append(s.opening, step)
	default:
		s.mixed = append(s.mixed, step)
	}
}

// sameScope tells whether two policies are about the same workloads, and do the same with them.
func sameScope(a, b *AuthorizationSpec) bool {
	return reflect.DeepEqual(a.Selector, b.Selector) && a.Action == b.Action && reflect.DeepEqual(a.Unknown, b.Unknown)
}

// replace changes the workloads that a policy is about. Its stand-in is there first: the policy itself then only closes.
func (s *sorter) replace(want, have *AuthorizationPolicy) {
	second := standIn(want)
	known := s.current[second.Name]
	step := Step{Desired: second}
	if known != nil {
		// It is left over from an earlier change, and only gets more.
		if wide := union(second, known); fits(wide) {
			step = Step{Desired: wide, Current: known}
		} else {
			step.Current = known
		}
	}
	s.opening = append(s.opening, step)
	s.closing = append(s.closing, Step{Desired: want, Current: have})
	if known == nil {
		s.removals = append(s.removals, Step{Current: second})
	}
}

// standIn is a policy under a name that depends on what it is about.
func standIn(policy *AuthorizationPolicy) *AuthorizationPolicy {
	sum := sha256.Sum256([]byte(render.Key(policy.Spec.Selector)))
	out := policy.DeepCopy()
	out.Name += "-" + hex.EncodeToString(sum[:5])
	return out
}

// unite writes the unions of all mixed writes but the last. One that would be too large to be stored is left out.
func (s *sorter) unite() {
	for i, step := range s.mixed {
		if i == len(s.mixed)-1 {
			s.opening = append(s.opening, step)
			continue
		}
		want, have := s.current[step.Desired.GetName()], step.Desired
		if wide := union(have.(*AuthorizationPolicy), want); fits(wide) {
			s.opening = append(s.opening, Step{Desired: wide, Current: step.Current})
		}
		s.closing = append(s.closing, step)
	}
}

// begin sees to the first policy of a namespace: it allows everything until those are there that are about some workloads.
func (s *sorter) begin() {
	if len(s.base) == 0 || len(s.opening) == 0 || !s.isOpen {
		return
	}
	wanted := s.base[0]
	s.base[0].Desired = opened(wanted.Desired.(*AuthorizationPolicy))
	s.closing = append(s.closing, wanted)
}

// openLast sees to the last policies of a namespace: as long as one of several is still there, it must not deny what the
// others allowed. Where the base policy is gone, each of them is opened.
func (s *sorter) openLast(observed []*AuthorizationPolicy) {
	if len(observed) < 2 {
		return
	}
	base := s.current[render.Prefix]
	for _, have := range observed {
		if base == nil || have == base {
			open := opened(have)
			open.ObjectMeta = render.OwnMeta(&have.ObjectMeta)
			s.opening = append(s.opening, Step{Desired: open, Current: have})
		}
	}
}

// remove deletes a policy, the base policy after all others.
func (s *sorter) remove(have *AuthorizationPolicy) {
	if have.Name == render.Prefix {
		s.baseless = append(s.baseless, Step{Current: have})
		return
	}
	s.removals = append(s.removals, Step{Current: have})
}

func (s *sorter) inOrder() []Step {
	var out []Step
	for _, steps := range [][]Step{s.base, s.opening, s.closing, s.removals, s.baseless} {
		out = append(out, steps...)
	}
	return out
}

// authenticationSteps are what comes before all else, and after.
func authenticationSteps(observed, desired Objects) (first, last []Step) {
	current, declared := map[string]*PeerAuthentication{}, map[string]bool{}
	for _, have := range observed.Authentications {
		current[have.Name] = have
	}
	for _, want := range desired.Authentications {
		declared[want.Name] = true
		step := Step{Desired: want}
		if have := current[want.Name]; have != nil {
			step.Current = have
		}
		first = append(first, step)
	}
	for _, have := range observed.Authentications {
		if !declared[have.Name] {
			last = append(last, Step{Current: have})
		}
	}
	return first, last
}

func byName(policies []*AuthorizationPolicy) map[string]*AuthorizationPolicy {
	out := make(map[string]*AuthorizationPolicy, len(policies))
	for _, p := range policies {
		out[p.Name] = p
	}
	return out
}
