package observed_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/segmentation-dev/segmentation-operator/internal/observed"
)

func pod(namespace, name string) observed.Party {
	return observed.Party{Namespace: namespace, Pod: name}
}

// seen is a pod as packet has it.
func seen(namespace, name string) observed.Party {
	return observed.Party{
		Namespace: namespace, Pod: name, Labels: map[string]string{"app": name}, IP: netip.MustParseAddr("10.0.0.1"),
	}
}

func address(text string) observed.Party {
	return observed.Party{IP: netip.MustParseAddr(text)}
}

// packet is a line of Hubble's: who sends to whom, from which port to which, and what else is said.
func packet(from, to string, sourcePort, port int, more string) string {
	endpoint := func(text string) (string, string) {
		if namespace, name, isPod := strings.Cut(text, "/"); isPod {
			return fmt.Sprintf(`{"namespace": %q, "pod_name": %q, "labels": ["k8s:app=%s", "k8s:io.kubernetes.pod.namespace=%s",
				"k8s:io.cilium.k8s.namespace.labels.team=x"]}`, namespace, name, name, namespace), "10.0.0.1"
		}
		return `{"labels": ["reserved:world"]}`, text
	}
	source, sourceIP := endpoint(from)
	destination, destinationIP := endpoint(to)
	line := fmt.Sprintf(`{"flow": {"IP": {"source": %q, "destination": %q}, "source": %s, "destination": %s,
		"l4": {"TCP": {"source_port": %d, "destination_port": %d}} %s}, "node_name": "n"}`,
		sourceIP, destinationIP, source, destination, sourcePort, port, more)
	return strings.ReplaceAll(line, "\n", " ")
}

func TestRead(t *testing.T) {
	web, api := seen("shop-web", "front"), seen("shop-api", "orders")
	isCall, isReply := `, "verdict": "FORWARDED", "is_reply": false`, `, "verdict": "FORWARDED", "is_reply": true`
	cases := map[string]struct {
		lines []string
		want  []observed.Flow
		left  []string
	}{
		"a flow in our own form, TCP unless it says otherwise": {
			lines: []string{
				`{"from": {"namespace": "shop-web", "pod": "front"}, "to": {"namespace": "shop-api", "labels": {"app": "orders"}}, "port": 9090}`,
				"",
				`{"from": {"ip": "198.51.100.7"}, "to": {"ip": "::ffff:203.0.113.9"}, "port": 53, "protocol": "UDP"}`,
			},
			want: []observed.Flow{
				{From: pod("shop-web", "front"), To: observed.Party{Namespace: "shop-api", Labels: map[string]string{"app": "orders"}}, Protocol: "TCP", Port: 9090},
				{From: address("198.51.100.7"), To: address("203.0.113.9"), Protocol: "UDP", Port: 53},
			},
		},
		"the same flow is told of once": {
			lines: []string{
				packet("shop-web/front", "shop-api/orders", 40000, 9090, isCall),
				packet("shop-web/front", "shop-api/orders", 40001, 9090, isCall),
			},
			want: []observed.Flow{{From: web, To: api, Protocol: "TCP", Port: 9090}},
		},
		"replies are no flows": {
			lines: []string{
				packet("shop-web/front", "shop-api/orders", 40000, 9090, isCall),
				packet("shop-api/orders", "shop-web/front", 9090, 40000, isReply),
				packet("shop-api/orders", "shop-web/front", 9090, 40000, `, "reply": true`),
			},
			want: []observed.Flow{{From: web, To: api, Protocol: "TCP", Port: 9090}},
			left: []string{"2 of 3 lines left out: replies"},
		},
		"what was dropped did not flow": {
			lines: []string{packet("shop-web/front", "shop-api/orders", 40000, 9090, `, "verdict": "DROPPED"`)},
			left:  []string{"1 of 1 lines left out: dropped, and so no flow"},
		},
		"where it is not said who called, the flags of TCP say it": {
			lines: []string{
				strings.Replace(packet("shop-web/front", "shop-api/orders", 9000, 9090, ""), `"source_port"`, `"flags": {"SYN": true}, "source_port"`, 1),
				strings.Replace(packet("shop-api/orders", "shop-web/front", 9090, 9000, ""), `"source_port"`, `"flags": {"SYN": true, "ACK": true}, "source_port"`, 1),
			},
			want: []observed.Flow{{From: web, To: api, Protocol: "TCP", Port: 9090}},
			left: []string{"1 of 2 lines left out: replies"},
		},
		"or what is known of the connection, from a line that comes later": {
			lines: []string{
				packet("shop-api/orders", "shop-web/front", 9090, 9000, ""),
				packet("shop-web/front", "shop-api/orders", 9000, 9090, isCall),
			},
			want: []observed.Flow{{From: web, To: api, Protocol: "TCP", Port: 9090}},
			left: []string{"1 of 2 lines left out: replies"},
		},
		"or the ports, and then it is a guess": {
			lines: []string{
				packet("shop-api/orders", "shop-web/front", 9090, 40000, ""),
				packet("shop-api/orders", "shop-web/front", 9090, 40001, ""),
				packet("shop-web/front", "shop-api/orders", 40001, 9090, ""),
			},
			want: []observed.Flow{{From: web, To: api, Protocol: "TCP", Port: 9090, Guessed: true}},
		},
		"a flow without any hint is taken as it is": {
			lines: []string{packet("shop-web/front", "shop-api/orders", 0, 9090, "")},
			want:  []observed.Flow{{From: web, To: api, Protocol: "TCP", Port: 9090, Guessed: true}},
		},
		"the world outside is an address": {
			lines: []string{packet("shop-web/front", "203.0.113.9", 40000, 443, isCall)},
			want:  []observed.Flow{{From: web, To: address("203.0.113.9"), Protocol: "TCP", Port: 443}},
		},
		"a node and its own pods, events and ICMP are left out": {
			lines: []string{
				`{"flow": {"IP": {"source": "10.0.0.9", "destination": "10.0.0.1"}, "source": {"labels": ["reserved:host"]},
					"destination": {"namespace": "a", "pod_name": "b"}, "l4": {"TCP": {"destination_port": 80}}, "is_reply": false}}`,
				`{"flow": {"IP": {"source": "10.1.7.9", "destination": "10.0.0.1"}, "source": {"labels": ["reserved:remote-node"]},
					"destination": {"namespace": "a", "pod_name": "b"}, "l4": {"TCP": {"destination_port": 80}}, "is_reply": false}}`,
				`{"lost_events": {"source": "HUBBLE_RING_BUFFER", "num_events_lost": "1"}}`,
				`{"flow": {"IP": {"source": "10.0.0.9", "destination": "10.0.0.1"}, "l4": {"ICMPv4": {"type": 8}}}}`,
				`{"flow": {"l4": {"TCP": {"destination_port": 80}}}}`,
			},
			left: []string{
				"1 of 5 lines left out: of a protocol that NetworkPolicies do not know, such as ICMP",
				"1 of 5 lines left out: between a pod and its own node, which no NetworkPolicy forbids",
				"1 of 5 lines left out: between a pod and another node, which Cilium does not match by its address (policy-cidr-match-mode: nodes does)",
				"1 of 5 lines left out: no flows, but other events",
				"1 of 5 lines left out: without a party or a port",
			},
		},
		"a flow of Hubble's that is not wrapped": {
			lines: []string{`{"verdict": "FORWARDED", "source": {"namespace": "a", "pod_name": "b"}, "destination": {"namespace": "c", "pod_name": "d"},
				"l4": {"UDP": {"source_port": 40000, "destination_port": 53}}, "is_reply": false}`},
			want: []observed.Flow{{From: pod("a", "b"), To: pod("c", "d"), Protocol: "UDP", Port: 53}},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var got observed.Flows
			for i := range c.lines {
				c.lines[i] = strings.ReplaceAll(c.lines[i], "\n", " ")
			}
			if err := got.Read(strings.NewReader(strings.Join(c.lines, "\n"))); err != nil {
				t.Fatal(err)
			}
			got.Done()
			if diff := cmp.Diff(c.want, got.List, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if diff := cmp.Diff(c.left, got.LeftOut()); diff != "" {
				t.Errorf("left out, -want +got:\n%s", diff)
			}
		})
	}
}

func TestLabelsOfHubbleAreThoseOfThePod(t *testing.T) {
	var got observed.Flows
	line := packet("shop-web/front", "shop-api/orders", 40000, 9090, `, "is_reply": false`)
	if err := got.Read(strings.NewReader(line)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"app": "front"}, got.List[0].From.Labels); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestMistakesNameTheLineAndTheField is one sentence each.
func TestMistakesNameTheLineAndTheField(t *testing.T) {
	good := `{"from": {"namespace": "a"}, "to": {"namespace": "b"}, "port": 80}` + "\n"
	cases := map[string]struct{ line, want string }{
		"no JSON":         {"from a to b", "line 2: no JSON object of a flow: \"from a to b\""},
		"a mistyped name": {`{"form": {"namespace": "a"}, "to": {"namespace": "b"}, "port": 80}`, `unknown field "form"`},
		"nobody":          {`{"from": {}, "to": {"namespace": "b"}, "port": 80}`, "line 2: from is nobody: give namespace (and pod or labels), or ip"},
		"one side":        {`{"to": {"namespace": "b"}, "port": 80}`, "line 2: from and to are needed"},
		"no namespace":    {`{"from": {"pod": "a"}, "to": {"namespace": "b"}, "port": 80}`, "line 2: from has a pod without a namespace: give from.namespace"},
		"no port":         {`{"from": {"namespace": "a"}, "to": {"namespace": "b"}}`, "line 2: port 0 is no port"},
		"a protocol":      {`{"from": {"namespace": "a"}, "to": {"namespace": "b"}, "port": 1, "protocol": "ICMP"}`, `line 2: protocol "ICMP" is unknown: it is TCP, UDP or SCTP`},
		"a name":          {`{"from": {"namespace": "a", "pod": "b\nspec: {}"}, "to": {"namespace": "b"}, "port": 80}`, `line 2: from: "b\nspec: {}" is no name of a pod`},
		"a label":         {`{"from": {"namespace": "a"}, "to": {"namespace": "b", "labels": {"app": "!"}}, "port": 80}`, `line 2: to: "app=!" is no label of a pod`},
		"an address":      {`{"from": {"ip": "10.0.0"}, "to": {"namespace": "b"}, "port": 80}`, `line 2: from.ip "10.0.0" is no address`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var f observed.Flows
			if err := f.Read(strings.NewReader(good + c.line)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

// TestTheOrderOfLinesDoesNotMatter but for the order of flows, even if they are in several files.
func TestTheOrderOfLinesDoesNotMatter(t *testing.T) {
	lines := []string{
		// Who called is not said of the first, but of the second, which is its other direction.
		packet("shop-api/orders", "shop-web/front", 9090, 9091, `, "verdict": "FORWARDED"`),
		packet("shop-web/front", "shop-api/orders", 9091, 9090, `, "verdict": "FORWARDED", "is_reply": false`),
		`{"from": {"namespace": "shop-web", "pod": "back"}, "to": {"namespace": "shop-api", "pod": "stock"}, "port": 80}`,
		`{"from": {"namespace": "shop-web", "pod": "back", "labels": {"app": "back"}}, "to": {"namespace": "shop-api", "pod": "stock"}, "port": 80}`,
		`{"from": {"namespace": "shop-web", "pod": "back", "labels": {"app": "old"}}, "to": {"namespace": "shop-api", "pod": "stock"}, "port": 80}`,
	}
	read := func(order []int) []observed.Flow {
		var got observed.Flows
		for _, at := range order {
			if err := got.Read(strings.NewReader(lines[at])); err != nil {
				t.Fatal(err)
			}
		}
		got.Done()
		slices.SortFunc(got.List, func(a, b observed.Flow) int { return strings.Compare(a.String(), b.String()) })
		return got.List
	}
	want := read([]int{0, 1, 2, 3, 4})
	if len(want) != 2 {
		t.Errorf("%d flows: %v", len(want), want)
	}
	for _, order := range [][]int{{4, 3, 2, 1, 0}, {1, 0, 3, 4, 2}, {2, 4, 0, 3, 1}} {
		if diff := cmp.Diff(want, read(order), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("%v -want +got:\n%s", order, diff)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(packet("a/b", "c/d", 40000, 80, `, "is_reply": false`))
	f.Add(packet("a/b", "203.0.113.9", 9090, 40000, ""))
	f.Add(`{"from": {"namespace": "a"}, "to": {"ip": "::1"}, "port": 80}`)
	f.Fuzz(func(t *testing.T, text string) {
		var flows observed.Flows
		if flows.Read(strings.NewReader(text)) != nil {
			return
		}
		flows.Done()
		for _, flow := range flows.List {
			if flow.Port < 1 || flow.From.Namespace == "" && !flow.From.IP.IsValid() || flow.To.Namespace == "" && !flow.To.IP.IsValid() {
				t.Errorf("%q was read as %v", text, flow)
			}
		}
	})
}
