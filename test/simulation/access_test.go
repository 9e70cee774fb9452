package simulation

import (
	"maps"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// right is what a group may read in a namespace.
type right struct{ namespace, group, resource string }

// rights are judged for what is opened: nobody ever has one that he has in no state that is wanted.
type rights map[right]bool

// roles are those of each profile. What they grant is drawn.
func roles() []string { return []string{"r1", "r2"} }

func drawRole(t *rapid.T, name string) v1alpha1.Role {
	resources := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"pods", "services", "secrets"}), 1, 2, rapid.ID)
	return builders.MakeRole(name).Read(resources.Draw(t, name)...).Obj()
}

// drawAccess draws who has which role in a tier.
func drawAccess(t *rapid.T, tier *builders.TierBuilder) {
	for _, role := range roles() {
		var subjects []v1alpha1.Subject
		for _, group := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"g1", "g2"}), 0, 2, rapid.ID).Draw(t, role+" for") {
			subjects = append(subjects, builders.Group(group))
		}
		if len(subjects) > 0 {
			tier.Access(role, subjects...)
		}
	}
}

// add adds what the Roles and RoleBindings of a namespace give.
func (r rights) add(namespace string, objects ...client.Object) {
	rules := map[string][]rbacv1.PolicyRule{}
	for _, obj := range objects {
		if role, ok := obj.(*rbacv1.Role); ok {
			rules[role.Name] = role.Rules
		}
	}
	for _, obj := range objects {
		binding, ok := obj.(*rbacv1.RoleBinding)
		if !ok {
			continue
		}
		for _, subject := range binding.Subjects {
			for _, rule := range rules[binding.RoleRef.Name] {
				for _, resource := range rule.Resources {
					r[right{namespace, subject.Name, resource}] = true
				}
			}
		}
	}
}

// rightsNow are those that the cluster gives.
func (s *simulated) rightsNow() rights {
	out := rights{}
	for name, objects := range s.store.objects {
		out.add(name, slices.Collect(maps.Values(objects))...)
	}
	return out
}

// rightsDue are those that a store declares. Where a namespace is held they are as they are.
func (s *simulated) rightsDue(store *store) rights {
	out, d := rights{}, declare(store)
	for _, name := range store.cluster() {
		_, want, held := d.due(name)
		if held {
			out.add(name, slices.Collect(maps.Values(s.store.objects[name]))...)
			continue
		}
		for _, role := range want.Roles {
			out.add(name, append(objectsOf(want.Bindings), role)...)
		}
	}
	return out
}

func objectsOf[T client.Object](items []T) []client.Object {
	out := make([]client.Object, 0, len(items))
	for _, item := range items {
		out = append(out, item)
	}
	return out
}

// judgeRights judges every state.
func (s *simulated) judgeRights() {
	maps.Copy(s.mayHave, s.states[len(s.states)-1].rights)
	for i, state := range s.states {
		for has := range state.rights {
			if !s.mayHave[has] {
				s.totals.violations++
				s.t.Fatalf("after write %d (%s): %s may read %s in %s, and in no state that is wanted\n%s",
					i, s.log[i], has.group, has.resource, has.namespace, s.describe())
			}
		}
	}
}

// judgeDepartures sees to it that access goes first: when the labels of a namespace change, its service accounts
// have nothing in others any more that they are not to have in the end. An operator that starts anew in between
// does not know what was declared before, and one whose writes fail does not wait for those.
func (s *simulated) judgeDepartures() {
	due := s.rightsDue(s.store)
	for i, line := range s.log {
		verb, rest, _ := strings.Cut(line, " ")
		if verb != "label" && verb != "unlabel" {
			continue
		}
		name, _, _ := strings.Cut(rest, " ")
		s.totals.departures++
		for has := range s.states[i].rights {
			if has.group == "system:serviceaccounts:"+name && has.namespace != name && !due[has] {
				s.totals.violations++
				s.t.Fatalf("after write %d (%s): service accounts of %s may still read %s in %s\n%s",
					i, line, name, has.resource, has.namespace, s.describe())
			}
		}
	}
}

// TestAccessGoesBeforeLabelsDo has service accounts of one tier read in another, and then namespaces leave the
// first.
func TestAccessGoesBeforeLabelsDo(t *testing.T) {
	all := &totals{}
	rapid.Check(t, func(t *rapid.T) {
		if all.departures >= 200 {
			return // That is enough, and each takes a while.
		}
		s := newSimulated(t, all)
		s.machine.faults, s.machine.late, s.undisturbed = 0, false, true
		callers, called := map[string]string{"layer": "a"}, map[string]string{"layer": "b"}
		profile := builders.MakeProfile("shop").NoDNS().Role(drawRole(t, "r1")).
			Tier(builders.MakeTier("t1").Selector(callers).Obj(), builders.MakeTier("t2").Selector(called).Obj()).
			Dependency(builders.MakeDependency("d1").FromTier("t1").ToTier("t2").Access("r1").Obj())
		s.transition(func() {
			s.store.label("n0", callers)
			s.store.label("n1", called)
			s.store.putProfile(profile.Defaulted().Obj())
		})
		s.transition(func() {
			s.store.label("n0", map[string]string{"layer": rapid.SampledFrom([]string{"b", "none"}).Draw(t, "layer")})
		})
	})
	if all.departures < 50 {
		t.Errorf("only %d changes of labels were judged", all.departures)
	}
}
