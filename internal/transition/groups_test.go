package transition

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestGroupsOf(t *testing.T) {
	t.Parallel()
	type pairs = map[string][]string
	tests := map[string]struct {
		pairs pairs
		want  Groups
	}{
		"no pairs":                   {nil, Groups{}},
		"nobody has paths to others": {pairs{"a": nil, "b": nil}, Groups{}},
		"a pair, whoever names it":   {pairs{"b": {"a"}}, Groups{"a": "a", "b": "a"}},
		"a pair that both name":      {pairs{"a": {"b"}, "b": {"a"}}, Groups{"a": "a", "b": "a"}},
		"a chain":                    {pairs{"d": {"c"}, "c": {"b"}, "a": {"b"}}, Groups{"a": "a", "b": "a", "c": "a", "d": "a"}},
		"a star, with the last by name in the middle": {pairs{"z": {"c", "b", "y"}}, Groups{"b": "b", "c": "b", "y": "b", "z": "b"}},
		"a ring":                     {pairs{"a": {"b"}, "b": {"c"}, "c": {"a"}}, Groups{"a": "a", "b": "a", "c": "a"}},
		"two groups, and one beside": {pairs{"a": {"d"}, "c": {"b"}, "e": nil}, Groups{"a": "a", "d": "a", "b": "b", "c": "b"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, GroupsOf(tc.pairs)); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhoIsInAGroup(t *testing.T) {
	t.Parallel()
	groups := GroupsOf(map[string][]string{"c": {"b", "a"}})
	for profile, want := range map[string]struct {
		of   string
		with []string
	}{"a": {"a", []string{"b", "c"}}, "b": {"a", []string{"a", "c"}}, "c": {"a", []string{"a", "b"}}, "d": {"d", nil}, all: {all, nil}} {
		if of, with := groups.Of(profile), groups.With(profile); of != want.of || !slices.Equal(with, want.with) {
			t.Errorf("%q: in the group of %q with %v, want %q and %v", profile, of, with, want.of, want.with)
		}
	}
	if got := Groups(nil).Of("a"); got != "a" {
		t.Errorf("without groups, a is in that of %q", got)
	}
}

// Two profiles are in one group if there is a way of pairs from the one to the other, and only then; and the group has
// the name of the first of them.
func TestGroupsAreWhatIsLinked(t *testing.T) {
	t.Parallel()
	profiles := []string{"a", "b", "c", "d", "e", "f"}
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.SampledFrom(profiles)
		pairs := rapid.MapOf(some, rapid.SliceOfN(some, 0, 2)).Draw(t, "pairs")
		// first is, for each, the first by name that can be reached, found by going on until nothing changes.
		first := map[string]string{}
		for _, p := range profiles {
			first[p] = p
		}
		for range profiles {
			for one, others := range pairs {
				for _, other := range others {
					least := min(first[one], first[other])
					first[one], first[other] = least, least
				}
			}
		}
		groups := GroupsOf(pairs)
		for _, p := range profiles {
			if got := groups.Of(p); got != first[p] {
				t.Fatalf("%s is in the group of %s, want %s", p, got, first[p])
			}
		}
	})
}

// linkedOffice is an office in which profiles a and b have paths to one another, and c has none.
func linkedOffice(t *testing.T, places map[string]Place) *office {
	t.Helper()
	o := &office{Census: NewCensus(), t: t}
	o.WakeWith(func(namespaces []string) { o.woken = append(o.woken, namespaces...) })
	o.Link(GroupsOf(map[string][]string{"a": {"b"}}))
	o.Take(1, places)
	o.woken = nil
	return o
}

func TestNamespacesWaitForThoseOfLinkedProfiles(t *testing.T) {
	t.Parallel()
	reached := func(place Place, reach Reach) Place {
		place.progress.Reached = reach
		return place
	}
	member := func(profile string, reach Reach) Place { return reached(at(profile+"/x", profile+"/x"), reach) }
	tests := map[string]struct {
		// place is of profile a; other is the same with a member of a, of b, and of c.
		place Place
		other func(profile string) Place
	}{
		"one that joins, for members that are not ready for it": {
			at("", "a/x"), func(p string) Place { return member(p, Behind) },
		},
		"one that moves, for members that go by labels of before": {
			at("a/x", "a/y"), func(p string) Place { return member(p, Switched) },
		},
		"one that moves, while others move in the other profile": {
			at("a/x", "a/y"), func(p string) Place { return reached(at(p+"/x", p+"/y"), Switched) },
		},
		"a member, while others join": {
			member("a", Settled), func(p string) Place { return at("", p+"/x") },
		},
		"a member, while others move": {
			member("a", Settled), func(p string) Place { return at(p+"/x", p+"/y") },
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			see := func(profile string) View {
				o := linkedOffice(t, map[string]Place{"one": tc.place})
				o.places["one"] = tc.place
				o.put("other", tc.other(profile))
				view, _ := o.Enter(1, "one", tc.place)
				return view
			}
			own, linked, foreign := see("a"), see("b"), see("c")
			if diff := cmp.Diff(own, linked); diff != "" {
				t.Errorf("for one of the linked profile it waits otherwise than for one of its own (-own +linked):\n%s", diff)
			}
			if foreign == own {
				t.Errorf("it waits for one of a profile that has nothing to do with it, too: %+v", foreign)
			}
		})
	}
}

// Who waits for a linked profile is woken up by it.
func TestALinkedProfileWakesUpWhoWaits(t *testing.T) {
	t.Parallel()
	for _, profile := range []string{"a", "b"} {
		t.Run("profile "+profile, func(t *testing.T) {
			t.Parallel()
			behind := at(profile+"/x", profile+"/x")
			o := linkedOffice(t, map[string]Place{"joiner": at("", "a/x"), "member": behind})
			view, _ := o.Enter(1, "joiner", at("", "a/x"))
			if view.MayRelabel {
				t.Fatal("it does not wait")
			}
			if o.Report(1, "joiner", view, Progress{Reached: Wide, Waiting: true}, epoch) {
				t.Fatal("it has to be looked at again")
			}
			o.looks("member", Progress{Reached: Settled})
			if !slices.Contains(o.woken, "joiner") {
				t.Error("it sleeps on")
			}
		})
	}
}

// Groups count from the next Take on: until then, decisions go by those of before.
func TestGroupsBeginWithATake(t *testing.T) {
	t.Parallel()
	places := map[string]Place{"joiner": at("", "a/x"), "member": at("b/x", "b/x")}
	o := open(t, places)
	o.Link(GroupsOf(map[string][]string{"a": {"b"}}))
	if view, _ := o.Enter(1, "joiner", places["joiner"]); !view.MayRelabel {
		t.Error("it waits for a profile that was not linked when places were taken")
	}
	o.Take(2, places)
	if view, _ := o.Enter(2, "joiner", places["joiner"]); view.MayRelabel {
		t.Error("it does not wait for a linked profile")
	}
}

func TestExceptionsOfLinkedProfiles(t *testing.T) {
	t.Parallel()
	mistaken := at("c/x", "c/x")
	mistaken.Mistaken = []Membership{in("b/x")}
	kept := at("b/y", "b/y")
	kept.Kept = true
	o := linkedOffice(t, map[string]Place{"mistaken": mistaken, "kept": kept})
	got := o.Exceptions("a").Others
	if len(got) != 1 || !slices.Equal(got["b"].Mistaken["x"], []string{"mistaken"}) || !slices.Equal(got["b"].Kept["y"], []string{"kept"}) {
		t.Errorf("got %+v", got)
	}
	if got := o.Exceptions("c"); got.Others != nil {
		t.Errorf("a profile that has no paths to others knows %+v of them", got.Others)
	}
}
