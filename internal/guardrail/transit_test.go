package guardrail_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/segmentation-dev/segmentation-operator/internal/guardrail"
)

// TestTransit tells which namespaces are exempt, look by look.
func TestTransit(t *testing.T) {
	type look struct {
		at       int
		changing map[string][]string
		serial   int64
		exempt   map[string][]string
		waits    bool
	}
	shop, both := []string{"shop"}, []string{"shop", "wiki"}
	cases := map[string][]look{
		"one moves": {
			{0, map[string][]string{"a": shop}, 1, map[string][]string{"shop": {"a"}}, true},
			{1, nil, 1, map[string][]string{}, false},
		},
		"one that has moved is exempt until those have that were about to": {
			{0, map[string][]string{"a": both, "b": shop}, 1, map[string][]string{"shop": {"a", "b"}, "wiki": {"a"}}, true},
			{1, map[string][]string{"b": shop}, 1, map[string][]string{"shop": {"a", "b"}, "wiki": {"a"}}, true},
			{2, map[string][]string{"b": shop, "c": shop}, 1, map[string][]string{"shop": {"a", "b", "c"}, "wiki": {"a"}}, true},
			{3, map[string][]string{"c": shop}, 1, map[string][]string{"shop": {"b", "c"}}, false},
			{4, nil, 1, map[string][]string{}, false},
		},
		"nobody waits for one that does not get its labels": {
			{0, map[string][]string{"a": shop, "b": shop}, 1, map[string][]string{"shop": {"a", "b"}}, true},
			{1, map[string][]string{"a": shop}, 1, map[string][]string{"shop": {"a", "b"}}, true},
			{100, map[string][]string{"a": shop}, 1, map[string][]string{"shop": {"a"}}, false},
		},
		"what was about to change before the profiles did is waited for, too": {
			{0, map[string][]string{"a": shop}, 1, map[string][]string{"shop": {"a"}}, true},
			{1, map[string][]string{"a": shop}, 2, map[string][]string{"shop": {"a"}}, true},
			{2, map[string][]string{"b": shop}, 2, map[string][]string{"shop": {"a", "b"}}, false}, // Which was first is not known.
			{3, nil, 2, map[string][]string{}, false},
		},
		"one that changes again": {
			{0, map[string][]string{"a": {"wiki"}, "b": shop}, 1, map[string][]string{"shop": {"b"}, "wiki": {"a"}}, true},
			{1, map[string][]string{"b": shop}, 1, map[string][]string{"shop": {"b"}, "wiki": {"a"}}, true},
			{2, map[string][]string{"a": shop, "b": shop}, 1, map[string][]string{"shop": {"a", "b"}, "wiki": {"a"}}, true},
		},
	}
	for name, looks := range cases {
		t.Run(name, func(t *testing.T) {
			transit := guardrail.Transit{Patience: time.Minute}
			for i, l := range looks {
				exempt, waits := transit.Update(l.changing, nil, l.serial, time.Unix(0, 0).Add(time.Duration(l.at)*time.Second))
				if diff := cmp.Diff(l.exempt, exempt); diff != "" || waits != l.waits {
					t.Errorf("look %d: waits %t, want %t; exempt (-want +got):\n%s", i, waits, l.waits, diff)
				}
			}
			if got := transit.IsEmpty(); got != (len(looks[len(looks)-1].exempt) == 0) {
				t.Errorf("that nothing is left is %t", got)
			}
		})
	}
}

// TestWhoWasExemptStaysSoAcrossARestart has another operator go on where one has ended.
func TestWhoWasExemptStaysSoAcrossARestart(t *testing.T) {
	c := newCluster(t)
	shop := compiled(t, profileOf("web", "api"))
	c.settle(guardrail.UsualBand(), guardOf(shop))
	c.settle(guardrail.UsualBand(), guardOf(shop, "a", "b"))
	wiki := profileOf("pages")
	wiki.Name = "wiki"
	c.settle(guardrail.UsualBand(), guardOf(shop, "a", "b"), guardOf(compiled(t, wiki), "a"))
	c.settle(guardrail.UsualBand(), guardOf(shop, "a", "b"), guardOf(compiled(t, wiki), "a"))
	transit := guardrail.Transit{Patience: time.Minute}
	exempt, _ := transit.Update(map[string][]string{"b": {"shop"}}, c.list(), 1, time.Unix(0, 0))
	if diff := cmp.Diff(map[string][]string{"shop": {"a", "b"}, "wiki": {"a"}}, exempt); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestWhoLeavesAProfileThatIsKeptIsExempt has guardrails that stay as they are let go of members all the same.
func TestWhoLeavesAProfileThatIsKeptIsExempt(t *testing.T) {
	c := newCluster(t)
	c.settle(guardrail.UsualBand(), guardOf(compiled(t, profileOf("web"))))
	before := len(c.objects)
	for _, exempt := range [][]string{{"a", "b"}, {"b"}, nil} {
		in := &guardrail.Input{Observed: c.list(), Kept: map[string]bool{"shop": true}, Exempt: map[string][]string{"shop": exempt}, Band: guardrail.UsualBand()}
		all, _ := guardrail.Final(in)
		for _, o := range all {
			c.objects[o.Name] = o
		}
		deny := c.objects[guardrail.DenyName("shop")]
		for _, name := range []string{"a", "b"} {
			if guardrail.Holds(deny, name) == slices.Contains(exempt, name) {
				t.Errorf("with %v exempt, that %s is held is %t", exempt, name, guardrail.Holds(deny, name))
			}
		}
		if len(all) != before {
			t.Errorf("%d objects, want %d", len(all), before)
		}
	}
}
