package apply

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// TestEchoes is about what events tell of writes to a namespace: a policy of version 50, and the deletion of the role "a".
func TestEchoes(t *testing.T) {
	policy := func(version string) *builders.NetworkPolicyBuilder {
		return builders.MakeNetworkPolicy(namespace, "segmentation").UID("p").ResourceVersion(version)
	}
	role := func(uid types.UID) *builders.RBACRoleBuilder {
		return builders.MakeRBACRole(namespace, "r").UID(uid).ResourceVersion("45")
	}
	cases := map[string]struct {
		events func(*Applier) Echo
		want   Echo
	}{
		"something else was written": {
			events: func(a *Applier) Echo {
				return a.Saw(builders.MakeNetworkPolicy(namespace, "other").ResourceVersion("50").Obj())
			},
			want: NoEcho,
		},
		"what was there before":       {events: func(a *Applier) Echo { return a.Saw(policy("40").Obj()) }, want: NoEcho},
		"what somebody wrote upon it": {events: func(a *Applier) Echo { return a.Saw(policy("60").Obj()) }, want: NoEcho},
		"the first of two":            {events: func(a *Applier) Echo { return a.Saw(policy("50").Obj()) }, want: OneOfSeveral},
		"the deletion, as the first":  {events: func(a *Applier) Echo { return a.SawDeletion(role("a").Obj()) }, want: OneOfSeveral},
		"both": {
			events: func(a *Applier) Echo {
				a.Saw(policy("50").Obj())
				return a.SawDeletion(role("a").Obj())
			},
			want: LastEcho,
		},
		"another object of the name was deleted": {events: func(a *Applier) Echo { return a.SawDeletion(role("b").Obj()) }, want: NoEcho},
		"somebody has deleted what was written":  {events: func(a *Applier) Echo { return a.SawDeletion(policy("55").Obj()) }, want: NoEcho},
		"a write whose answer was lost": {
			events: func(a *Applier) Echo {
				a.expected.unsure(namespace, key{KindNetworkPolicy, "segmentation"}, "40", false)
				return a.Saw(policy("50").Obj())
			},
			want: NoEcho,
		},
		"the labels, when all else was shown": {
			events: func(a *Applier) Echo {
				a.expected.wrote(namespace, key{KindNamespace, namespace}, "70")
				a.Saw(policy("50").Obj())
				a.SawDeletion(role("a").Obj())
				labelled := builders.MakeNamespace(namespace).Obj()
				labelled.ResourceVersion = "70"
				return a.Saw(labelled)
			},
			want: LastEcho,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			a := New(&recorder{}, &recorder{})
			a.expected.wrote(namespace, key{KindNetworkPolicy, "segmentation"}, "50")
			a.expected.deleted(namespace, key{KindRole, "r"}, "a")
			if got := c.events(a); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// TestAnEchoWhileTheCacheIsRead comes after what the cache showed was read: it is not told of again, so it must not be
// waited for.
func TestAnEchoWhileTheCacheIsRead(t *testing.T) {
	a := New(&recorder{}, &recorder{})
	a.expected.wrote(namespace, key{KindNetworkPolicy, "segmentation"}, "50")
	before := see(nil).Observed
	a.Saw(builders.MakeNetworkPolicy(namespace, "segmentation").ResourceVersion("50").Obj())
	if wait := a.Outstanding(before); wait != time.Millisecond {
		t.Errorf("it is looked at again after %s", wait)
	}
}
