package transitions

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/faults"
)

const (
	// faultRate is the part of the operator's requests that meet a fault.
	faultRate = 0.1
	// faultsEach is how many faults there are at least on each way, cut watches left out.
	faultsEach = 4
)

// TestFaults lets one in ten of the operator's requests go wrong while it takes a profile
// through a few transitions. Faults go on until all is settled.
func TestFaults(t *testing.T) {
	tell(t, "faults", func(s *scene) {
		proxy, err := faults.Start(env.cluster.AdminConfig(), faults.Rate(faultRate), faults.Seed(s.random.Uint64()))
		s.Expect(err).NotTo(HaveOccurred())
		s.t.Cleanup(func() { _ = proxy.Close() })
		// The operator reaches the API server only through the proxy.
		s.operator = s.replica("behind-proxy", proxy.Config(env.account))
		a := map[string]string{"app": "a"}
		first, second := state{members: shopOf("012", "345", "67")}, state{members: shopOf("0135", "28", "46")}

		s.begin()
		s.once("a profile is created", first, func() { s.create(s.shop("012", "345", "67")) }, s.troubled(proxy))
		witness := s.witnessed("shop")
		s.hit(way{
			name: "a dependency moves from all pods to some", profile: "shop", from: first, to: first,
			change: dependency(builders.MakeDependency("web-api").FromTier("web").FromPods(a).ToTier("api").Port(8080).Port(9090)),
		}, faultsEach, s.troubled(proxy))
		s.hit(way{
			name: "internal traffic, DNS and selectors change together", profile: "shop", from: first, to: second,
			change: together(s.selects("0135", "28", "46"), internally(v1alpha1.InternalTrafficSameTier, v1alpha1.InternalTrafficDeny),
				resolving(v1alpha1.DNS{Mode: v1alpha1.DNSModeNone})),
		}, faultsEach, s.troubled(proxy))
		s.hit(way{
			name: "namespaces move around, join and leave, all at once", profile: "shop", from: second,
			to: state{members: shopOf("147", "589", "20")}, change: s.selects("147", "589", "20"),
		}, faultsEach, s.troubled(proxy))
		witness.heard()
		s.countFaults(proxy)
	})
}

// troubled waits until the operator has done its work, and returns how many faults it met.
func (s *scene) troubled(proxy *faults.Proxy) strike {
	return func(want state) int {
		s.t.Helper()
		before := hits(proxy)
		s.Eventually(func() error { return s.differs(s.ctx(), want) }, soon, tick).Should(Succeed())
		return hits(proxy) - before
	}
}

// hits are the faults that were injected, but for cut watches: those come by themselves.
func hits(proxy *faults.Proxy) int {
	n := 0
	for kind, times := range proxy.Counts() {
		if kind != faults.CutWatch {
			n += times
		}
	}
	return n
}

func (s *scene) countFaults(proxy *faults.Proxy) {
	for kind, n := range proxy.Counts() {
		s.counts[faultsMet] += n
		s.counts[faultsMet+" "+string(kind)] += n
	}
	s.counts["requests behind the proxy"] += proxy.Requests()
}
