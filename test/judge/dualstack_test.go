package judge

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// Cyclonus gives an end one address. Of pods with an address of each family it is asked once
// for each route: the flow passes if it passes over one of them.
func TestOnePodWithTwoAddresses(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		for _, pod := range w.pods {
			pod.IPs = []netip.Addr{rapid.SampledFrom(addresses4).Draw(t, "ipv4"), rapid.SampledFrom(addresses6).Draw(t, "ipv6")}
		}
		mine, err := ours(w)
		if err != nil {
			t.Fatal(err)
		}
		exact := restated(w)
		for _, f := range w.flows() {
			if itself(f) {
				continue
			}
			passes := false
			for _, over := range routes(f) {
				got, want := mine(over), exact(over)
				if got != want {
					t.Fatalf("over one route reach says %+v, cyclonus %+v\n%s", got, want, describe(w, over))
				}
				passes = passes || want.allowed()
			}
			if got := mine(f); got.allowed() != passes {
				t.Fatalf("reach says %+v, cyclonus lets the flow over a route: %v\n%s", got, passes, describe(w, f))
			}
		}
	})
}

// routes are a flow over each pair of addresses of one family, with the addresses given.
func routes(f reach.Flow) []reach.Flow {
	var out []reach.Flow
	for _, from := range over(f.From) {
		for _, to := range over(f.To) {
			if address(from).Is4() == address(to).Is4() {
				out = append(out, reach.Flow{From: from, To: to, Protocol: f.Protocol, Port: f.Port})
			}
		}
	}
	return out
}

// over is an end at each of its addresses.
func over(e reach.Endpoint) []reach.Endpoint {
	if e.Pod == nil {
		return []reach.Endpoint{e}
	}
	out := make([]reach.Endpoint, 0, len(e.Pod.IPs))
	for _, ip := range e.Pod.IPs {
		out = append(out, reach.Endpoint{Pod: e.Pod, IP: ip})
	}
	return out
}
