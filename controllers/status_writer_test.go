package controllers

import (
	"testing"
	"time"

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
	p.wrote("shop", "20", start)
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
	p.forget("shop")
	if wait := p.wait(before, start); wait != 0 {
		t.Errorf("a forgotten profile waits %s", wait)
	}
}
