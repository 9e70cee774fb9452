package reach_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// drawPods draws pods that exist: on their own network or that of the node, with addresses of no, one or both families, and
// with named ports.
func drawPods(t *rapid.T) []*reach.Pod {
	v4 := rapid.SampledFrom([]string{"", "10.0.0.1", "10.1.0.1", "10.1.1.1", "192.0.2.1"})
	v6 := rapid.SampledFrom([]string{"", "", "fd00:2::1", "fd00:1::1", "2001:db8::1"})
	ports := rapid.SampledFrom([][]reach.NamedPort{
		nil,
		{{Name: "http", Number: 80}},
		{{Name: "http", Number: 8080}, {Name: "admin", Number: 8080}},
		{{Name: "admin", Protocol: udp, Number: 85}, {Name: "unheard-of", Number: 80}},
	})
	out := make([]*reach.Pod, 0, 8)
	for i := range rapid.IntRange(2, 8).Draw(t, "pods") {
		p := &reach.Pod{
			Namespace: rapid.SampledFrom([]string{"web-1", "web-2", "api-1", "other"}).Draw(t, "namespace"), Name: fmt.Sprint("pod-", i),
			Labels:      rapid.SampledFrom(everyPod(reach.Group{Namespaces: []string{"other"}})).Draw(t, "like").Labels,
			Ports:       ports.Draw(t, "ports"),
			HostNetwork: rapid.IntRange(0, 5).Draw(t, "host network") == 0,
		}
		for _, ip := range []string{v4.Draw(t, "IPv4"), v6.Draw(t, "IPv6")} {
			if ip != "" {
				p.IPs = append(p.IPs, netip.MustParseAddr(ip))
			}
		}
		out = append(out, p)
	}
	return out
}

// TestAmongSaysOfEachPairOfPodsWhatChanges compares what is said of pods that exist with what passes flow by flow.
func TestAmongSaysOfEachPairOfPodsWhatChanges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		first := drawCluster(t)
		second := first
		if rapid.Bool().Draw(t, "another") {
			second = drawCluster(t)
		} else {
			second.policies = append([]*networkingv1.NetworkPolicy{drawPolicy(t)}, first.policies...)
		}
		pods := drawPods(t)
		before, after := first.make(t), second.make(t)
		difference := mustCompare(t, before, after, drawOptions(t))
		checkAmong(t, before, after, difference, pods)
	})
}

func checkAmong(t *rapid.T, before, after *reach.Cluster, difference *reach.Difference, pods []*reach.Pod) {
	among := difference.Among(pods)
	told := newTold(t, difference, among)
	want := map[string]bool{}
	opened, closed := map[string]bool{}, map[string]bool{}
	for _, from := range pods {
		for _, to := range pods {
			for _, p := range everyNumber() {
				flow := reach.Flow{From: pod(from), To: pod(to), Protocol: p.protocol, Port: p.port}
				was, is := before.Allowed(flow).Allowed(), after.Allowed(flow).Allowed()
				if was == is {
					continue
				}
				want[fmt.Sprintf("%s > %s %s %d opened %t", from.Name, to.Name, p.protocol, p.port, is)] = true
				if is {
					opened[from.Name+to.Name] = true
				} else {
					closed[from.Name+to.Name] = true
				}
			}
		}
	}
	if diff := cmp.Diff(want, told.flows); diff != "" {
		t.Fatalf("flows between pods (-flow by flow +told):\n%s\n%s", diff, difference)
	}
	if among.Opened != len(opened) || among.Closed != len(closed) {
		t.Fatalf("%d pairs opened, %d closed; want %d, %d", among.Opened, among.Closed, len(opened), len(closed))
	}
	checkOutside(t, before, after, pods, told)
}

// everyNumber are the ports at and around all borders, and those that pods have.
func everyNumber() []probe {
	out := make([]probe, 0, 30)
	for _, protocol := range []corev1.Protocol{corev1.ProtocolTCP, udp, sctp} {
		for _, port := range []int32{1, 79, 80, 81, 85, 86, 90, 91, 8080, 65535} {
			out = append(out, probe{protocol: protocol, port: port})
		}
	}
	return out
}

// told is what is said of pods, spelt out.
type told struct {
	flows map[string]bool
	// outside are the pods that addresses of lines are opened or closed to or from.
	outside map[string]bool
}

func newTold(t *rapid.T, d *reach.Difference, a *reach.Among) *told {
	out := &told{map[string]bool{}, map[string]bool{}}
	lines := d.Lines()
	for i, line := range a.Lines {
		if i < len(lines) && line.Text != lines[i] || i >= len(lines) && line.Text != "" {
			t.Fatalf("line %d is %q", i, line.Text)
		}
		pairs := map[string]bool{}
		for _, p := range line.Pods {
			out.add(t, a, &line, p, pairs)
		}
		if len(pairs) != line.Pairs {
			t.Fatalf("line %q: %d pairs, and it says %d", line.Text, len(pairs), line.Pairs)
		}
	}
	return out
}

func (o *told) add(t *rapid.T, a *reach.Among, line *reach.Concerned, p reach.PodPairs, pairs map[string]bool) {
	for _, n := range everyNumber() {
		if !hasPort(p.Ports, n) {
			continue
		}
		for _, g := range slices.Concat(p.From, p.To) {
			for _, one := range a.Groups[g] {
				if len(p.From) == 0 || len(p.To) == 0 {
					o.outside[fmt.Sprintf("%s %t %s %d opened %t", one.Name, len(p.To) == 0, n.protocol, n.port, line.Opened)] = true
				}
			}
		}
		for from, to := range a.Each(p) {
			pairs[from.Name+to.Name] = true
			flow := fmt.Sprintf("%s > %s %s %d opened %t", from.Name, to.Name, n.protocol, n.port, line.Opened)
			if o.flows[flow] {
				t.Fatalf("%s is told twice", flow)
			}
			o.flows[flow] = true
		}
	}
}

func hasPort(ports reach.Ports, n probe) bool {
	for _, text := range ports {
		numbers, protocol, _ := strings.Cut(text, "/")
		if all, is := strings.CutPrefix(text, "all"); is {
			if all == "" || all == " "+string(n.protocol) {
				return true
			}
			continue
		}
		if protocol == "" {
			protocol = "TCP"
		}
		low, high, isRange := strings.Cut(numbers, "-")
		if !isRange {
			high = low
		}
		first, _ := strconv.Atoi(low)
		last, _ := strconv.Atoi(high)
		if protocol == string(n.protocol) && first <= int(n.port) && int(n.port) <= last {
			return true
		}
	}
	return false
}

// checkOutside checks that a pod for which a flow to or from an address changes is among those that lines name.
func checkOutside(t *rapid.T, before, after *reach.Cluster, pods []*reach.Pod, told *told) {
	for _, ip := range []string{"9.255.255.255", "10.0.0.0", "10.1.0.0", "10.1.1.0", "fc00::", "fd00:1::", "fd00:2::"} {
		for _, p := range pods {
			for _, n := range everyNumber() {
				for _, isCaller := range []bool{true, false} {
					flow := reach.Flow{From: pod(p), To: outside(ip), Protocol: n.protocol, Port: n.port}
					if !isCaller {
						flow.From, flow.To = flow.To, flow.From
					}
					was, is := before.Allowed(flow).Allowed(), after.Allowed(flow).Allowed()
					key := fmt.Sprintf("%s %t %s %d opened %t", p.Name, isCaller, n.protocol, n.port, is)
					if was != is && !told.outside[key] {
						t.Fatalf("%s with %s: %s is not told", p.Name, ip, key)
					}
				}
			}
		}
	}
}

func TestAmongSaysOfWhichPodsItKnowsNothing(t *testing.T) {
	t.Parallel()
	difference, err := reach.Compare(newCluster(t, namespaces, closedShop), newCluster(t, namespaces, closedShop+intoShop+`[{ports: [{port: http}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	nowhere := &reach.Pod{Namespace: "nowhere", Name: "a"}
	got := difference.Among([]*reach.Pod{nowhere, web, metrics})
	if len(got.Unknown) != 1 || got.Unknown[0] != nowhere || len(got.Groups) != 2 || got.Opened != 1 || got.Closed != 0 {
		t.Errorf("got %+v", got)
	}
}
