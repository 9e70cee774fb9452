package transitions

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/segmentation-dev/segmentation-operator/test/faults"
)

const (
	// absence is how long the operator does not reach the API server: longer than it waits for
	// the echo of a write.
	absence = 6 * time.Second
	// lag is how long it hears nothing of what has been written, once it reaches it again.
	lag = time.Second
	// refusing is how long an API server refuses writes after its start.
	refusing = 500 * time.Millisecond
	// soonest is the number of writes after which the API server goes away at the latest.
	soonest = 25
)

// TestLag lets the API server go away in the middle of a transition, and when it is back, its
// watches say nothing for a while. What the operator acts upon is then older than what it wrote.
func TestLag(t *testing.T) {
	tell(t, "lag", func(s *scene) {
		proxy, err := faults.Start(env.cluster.AdminConfig(), faults.Rate(0), faults.Seed(s.random.Uint64()))
		s.Expect(err).NotTo(HaveOccurred())
		s.t.Cleanup(func() { _ = proxy.Close() })
		s.operator = s.replica("behind-proxy", proxy.Config(env.account))
		first, second := state{members: shopOf("3456", "01", "28")}, state{members: shopOf("127", "589", "30")}
		third := state{members: shopOf("3459", "06", "18")}

		s.begin()
		s.once("a profile is created", first, func() { s.create(s.shop("3456", "01", "28")) }, func(state) int { return 0 })
		s.hit(way{
			name: "namespaces move around, join and leave, and the API server goes away", profile: "shop", from: first, to: second,
			change: s.selects("127", "589", "30"),
		}, 1, s.away(proxy))
		s.hit(way{
			name: "they move again, and an API server that has just started refuses writes", profile: "shop", from: second, to: third,
			change: s.selects("3459", "06", "18"),
		}, 2, s.refused(proxy))
	})
}

// away lets the API server go away after some writes, and be back without watches.
func (s *scene) away(proxy *faults.Proxy) strike {
	return func(want state) int {
		s.afterSomeWrites()
		proxy.Away(true)
		proxy.Silence(true)
		wait(absence)
		working := s.differs(s.ctx(), want) != nil
		proxy.Away(false)
		wait(lag)
		proxy.Silence(false)
		if working {
			return 1
		}
		return 0
	}
}

// refused lets the API server refuse all writes for a while.
func (s *scene) refused(proxy *faults.Proxy) strike {
	return func(want state) int {
		s.afterSomeWrites()
		proxy.Refuse(true)
		wait(refusing)
		working := s.differs(s.ctx(), want) != nil
		proxy.Refuse(false)
		if working {
			return 1
		}
		return 0
	}
}

// afterSomeWrites waits for the operator to be in the middle of its work.
func (s *scene) afterSomeWrites() {
	s.t.Helper()
	after := 1 + s.random.IntN(soonest)
	s.Eventually(func() int { return len(s.writes(s.last)) }, soon, "1ms").Should(BeNumerically(">=", after))
	s.t.Logf("struck after %d writes", len(s.writes(s.last)))
}

// wait waits. That nothing happens for so long is the point.
func wait(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // See above.
