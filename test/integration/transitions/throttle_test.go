package transitions

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/segmentation-dev/segmentation-operator/test/faults"
)

const (
	// pressure is how long the API server has no room for the operator's writes.
	pressure = 6 * time.Second
	// patientWrites bounds what the operator tries meanwhile: less than one write a second for each namespace
	// and the profile. One that does not wait makes thousands.
	patientWrites = int(pressure/time.Second) * (members + 1)
)

// TestThrottled lets the API server answer all of the operator's writes with 429 while namespaces join, and
// again in the middle of a change by which they move, join and leave.
func TestThrottled(t *testing.T) {
	tell(t, "throttled", func(s *scene) {
		proxy, err := faults.Start(env.cluster.AdminConfig(), faults.Rate(0), faults.Seed(s.random.Uint64()))
		s.Expect(err).NotTo(HaveOccurred())
		s.t.Cleanup(func() { _ = proxy.Close() })
		s.operator = s.replica("behind-proxy", proxy.Config(env.account))
		first, second := state{members: shopOf("012", "345", "67")}, state{members: shopOf("1358", "02", "49")}

		s.begin()
		ear := s.listens("shop")
		witness := s.witnessed("shop")
		s.once("a profile is created", first, func() { s.create(s.shop("012", "345", "67")) }, s.throttled(proxy))
		s.hit(way{
			name: "namespaces move around, join and leave", profile: "shop", from: first, to: second,
			change: s.selects("1358", "02", "49"),
		}, 1, s.throttled(proxy))
		witness.heard()
		ear.heardNoComplaint()
	})
}

// throttled lets the API server have no room for writes after some have been made.
func (s *scene) throttled(proxy *faults.Proxy) strike {
	return func(want state) int {
		s.t.Helper()
		s.afterSomeWrites()
		before := proxy.Counts()[faults.TooManyRequests]
		proxy.Throttle(true)
		wait(pressure)
		tried := proxy.Counts()[faults.TooManyRequests] - before
		working := s.differs(s.ctx(), want) != nil
		proxy.Throttle(false)
		s.t.Logf("%d writes were put off in %s", tried, pressure)
		s.counts["writes put off"] += tried
		if tried > patientWrites {
			s.t.Errorf("%d writes were tried in %s, want %d at most", tried, pressure, patientWrites)
		}
		if working && tried > 0 {
			return 1
		}
		return 0
	}
}
