package apply

import (
	"testing"
	"time"

	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

func TestOutstanding(t *testing.T) {
	objects := shop(t)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := start
	a := New(&recorder{}, &recorder{})
	a.expected.clock = func() time.Time { return clock }
	before := see(nil).Observed

	waits := func(when string, observed *Observed, want bool) {
		t.Helper()
		if got := a.Outstanding(observed) > 0; got != want {
			t.Errorf("%s: waits for the cache: %t, want %t", when, got, want)
		}
	}
	waits("before anything was written", before, false)
	a.Member(t.Context(), task(objects), before)
	waits("right after the writes", before, true)

	behind := see(member).holding(objects)
	behind.Namespace.ResourceVersion = "500"
	waits("with versions older than the written ones", behind.Observed, true)

	caughtUp := see(member).holding(objects)
	caughtUp.Namespace.ResourceVersion = "500"
	for _, obj := range caughtUp.objects() {
		obj.SetResourceVersion("500")
	}
	waits("with later versions", caughtUp.Observed, false)
	waits("once more, when all was seen", before, false)

	a.Member(t.Context(), task(objects), before)
	clock = start.Add(patience)
	waits("after the time that a cache may take", before, false)

	a.Member(t.Context(), task(objects), before)
	a.Forget(namespace)
	waits("after the namespace was deleted", before, false)
}

func TestSawDeletion(t *testing.T) {
	policy := func(version string) *Observed {
		return see(nil).but(func(o *Observed) {
			o.Policies = append(o.Policies, *builders.MakeNetworkPolicy(namespace, "segmentation").UID("a").ResourceVersion(version).Obj())
		})
	}
	a := New(&recorder{}, &recorder{})
	a.expected.wrote(namespace, key{KindNetworkPolicy, "segmentation"}, "50")

	a.SawDeletion(&policy("40").Policies[0])
	if a.Outstanding(see(nil).Observed) == 0 {
		t.Error("the deletion of an earlier object is taken for that of the one that was written")
	}
	a.SawDeletion(&policy("60").Policies[0])
	if a.Outstanding(see(nil).Observed) != 0 {
		t.Error("the object that was written is waited for although it was seen deleted")
	}

	a.expected.deleted(namespace, key{KindNetworkPolicy, "segmentation"}, "a")
	if a.Outstanding(policy("50")) == 0 {
		t.Error("the cache still shows the deleted object, and is taken to be current")
	}
	if a.Outstanding(see(nil).Observed) != 0 {
		t.Error("the cache no longer shows the deleted object, and is taken to be behind")
	}
}

// TestAWriteWithoutAnAnswer may have been made or not. The namespace is looked at again once the cache shows
// it, or has had the time to.
func TestAWriteWithoutAnAnswer(t *testing.T) {
	base := key{KindNetworkPolicy, "segmentation"}
	with := func(version string) *Observed {
		return see(nil).but(func(o *Observed) {
			if version != "" {
				o.Policies = append(o.Policies, *builders.MakeNetworkPolicy(namespace, "segmentation").UID("a").ResourceVersion(version).Obj())
			}
		})
	}
	for name, c := range map[string]struct{ before, made string }{
		"of a creation": {before: "", made: "50"},
		"of a change":   {before: "40", made: "50"},
		"of a deletion": {before: "40", made: ""},
	} {
		t.Run(name, func(t *testing.T) {
			clock := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			a := New(&recorder{}, &recorder{}).Timed(func() time.Time { return clock }, nil)
			a.expected.unsure(namespace, base, c.before, false)
			if a.Outstanding(with(c.before)) == 0 {
				t.Error("the cache shows what it showed before, and that is taken for what there is")
			}
			if a.Outstanding(with(c.made)) != 0 {
				t.Error("the cache shows that it was made, and is taken to be behind")
			}
			a.expected.wrote(namespace, key{KindRole, "x"}, "1")
			for _, wait := range []time.Duration{settling, 2 * settling, 4 * settling} {
				a.expected.unsure(namespace, base, c.before, false)
				clock = clock.Add(wait - 1)
				if a.Outstanding(with(c.before)) == 0 {
					t.Errorf("it is not known whether it was made, and is not waited for after %s", wait)
				}
				clock = clock.Add(patience)
				if a.Outstanding(with(c.before)) != 0 {
					t.Error("it was not made, and is waited for")
				}
			}
		})
	}
	a := New(&recorder{}, &recorder{})
	a.expected.unsure(namespace, base, "50", true)
	if a.Outstanding(with("")) == 0 || a.Outstanding(with("50")) == 0 {
		t.Error("the cache does not show what was created before, or nothing beyond that, and is taken to be current")
	}
	a.expected.unsure(namespace, base, "", false)
	a.SawDeletion(&with("50").Policies[0])
	if a.Outstanding(with("")) != 0 {
		t.Error("it was made, and somebody else has deleted what was written; it is waited for")
	}
}
