package reach_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

func TestCompareAgreesWithEveryFlow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) { checkCompare(t, enumerated(), reach.PodsAnywhere()) })
}

// Without addresses of pods, of which there would be many times more classes, it is fast enough
// to be fuzzed. Seeds are long: what is drawn from too few bytes is not drawn to the end, and
// skipped.
func FuzzCompare(f *testing.F) {
	for seed := range 16 {
		random := rand.NewChaCha8([32]byte{byte(seed)})
		bytes := make([]byte, 1<<14)
		if _, err := random.Read(bytes); err != nil {
			f.Fatal(err)
		}
		f.Add(bytes)
	}
	ends := enumerated()
	for i := range ends {
		if ends[i].Pod != nil {
			ends[i].Pod.IPs = nil
		}
	}
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) { checkCompare(t, ends) }))
}

// checkCompare compares two clusters by Compare, and flow by flow.
func checkCompare(t *rapid.T, ends []reach.Endpoint, with ...reach.Option) {
	first := drawCluster(t)
	second := first
	if rapid.Bool().Draw(t, "another") {
		second = drawCluster(t)
	} else {
		second.policies = append([]*networkingv1.NetworkPolicy{drawPolicy(t)}, first.policies...)
	}
	before, after := first.make(t), second.make(t)
	difference, err := reach.Compare(before, after, with...)
	if err != nil {
		t.Fatal(err)
	}
	checkExamples(t, before, after, difference)
	probes := everyProbe()
	turn := rapid.IntRange(0, len(probes)-1).Draw(t, "turn")
	for _, from := range ends {
		for _, to := range ends {
			if !related(from, to) {
				continue
			}
			// Every pair on a few of the ports, which take turns, and some pairs on all of them.
			some := []probe{probes[turn%len(probes)], probes[(turn+1)%len(probes)]}
			if turn%37 == 0 {
				some = probes
			}
			turn += 2
			for _, p := range some {
				checkFlow(t, before, after, difference, reach.Flow{From: from, To: withPorts(to, p.names), Protocol: p.protocol, Port: p.port})
			}
		}
	}
}

// related tells whether there is a flow between two ends that policies have a say in.
func related(from, to reach.Endpoint) bool {
	if from.Pod == nil || to.Pod == nil {
		return from.Pod != nil || to.Pod != nil
	}
	return len(from.Pod.IPs) == 0 || from.Pod.IPs[0].Is4() == to.Pod.IPs[0].Is4()
}

// probe is a port around the borders in play, and names that the called pod gives to ports.
type probe struct {
	protocol corev1.Protocol
	port     int32
	names    []reach.NamedPort
}

func everyProbe() []probe {
	var out []probe
	for _, protocol := range []corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP} {
		for _, port := range []int32{1, 79, 80, 81, 85, 86, 90, 91, 65535} {
			for _, names := range namings(protocol, port) {
				out = append(out, probe{protocol, port, names})
			}
		}
	}
	return out
}

func checkFlow(t *rapid.T, before, after *reach.Cluster, difference *reach.Difference, flow reach.Flow) {
	was, is := before.Allowed(flow), after.Allowed(flow)
	change, found := difference.Find(flow)
	switch {
	case found != (was.Allowed() != is.Allowed()):
		t.Fatalf("%s: before %+v, after %+v, but the difference has it: %v", flowText(flow), was, is, found)
	case found && change.Opened != is.Allowed():
		t.Fatalf("%s: before %+v, after %+v, but opened: %v", flowText(flow), was, is, change.Opened)
	}
}

// checkExamples checks that each change is true of its own example.
func checkExamples(t *rapid.T, before, after *reach.Cluster, difference *reach.Difference) {
	for change := range difference.All() {
		was, is := before.Allowed(change.Example), after.Allowed(change.Example)
		if was.Allowed() == is.Allowed() || is.Allowed() != change.Opened {
			t.Fatalf("%s, opened: %v; before %+v, after %+v", flowText(change.Example), change.Opened, was, is)
		}
		closed := was
		if !change.Opened {
			closed = is
		}
		if !closed.Egress && !change.Egress || !closed.Ingress && !change.Ingress {
			t.Fatalf("%s: closed is %+v, but the sides are %v, %v", flowText(change.Example), closed, change.Egress, change.Ingress)
		}
		if from, to := change.Example.From.Pod, change.Example.To.Pod; change.SameNamespace != (from != nil && to != nil && from.Namespace == to.Namespace) {
			t.Fatalf("%s, in the same namespace: %v", flowText(change.Example), change.SameNamespace)
		}
		got, found := difference.Find(change.Example)
		if !found || got.Opened != change.Opened || got.Ports.String() != change.Ports.String() {
			t.Fatalf("%s is an example of %+v, but found is %+v", flowText(change.Example), change, got)
		}
	}
}

func flowText(f reach.Flow) string {
	end := func(e reach.Endpoint) string {
		if e.Pod == nil {
			return e.IP.String()
		}
		return fmt.Sprint(*e.Pod)
	}
	return fmt.Sprintf("%s to %s on %d/%s", end(f.From), end(f.To), f.Port, f.Protocol)
}

func TestComparingTheOtherWayRoundSwapsOpenedAndClosed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		first, second := drawCluster(t).make(t), drawCluster(t).make(t)
		with := drawOptions(t)
		there, back := mustCompare(t, first, second, with), mustCompare(t, second, first, with)
		a, b := there.Counts(), back.Counts()
		b.Opened, b.Closed = b.Closed, b.Opened
		if diff := cmp.Diff(a, b); diff != "" {
			t.Fatalf("counts (-there +back, swapped):\n%s", diff)
		}
		for change := range there.All() {
			other, found := back.Find(change.Example)
			if !found || other.Opened == change.Opened {
				t.Fatalf("%s: there opened %v, back %v, found %v", flowText(change.Example), change.Opened, other.Opened, found)
			}
		}
	})
}

func TestACopyOfAPolicyChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		once := drawCluster(t)
		twice := once
		for _, p := range once.policies {
			again := p.DeepCopy()
			again.Name = "copy-of-" + p.Name
			twice.policies = append(twice.policies, again)
		}
		for _, other := range []drawnCluster{once, twice} {
			if difference := mustCompare(t, once.make(t), other.make(t), drawOptions(t)); !difference.Empty() || difference.String() != "none" {
				t.Fatalf("difference:\n%s", difference)
			}
		}
	})
}

func mustCompare(t *rapid.T, before, after *reach.Cluster, with []reach.Option) *reach.Difference {
	out, err := reach.Compare(before, after, with...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func drawOptions(t *rapid.T) []reach.Option {
	options := map[string][]reach.Option{
		"no addresses": nil,
		"anywhere":     {reach.PodsAnywhere()},
		"networks":     {reach.PodNetworks(netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/16"))},
	}
	return options[rapid.SampledFrom(slices.Sorted(maps.Keys(options))).Draw(t, "options")]
}

func TestAnExplanationSaysWhatAllowedSays(t *testing.T) {
	t.Parallel()
	ends := enumerated()
	rapid.Check(t, func(t *rapid.T) {
		cluster := drawCluster(t).make(t)
		for range 100 {
			flow := reach.Flow{
				From: rapid.SampledFrom(ends).Draw(t, "from"), To: rapid.SampledFrom(ends).Draw(t, "to"),
				Protocol: rapid.SampledFrom([]corev1.Protocol{"", udp, sctp}).Draw(t, "protocol"),
				Port:     rapid.SampledFrom([]int32{1, 80, 85, 91}).Draw(t, "port"),
			}
			flow.To = withPorts(flow.To, rapid.SampledFrom(namings(flow.Protocol, flow.Port)).Draw(t, "names"))
			if diff := cmp.Diff(cluster.Allowed(flow), cluster.Explain(flow).Verdict()); diff != "" {
				t.Fatalf("%s (-Allowed +Explain):\n%s", flowText(flow), diff)
			}
		}
	})
}
