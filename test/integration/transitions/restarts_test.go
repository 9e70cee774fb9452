package transitions

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// aMoment is longer than it takes to kill a process, and shorter than to start one.
const aMoment = 200 * time.Millisecond

// TestRestarts restarts the API server and etcd while namespaces change tiers, join and leave.
func TestRestarts(t *testing.T) {
	tell(t, "restarts", func(s *scene) {
		first, second := state{members: shopOf("012", "345", "67")}, state{members: shopOf("3456", "01", "28")}
		s.begin()
		s.once("a profile is created", first, func() { s.create(s.shop("012", "345", "67")) }, func(state) int { return 0 })
		witness := s.witnessed("shop")
		s.hit(way{
			name: "etcd is restarted", profile: "shop", from: first, to: second,
			change: together(s.selects("3456", "01", "28"), internally(v1alpha1.InternalTrafficSameTier)),
		}, 1, s.restarted(env.cluster.RestartEtcd))
		s.hit(way{
			name: "the API server is restarted", profile: "shop", from: second, to: state{members: shopOf("127", "589", "30")},
			change: together(s.selects("127", "589", "30"), resolving(v1alpha1.DNS{Mode: v1alpha1.DNSModeNone})),
		}, 1, s.restarted(env.cluster.RestartAPIServer))
		witness.heard()
	})
}

// restarted restarts a part of the control plane once the operator has begun to write. It hits if
// there was something left to write afterwards.
func (s *scene) restarted(restart func(context.Context) error) strike {
	return func(want state) int {
		s.t.Helper()
		s.firstWrite(s.last)
		begun := time.Now()
		s.Expect(restart(s.ctx())).To(Succeed())
		s.t.Logf("restarted in %s", time.Since(begun).Round(time.Millisecond))
		s.counts[restarts]++
		s.Eventually(func() error { return s.differs(s.ctx(), want) }, soon, tick).Should(Succeed())
		s.mark()
		all := s.writes(s.last)
		if all[len(all)-1].seen.Sub(begun) > aMoment {
			return 1
		}
		return 0
	}
}
