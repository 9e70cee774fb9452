package apply

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/status"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// contestCase is a namespace in which somebody changes an object between each look and the write that follows.
type contestCase struct {
	spoil func(*Observed)
	call  string
	// then is what is asked for once it is decided.
	then []string
}

func contestCases() map[string]contestCase {
	leftOver := builders.MakeRoleBinding(namespace, "segmentation-old").Managed().UID("old").ResourceVersion("7").Role("x").Obj()
	return map[string]contestCase{
		"a policy that is to be mended": {
			func(o *Observed) { o.Policies[0].Spec.Ingress, o.Policies[0].Spec.Egress = nil, nil }, "change " + basePolicy,
			[]string{"change " + basePolicy},
		},
		"a Role that is to lose something": {
			func(o *Observed) { o.Roles[0].Rules[0].Verbs = append(o.Roles[0].Rules[0].Verbs, "delete") }, "change Role segmentation-viewer",
			[]string{"delete Role segmentation-viewer", "create Role segmentation-viewer"},
		},
		"a RoleBinding that is to be mended": {
			func(o *Observed) { o.Bindings[0].OwnerReferences = nil }, "change RoleBinding " + binding,
			[]string{"delete RoleBinding " + binding, "create RoleBinding " + binding},
		},
		"a RoleBinding that is to go": {
			func(o *Observed) { o.Bindings = append(o.Bindings, *leftOver) }, "delete RoleBinding segmentation-old",
			[]string{"delete RoleBinding segmentation-old"},
		},
	}
}

// Who changes an object again and again is faster a few times, and then the operator writes whatever he has made
// of it. Nobody has to read of it until then.
func TestWhoIsFasterAgainAndAgain(t *testing.T) {
	for name, c := range contestCases() {
		t.Run(name, func(t *testing.T) {
			conflict := apierrors.NewConflict(schema.GroupResource{Resource: "objects"}, "x", errors.New("changed"))
			r := &recorder{errs: map[string]error{c.call: conflict}}
			applier := New(r, r)
			pass := func() Result {
				objects := shop(t)
				todo := task(objects)
				todo.View = alone(transition.Member)
				return applier.Member(t.Context(), todo, see(member).holding(objects).but(c.spoil))
			}
			for range maxContests {
				if result := pass(); !result.IsOvertaken() || len(result.Problems()) > 0 || result.Err() != nil {
					t.Errorf("a lost race is told of: %+v", result.Failures)
				}
			}
			r.errs = nil
			r.preconditions, r.replaced, r.calls = nil, nil, nil
			if result := pass(); result.State() != status.Written {
				t.Errorf("the state is %s: %+v", result.State(), result.Failures)
			}
			if diff := cmp.Diff(c.then, r.calls); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{""}, append(r.replaced, r.preconditions...)); diff != "" {
				t.Errorf("the version that it must have (-want +got):\n%s", diff)
			}
			r.preconditions, r.replaced = nil, nil
			pass()
			if diff := cmp.Diff([]string{"7"}, append(r.replaced, r.preconditions...)); diff != "" {
				t.Errorf("the version after a write that was made (-want +got):\n%s", diff)
			}
		})
	}
}

// What is lost for long is told of.
func TestARaceThatIsLostForLong(t *testing.T) {
	exists := apierrors.NewAlreadyExists(schema.GroupResource{Resource: "roles"}, "segmentation-viewer")
	r := &recorder{errs: map[string]error{access[0]: exists}}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	applier := New(r, r).Timed(func() time.Time { return now }, func(time.Duration, func()) {})
	pass := func() Result {
		objects := shop(t)
		todo := task(objects)
		todo.View = alone(transition.Member)
		return applier.Member(t.Context(), todo, see(member).holding(objects).but(func(o *Observed) { o.Roles = nil }))
	}
	if result := pass(); len(result.Problems()) > 0 || result.State() != status.Written {
		t.Errorf("it is told of at once: %+v", result.Problems())
	}
	now = now.Add(maxContested)
	want := []status.Problem{{
		Reason: v1alpha1.ReasonRetrying, Message: fmt.Sprintf("writing a Role failed and is tried again: %s", metav1.StatusReasonAlreadyExists),
	}}
	result := pass()
	if diff := cmp.Diff(want, result.Problems()); diff != "" || result.Err() == nil {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// A namespace that is gone leaves nothing behind.
func TestContestsAreForgotten(t *testing.T) {
	c := newContests()
	for range maxContests {
		c.note("one", true, time.Time{})
	}
	c.forget("one")
	if c.isDecided("one") || len(c.byNS) > 0 {
		t.Error("it is remembered")
	}
}
