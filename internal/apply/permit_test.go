package apply

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

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
		result := New(r, r).While(permit, func(transition.Membership) {}).Member(t.Context(), task(shop(t)), see(nil).Observed)
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
	result := New(r, r).While(func() (func(), bool) { return func() {}, true }, func(transition.Membership) {}).Member(t.Context(), task(shop(t)), see(nil).Observed)
	if diff := cmp.Diff(everything, r.calls); diff != "" || result.Outdated {
		t.Errorf("it is outdated: %t; requests (-want +got):\n%s", result.Outdated, diff)
	}
}
