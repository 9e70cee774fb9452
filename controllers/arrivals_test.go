package controllers

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestArrivals tells stories of one namespace, and says what was observed of it, in seconds.
func TestArrivals(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	open, isolated := standing{isClaimed: true}, standing{isClaimed: true, isIsolated: true}
	member, unclaimed := standing{isClaimed: true, isIsolated: true, isMember: true}, standing{}
	const taken = -100 // Profiles were taken long before the story begins.
	type times struct{ Isolation, Joining []float64 }
	cases := map[string]struct {
		story func(a *arrivals)
		want  times
		left  int
	}{
		"a new namespace is isolated and becomes a member in one pass": {
			story: func(a *arrivals) {
				a.saw("a", at(0))
				a.begin("a", open, false, at(taken))
				a.end("a", member, at(2))
			},
			want: times{[]float64{2}, []float64{2}},
		},
		"it waits for others before it becomes a member": {
			story: func(a *arrivals) {
				a.saw("a", at(0))
				a.begin("a", open, false, at(taken))
				a.end("a", isolated, at(2))
				a.begin("a", isolated, true, at(taken))
				a.end("a", isolated, at(3))
				a.begin("a", isolated, true, at(taken))
				a.end("a", member, at(7))
			},
			want: times{[]float64{2}, []float64{7}},
		},
		"a write fails, and some policies are there when it is tried again": {
			story: func(a *arrivals) {
				a.saw("a", at(0))
				a.begin("a", open, false, at(taken))
				a.end("a", open, at(1))
				a.begin("a", isolated, true, at(taken))
				a.end("a", member, at(9))
			},
			want: times{[]float64{9}, []float64{9}},
		},
		"its labels change while it waits, which is no new beginning": {
			story: func(a *arrivals) {
				a.saw("a", at(0))
				a.begin("a", open, false, at(taken))
				a.end("a", open, at(1))
				a.saw("a", at(5))
				a.begin("a", open, true, at(taken))
				a.end("a", member, at(6))
			},
			want: times{[]float64{6}, []float64{6}},
		},
		"a profile that is new claims a namespace that was there before": {
			story: func(a *arrivals) {
				a.saw("a", at(-50))
				a.begin("a", unclaimed, false, at(taken))
				a.end("a", standing{}, at(-50))
				a.begin("a", open, false, at(1))
				a.end("a", member, at(4))
			},
			want: times{[]float64{3}, []float64{3}},
		},
		"a member whose policies were deleted has not arrived": {
			story: func(a *arrivals) {
				a.begin("a", open, true, at(taken))
				a.end("a", member, at(1))
			},
		},
		"after a restart it is a member already": {
			story: func(a *arrivals) {
				a.saw("a", at(0))
				a.begin("a", isolated, false, at(0))
				a.end("a", member, at(1))
			},
		},
		"it is claimed no more while it waits": {
			story: func(a *arrivals) {
				a.saw("a", at(0))
				a.begin("a", open, false, at(taken))
				a.end("a", open, at(1))
				a.begin("a", unclaimed, true, at(taken))
				a.end("a", standing{}, at(1))
			},
		},
		"it is deleted while it waits": {
			story: func(a *arrivals) {
				a.saw("a", at(0))
				a.begin("a", open, false, at(taken))
				a.forget("a")
			},
		},
		"it still waits": {
			story: func(a *arrivals) {
				a.saw("a", at(0))
				a.begin("a", open, false, at(taken))
				a.end("a", open, at(1))
			},
			left: 1,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var a arrivals
			isolations, joinings := observed(t, isolation), observed(t, joining)
			c.story(&a)
			var got times
			if after := observed(t, isolation); after.GetSampleCount() > isolations.GetSampleCount() {
				got.Isolation = []float64{after.GetSampleSum() - isolations.GetSampleSum()}
			}
			if after := observed(t, joining); after.GetSampleCount() > joinings.GetSampleCount() {
				got.Joining = []float64{after.GetSampleSum() - joinings.GetSampleSum()}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("observed (-want +got):\n%s", diff)
			}
			if len(a.since) != c.left {
				t.Errorf("remembered: %v", a.since)
			}
		})
	}
}
