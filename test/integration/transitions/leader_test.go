package transitions

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// TestTakeover kills the leader of two replicas in the middle of a transition. The other one
// waits for the lease to run out, and then finishes the work.
func TestTakeover(t *testing.T) {
	tell(t, "takeover", func(s *scene) {
		first, second := state{members: shopOf("012", "345", "67")}, state{members: shopOf("3458", "01", "29")}
		standby := s.replica("standby", env.account)
		s.Expect(s.operator.Start()).To(Succeed())
		s.last = s.settle(state{})
		s.once("a profile is created, by a leader that is alone", first,
			func() { s.create(s.shop("012", "345", "67")) }, func(state) int { return 0 })
		s.Expect(standby.Start()).To(Succeed())
		leader, other := s.operator, standby
		s.hit(way{
			name: "the leader is killed while namespaces change tiers, join and leave", profile: "shop", from: first, to: second,
			change: s.selects("3458", "01", "29"),
		}, 1, func(want state) int {
			s.firstWrite(s.last)
			leader.Kill()
			killed, revision := time.Now(), s.mark()
			working := s.differs(s.ctx(), want) != nil
			if working {
				s.counts[kills]++
				took := s.firstWrite(revision).seen.Sub(killed)
				s.counts[takeoverTime] = max(s.counts[takeoverTime], int(took.Milliseconds()))
			}
			leader, other = other, leader
			s.Expect(other.Start()).To(Succeed())
			if working {
				return 1
			}
			return 0
		})
	})
}
