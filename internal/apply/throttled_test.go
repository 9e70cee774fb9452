package apply

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/internal/status"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// TestAPassThatIsThrottled at any of its writes makes no other, is no failure, and goes on when it may.
func TestAPassThatIsThrottled(t *testing.T) {
	for at, call := range everything[:2] {
		t.Run(call, func(t *testing.T) {
			now := time.Unix(0, 0)
			ended := 0
			permit := func() (func(), bool) { return func() { ended++ }, true }
			r := &recorder{errs: map[string]error{call: apierrors.NewTooManyRequests("wait", 7)}}
			applier := New(r, r).Timed(func() time.Time { return now }, nil)
			pass := func() Result {
				return applier.While(permit, func(transition.Membership, bool) {}).Member(t.Context(), task(shop(t)), see(nil).Observed)
			}
			result := pass()
			if diff := cmp.Diff(everything[:at+1], r.calls); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if ended != at+1 {
				t.Errorf("%d of %d writes have ended", ended, at+1)
			}
			expectQuiet(t, &result)
			if result.Paused < 7*time.Second || result.Paused > 8*time.Second {
				t.Errorf("it comes back after %s", result.Paused)
			}

			now = now.Add(6 * time.Second)
			if result = pass(); len(r.calls) != at+1 || result.Writes != 0 {
				t.Errorf("before that, %d writes were made", len(r.calls)-at-1)
			}
			expectQuiet(t, &result)

			now, r.errs, r.calls = now.Add(2*time.Second), nil, nil
			if result = pass(); result.Paused != 0 || result.Progress.Throttled {
				t.Errorf("once there is room, it pauses for %s", result.Paused)
			}
			if diff := cmp.Diff(everything, r.calls); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

// expectQuiet insists that nobody reads of a failure, or has to wait for the cache.
func expectQuiet(t *testing.T, result *Result) {
	t.Helper()
	if result.State() != status.Written || result.Err() != nil || result.Refused() || len(result.Problems()) > 0 {
		t.Errorf("state %s, error %v, problems %v", result.State(), result.Err(), result.Problems())
	}
	want := transition.Progress{Throttled: true}
	ignore := cmpopts.IgnoreFields(transition.Progress{}, "Reached", "Exact", "Waiting")
	if diff := cmp.Diff(want, result.Progress, ignore, unexported); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
}

// TestWhatComesAfterAThrottledWrite is not done: nothing is removed or closed, and no labels are written or taken.
func TestWhatComesAfterAThrottledWrite(t *testing.T) {
	leftOver := builders.MakeNetworkPolicy(namespace, "segmentation-old-egress").Managed().UID("old").ResourceVersion("3").Obj()
	oldRole := builders.MakeRBACRole(namespace, "segmentation-old").Managed().UID("old").ResourceVersion("3").Obj()
	busy := apierrors.NewTooManyRequests("wait", 1)
	cases := map[string]memberCase{
		"a newcomer": {
			observed: func(render.Objects) *Observed { return see(nil).Observed },
			errs:     map[string]error{network[2]: busy}, want: network,
		},
		"a policy that is left over": {
			observed: func(o render.Objects) *Observed {
				return see(member).holding(o).but(func(s *Observed) { s.Policies = append(s.Policies[:1], *leftOver) })
			},
			errs: map[string]error{network[1]: busy}, want: network[1:2],
		},
		"a member without its base policy": {
			observed: func(render.Objects) *Observed { return see(member).Observed },
			errs:     map[string]error{network[0]: busy}, want: network[:1],
		},
		"a member that is due to have other labels, and keeps those that it has": {
			observed: func(o render.Objects) *Observed {
				return see(map[string]string{"segmentation.dev/profile": "shop", "segmentation.dev/tier": "api"}).holding(o).but(func(s *Observed) {
					s.Policies = s.Policies[:1]
					s.Policies[0].Labels = map[string]string{
						"app.kubernetes.io/managed-by": "segmentation-operator", "segmentation.dev/profile": "shop", "segmentation.dev/tier": "api",
					}
				})
			},
			view: func(v *transition.View) { v.Role = transition.Member },
			errs: map[string]error{network[1]: busy}, want: network[1:2],
		},
		"a Role that is left over": {
			observed: func(o render.Objects) *Observed {
				return see(member).holding(o).but(func(s *Observed) { s.Bindings, s.Roles = nil, append(s.Roles, *oldRole) })
			},
			errs: map[string]error{access[1]: busy}, want: access[1:],
		},
		"labels": {
			observed: func(o render.Objects) *Observed { return see(nil).holding(o).Observed },
			errs:     map[string]error{labelling: busy}, want: []string{labelling},
		},
	}
	for name, c := range cases {
		c.state = status.Written
		t.Run(name, c.run)
	}
}
