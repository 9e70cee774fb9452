package transition

import (
	"testing"
	"time"
)

// TestWhatIsThrottledIsWaitedFor however long it lasts: it is neither stuck nor failing, and does not give up
// waiting for others by it. What was known of failures before stays as it was.
func TestWhatIsThrottledIsWaitedFor(t *testing.T) {
	const step = 50 * time.Second
	failing, throttled := Progress{Failing: true}, Progress{Throttled: true, Waiting: true}
	waiting := Progress{Waiting: true}
	cases := map[string]struct {
		looks                   []Progress
		stuck, forLong, overdue bool
	}{
		"throttled all the time":                          {looks: []Progress{throttled, throttled, throttled, throttled, throttled, throttled, throttled, throttled}},
		"failing for as long":                             {looks: []Progress{failing, failing, failing}, stuck: true, forLong: true},
		"failing once, and then throttled":                {looks: []Progress{failing, throttled, throttled}},
		"failing for long, and then throttled":            {looks: []Progress{failing, failing, failing, throttled}, stuck: true, forLong: true},
		"failing again after that":                        {looks: []Progress{failing, throttled, throttled, failing}, stuck: true, forLong: true},
		"waiting for others while they have room":         {looks: []Progress{waiting, waiting, waiting, waiting, waiting, waiting, waiting}, overdue: true},
		"waiting, and then throttled":                     {looks: []Progress{waiting, waiting, waiting, throttled, throttled, throttled, throttled}},
		"it waits anew after that":                        {looks: []Progress{waiting, waiting, waiting, throttled, waiting, waiting, waiting, waiting}},
		"one that has given up waiting, and is throttled": {looks: []Progress{waiting, waiting, waiting, waiting, waiting, waiting, waiting, throttled}, overdue: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var p Progress
			now := time.Unix(1000, 0)
			for _, look := range c.looks {
				p = look.since(&p, now)
				now = now.Add(step)
			}
			if p.Stuck != c.stuck || p.forLong != c.forLong || p.overdue != c.overdue {
				t.Errorf("stuck %t, failing for long %t, overdue %t", p.Stuck, p.forLong, p.overdue)
			}
		})
	}
}
