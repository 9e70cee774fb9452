package apply

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
)

// TestAPassThatIsOutOfDate may make some writes, and then none, whatever is permitted afterwards.
func TestAPassThatIsOutOfDate(t *testing.T) {
	for permitted := range everything {
		asked, ended := 0, 0
		permit := func() (func(), bool) {
			asked++
			return func() { ended++ }, asked != permitted+1
		}
		r := &recorder{}
		result := New(r, r).While(permit, func(transition.Membership, bool) {}).Member(t.Context(), task(shop(t)), see(nil).Observed)
		if diff := cmp.Diff(everything[:permitted], r.calls, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("after %d writes, requests (-want +got):\n%s", permitted, diff)
		}
		if !result.Outdated || result.Writes != permitted || ended != permitted {
			t.Errorf("after %d writes, it is outdated: %t; %d writes, of which %d have ended", permitted, result.Outdated, result.Writes, ended)
		}
	}
}

func TestAPassThatIsPermitted(t *testing.T) {
	r := &recorder{}
	result := New(r, r).While(func() (func(), bool) { return func() {}, true }, func(transition.Membership, bool) {}).Member(t.Context(), task(shop(t)), see(nil).Observed)
	if diff := cmp.Diff(everything, r.calls); diff != "" || result.Outdated {
		t.Errorf("it is outdated: %t; requests (-want +got):\n%s", result.Outdated, diff)
	}
}

// TestAWriteWithoutAnAnswerIsUnderWay until the cache has had the time to show it.
func TestAWriteWithoutAnAnswerIsUnderWay(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		ended int
	}{
		"no connection":       {errors.New("connection reset by peer"), 0},
		"a server that fails": {apierrors.NewInternalError(errors.New("etcdserver: request timed out")), 0},
		"a server that is not there": {
			&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, 1,
		},
		"a refusal":  {forbidden(errors.New("not on a Friday")), 1},
		"a conflict": {apierrors.NewConflict(schema.GroupResource{}, "segmentation", errors.New("changed")), 1},
	} {
		t.Run(name, func(t *testing.T) {
			ended := 0
			var later []func()
			permit := func() (func(), bool) { return func() { ended++ }, true }
			r := &recorder{errs: map[string]error{network[0]: c.err}}
			applier := New(r, r).Timed(time.Now, func(_ time.Duration, do func()) { later = append(later, do) })
			applier.While(permit, func(transition.Membership, bool) {}).Member(t.Context(), task(shop(t)), see(nil).Observed)
			if diff := cmp.Diff(network[:1], r.calls); diff != "" {
				t.Fatalf("requests (-want +got):\n%s", diff)
			}
			if ended != c.ended {
				t.Errorf("%d writes have ended, want %d", ended, c.ended)
			}
			if waits := applier.Outstanding(see(nil).Observed) > 0; waits != (c.ended == 0) {
				t.Errorf("the namespace waits for the cache: %t", waits)
			}
			for _, do := range later {
				do()
			}
			if ended != 1 {
				t.Errorf("after a while %d writes have ended, want 1", ended)
			}
		})
	}
}

// TestLabelsAreToldOfBeforeTheirWriteEnds, so that nobody takes profiles anew without them.
func TestLabelsAreToldOfBeforeTheirWriteEnds(t *testing.T) {
	var happened []string
	permit := func() (func(), bool) { return func() { happened = append(happened, "end") }, true }
	labelled := func(m transition.Membership, _ bool) { happened = append(happened, m.Profile+"/"+m.Tier) }
	r := &recorder{}
	applier := New(r, r).While(permit, labelled)
	applier.Member(t.Context(), task(shop(t)), see(nil).holding(shop(t)).Observed)
	applier.Release(t.Context(), alone(transition.Leaving), see(member).holding(render.Objects{Policies: shop(t).Policies[:1]}).Observed)
	if diff := cmp.Diff([]string{"shop/web", "end", "/", "end", "end"}, happened); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
