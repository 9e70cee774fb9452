package backpressure

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// throttled is the answer of an API server without room.
func throttled(seconds int) error {
	return fmt.Errorf("applying: %w", apierrors.NewTooManyRequests("Too many requests, please try again later.", seconds))
}

func TestIsThrottled(t *testing.T) {
	cases := map[string]struct {
		err  error
		want bool
	}{
		"nothing went wrong":                 {},
		"priority and fairness":              {err: throttled(1), want: true},
		"one that does not say when to come": {err: throttled(0), want: true},
		"a webhook that answers so":          {err: apierrors.NewTooManyRequests(`admission webhook "x.y" denied the request: later`, 1)},
		"another refusal":                    {err: apierrors.NewForbidden(schema.GroupResource{}, "x", errors.New("no"))},
		"no connection":                      {err: errors.New("connection reset by peer")},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := IsThrottled(c.err); got != c.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

// TestAPauseGrows from what the API server asks for, up to half a minute more.
func TestAPauseGrows(t *testing.T) {
	cases := map[string]struct {
		asked int
		draws func(time.Duration) time.Duration
		want  []time.Duration
	}{
		"the shortest": {
			asked: 1, draws: func(time.Duration) time.Duration { return 0 },
			want: []time.Duration{1, 1, 1, 1, 1, 1, 1},
		},
		"the longest": {
			asked: 1, draws: func(below time.Duration) time.Duration { return below },
			want: []time.Duration{2, 3, 5, 9, 17, 31, 31},
		},
		"never less than asked for": {
			asked: 32, draws: func(below time.Duration) time.Duration { return below },
			want: []time.Duration{33, 34, 36, 40, 48, 62, 62},
		},
		"a second if nothing is asked for": {
			draws: func(time.Duration) time.Duration { return 0 }, want: []time.Duration{1},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			now := time.Unix(0, 0)
			p := Pauses{Clock: func() time.Time { return now }, Jitter: c.draws}
			got := make([]time.Duration, 0, len(c.want))
			for range c.want {
				p.Note("one", throttled(c.asked))
				got = append(got, p.Left("one")/time.Second)
				now = now.Add(p.Left("one"))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("seconds (-want +got):\n%s", diff)
			}
			if left := p.Left("one"); left != 0 {
				t.Errorf("after the pause %s are left", left)
			}
		})
	}
}

func TestAPauseEnds(t *testing.T) {
	cases := map[string]func(*Pauses){
		"with a write that is made":      func(p *Pauses) { p.Note("one", nil) },
		"with one that fails otherwise":  func(p *Pauses) { p.Note("one", errors.New("boom")) },
		"with what it was remembered of": func(p *Pauses) { p.Forget("one") },
	}
	for name, end := range cases {
		t.Run(name, func(t *testing.T) {
			now := time.Unix(0, 0)
			p := Pauses{Clock: func() time.Time { return now }, Jitter: func(below time.Duration) time.Duration { return below }}
			for range 3 {
				p.Note("one", throttled(1))
			}
			if p.Left("two") != 0 {
				t.Error("another one pauses, too")
			}
			end(&p)
			if left := p.Left("one"); left != 0 {
				t.Errorf("%s are left", left)
			}
			p.Note("one", throttled(1))
			if left := p.Left("one"); left != 2*time.Second {
				t.Errorf("the next pause is %s, want it to begin anew", left)
			}
		})
	}
}

// TestTheZeroValue draws and tells the time by itself.
func TestTheZeroValue(t *testing.T) {
	var p Pauses
	p.Forget("one")
	if p.Left("one") != 0 {
		t.Error("somebody pauses")
	}
	p.Note("one", throttled(2))
	if left := p.Left("one"); left <= time.Second || left > 3*time.Second {
		t.Errorf("%s are left", left)
	}
}
