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
	if wait := p.wait(before, start); wait != 0 {
		t.Errorf("the first write waits %s", wait)
	}
	if !p.wrote("shop", "20", start) {
		t.Error("the first write changed nothing")
	}
	cases := map[string]struct {
		version string
		after   time.Duration
		want    time.Duration
	}{
		"too soon, though the cache shows the write": {"20", 400 * time.Millisecond, 600 * time.Millisecond},
		"late enough, and the cache shows the write": {"20", time.Second, 0},
		"late enough, but the cache is behind":       {"10", time.Second, statusInterval},
		"the cache is behind for too long":           {"10", 5 * time.Second, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			profile := before
			if c.version == "20" {
				profile = after
			}
			if wait := p.wait(profile, start.Add(c.after)); wait != c.want {
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
		if got := p.wrote(c.profile, c.version, start); got != c.want {
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
	p.wrote("shop", "20", start)
	p.forget("shop")
	if wait := p.wait(before, start); wait != 0 {
		t.Errorf("a forgotten profile waits %s", wait)
	}
}
