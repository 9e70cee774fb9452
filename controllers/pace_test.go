package controllers

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

func TestPace(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var p pace
	before := builders.MakeProfile("shop").ResourceVersion("10").Obj()
	after := builders.MakeProfile("shop").ResourceVersion("20").Obj()
	working := &v1alpha1.SegmentationProfileStatus{}
	if wait := p.wait(before, working, start); wait != 0 {
		t.Errorf("the first write waits %s", wait)
	}
	if !p.wrote(before, working, "20", start) {
		t.Error("the first write changed nothing")
	}
	cases := map[string]struct {
		version string
		after   time.Duration
		want    time.Duration
	}{
		"too soon, though the cache shows the write": {"20", 400 * time.Millisecond, 600 * time.Millisecond},
		"late enough, and the cache shows the write": {"20", time.Second, 0},
		"late enough, but the cache is behind":       {"10", time.Second, lookInterval},
		"the cache is behind for too long":           {"10", 5 * time.Second, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			profile := before
			if c.version == "20" {
				profile = after
			}
			if wait := max(p.behind(profile, start.Add(c.after)), p.wait(profile, working, start.Add(c.after))); wait != c.want {
				t.Errorf("waits %s, want %s", wait, c.want)
			}
		})
	}
}

// What a write changed is told by events, once.
func TestWrittenAgain(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var p pace
	for i, c := range []struct {
		profile, version string
		want             bool
	}{
		{"shop", "20", true}, {"shop", "20", false}, {"bank", "20", true}, {"shop", "30", true},
	} {
		if got := p.wrote(builders.MakeProfile(c.profile).Obj(), &v1alpha1.SegmentationProfileStatus{}, c.version, start); got != c.want {
			t.Errorf("write %d, which gave %s version %s, changed something: %t, want %t", i, c.profile, c.version, got, c.want)
		}
	}
}

func TestSettle(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	with := func(status metav1.ConditionStatus) v1alpha1.SegmentationProfileStatus {
		return v1alpha1.SegmentationProfileStatus{
			ObservedGeneration: 1,
			Conditions:         []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: status}},
		}
	}
	ready, working, failing := with(metav1.ConditionTrue), with(metav1.ConditionUnknown), with(metav1.ConditionFalse)
	wasReady := builders.MakeProfile("shop").Generation(1).Status(ready).Obj()
	changed := builders.MakeProfile("shop").Generation(2).Status(ready).Obj()
	var p pace
	steps := []struct {
		when    string
		profile *v1alpha1.SegmentationProfile
		want    v1alpha1.SegmentationProfileStatus
		after   time.Duration
		wait    time.Duration
	}{
		{"work has just come up", wasReady, working, 0, time.Second},
		{"it is not done yet", wasReady, working, 300 * time.Millisecond, 700 * time.Millisecond},
		{"it takes long enough to be told of", wasReady, working, time.Second, 0},
		{"it is done", wasReady, ready, 2 * time.Second, 0},
		{"other work has come up", wasReady, working, 3 * time.Second, time.Second},
		{"something failed, which is told at once", wasReady, failing, 3 * time.Second, 0},
		{"the spec changed, which is told at once", changed, working, 4 * time.Second, 0},
	}
	for _, s := range steps {
		if wait := p.settle(s.profile, &s.want, start.Add(s.after)); wait != s.wait {
			t.Errorf("%s: waits %s, want %s", s.when, wait, s.wait)
		}
	}
}

func TestForgottenProfile(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	before := builders.MakeProfile("shop").Obj()
	var p pace
	working := &v1alpha1.SegmentationProfileStatus{}
	p.wrote(before, working, "20", start)
	p.looked("shop", start, start)
	p.forget("shop")
	if wait := p.wait(before, working, start) + p.look("shop", start); wait != 0 {
		t.Errorf("a forgotten profile waits %s", wait)
	}
}

// That all is done is told at once, though not more often than once in an interval.
func TestDoneIsToldAtOnce(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	done := v1alpha1.SegmentationProfileStatus{
		ObservedGeneration: 1,
		Conditions:         []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue}},
	}
	working := builders.MakeProfile("shop").Generation(1).ResourceVersion("20").Obj()
	var p pace
	p.wrote(working, &v1alpha1.SegmentationProfileStatus{}, "20", start)
	if wait := p.wait(working, &done, start.Add(100*time.Millisecond)); wait != 0 {
		t.Errorf("the news that all is done waits %s", wait)
	}
	if wait := p.behind(builders.MakeProfile("shop").Generation(1).ResourceVersion("10").Obj(), start); wait != lookInterval {
		t.Errorf("a cache that is behind is waited for %s", wait)
	}
	p.wrote(working, &done, "30", start.Add(100*time.Millisecond))
	again := builders.MakeProfile("shop").Generation(1).ResourceVersion("30").Obj()
	if wait := p.wait(again, &done, start.Add(300*time.Millisecond)); wait != 800*time.Millisecond {
		t.Errorf("told twice in an interval, the second time waits %s", wait)
	}
	next := builders.MakeProfile("shop").Generation(2).ResourceVersion("30").Obj()
	done.ObservedGeneration = 2
	if wait := p.wait(next, &done, start.Add(300*time.Millisecond)); wait != 0 {
		t.Errorf("the news of the next generation waits %s", wait)
	}
}

// Looking at all namespaces takes a small part of the time, however many there are.
func TestLooksTakeTheirShare(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct{ took, want time.Duration }{
		"a short look":    {time.Microsecond, lookInterval},
		"a longer one":    {10 * time.Millisecond, 200 * time.Millisecond},
		"a very long one": {time.Minute, statusInterval},
	} {
		t.Run(name, func(t *testing.T) {
			var p pace
			if wait := p.look("shop", start); wait != 0 {
				t.Errorf("the first look waits %s", wait)
			}
			p.looked("shop", start, start.Add(c.took))
			if wait := p.look("shop", start.Add(c.took)); wait != c.want {
				t.Errorf("the next look waits %s, want %s", wait, c.want)
			}
		})
	}
}

// What comes to be found and ceases to be again and again is not told of each time.
func TestFindingsAreToldOfNowAndThen(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var p pace
	for _, step := range []struct {
		profile, reason string
		after           time.Duration
		want            bool
	}{
		{"shop", v1alpha1.ReasonServiceMissing, 0, true},
		{"shop", v1alpha1.ReasonServiceMissing, time.Second, false},
		{"shop", v1alpha1.ReasonServiceWithoutPods, time.Second, true},
		{"other", v1alpha1.ReasonServiceMissing, time.Second, true},
		{"shop", v1alpha1.ReasonServiceMissing, tellInterval, true},
		{"shop", v1alpha1.ReasonServiceMissing, tellInterval + time.Second, false},
	} {
		if got := p.mayTell(step.profile, step.reason, start.Add(step.after)); got != step.want {
			t.Errorf("%s of %s after %s: %v", step.reason, step.profile, step.after, got)
		}
	}
	p.forget("shop")
	if !p.mayTell("shop", v1alpha1.ReasonServiceMissing, start.Add(tellInterval+time.Second)) {
		t.Error("a profile of the same name is not told of")
	}
}
