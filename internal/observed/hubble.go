package observed

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// hubbleLine is a line of Cilium Hubble's exporter, and of hubble observe -o jsonpb:
// https://docs.cilium.io/en/stable/observability/hubble/configuration/export/
type hubbleLine struct {
	Flow *hubbleFlow `json:"flow"`

	// One of these is set on lines that are about something else.
	LostEvents json.RawMessage `json:"lost_events"`
	NodeStatus json.RawMessage `json:"node_status"`
	AgentEvent json.RawMessage `json:"agent_event"`
	DebugEvent json.RawMessage `json:"debug_event"`
}

func (h *hubbleLine) isEvent() bool {
	return h.LostEvents != nil || h.NodeStatus != nil || h.AgentEvent != nil || h.DebugEvent != nil
}

// hubbleFlow is what is read of a flow:
// https://github.com/cilium/cilium/blob/main/api/v1/flow/flow.proto
type hubbleFlow struct {
	Verdict string `json:"verdict"`
	IP      struct {
		Source      string `json:"source"`
		Destination string `json:"destination"`
	} `json:"IP"`
	L4          map[string]hubblePorts `json:"l4"`
	Source      hubbleEndpoint         `json:"source"`
	Destination hubbleEndpoint         `json:"destination"`
	// IsReply is not there where it is not known. Reply is from before there was IsReply, and says something if it is true.
	IsReply *bool `json:"is_reply"`
	Reply   bool  `json:"reply"`
}

type hubblePorts struct {
	Source      int32 `json:"source_port"`
	Destination int32 `json:"destination_port"`
	Flags       struct {
		SYN bool `json:"SYN"`
		ACK bool `json:"ACK"`
	} `json:"flags"`
}

type hubbleEndpoint struct {
	Namespace string   `json:"namespace"`
	PodName   string   `json:"pod_name"`
	Labels    []string `json:"labels"`
}

// connection is a flow with both of its ports, as a packet has them.
type connection struct {
	flow       Flow
	sourcePort int32
}

// reversed is the same connection, had the other end opened it.
func (c *connection) reversed() connection {
	flow := c.flow
	flow.From, flow.To, flow.Port = c.flow.To, c.flow.From, c.sourcePort
	return connection{flow, c.flow.Port}
}

func (f *Flows) hubble(h *hubbleFlow) error {
	switch h.Verdict {
	case "DROPPED", "ERROR":
		f.leave(leftDropped)
		return nil
	}
	protocol, ports := h.ports()
	switch {
	case protocol == "":
		f.leave(leftProtocol)
		return nil
	case h.Source.isReserved("host"), h.Destination.isReserved("host"):
		f.leave(leftOwnNode)
		return nil
	case h.Source.isNode(), h.Destination.isNode():
		f.leave(leftNode)
		return nil
	}
	c, err := h.connection(protocol, ports)
	if err != nil {
		return err
	}
	switch isReply, known := h.direction(ports); {
	case !c.flow.From.isSomebody(), !c.flow.To.isSomebody(), ports.Destination < 1:
		f.leave(leftNobody)
	case !known:
		f.doubt(c)
	case isReply:
		f.leave(leftReply)
	default:
		f.add(c.flow)
	}
	return nil
}

// isNode tells whether an end is another node than the pod's, which may have an address from the range of pods. An API
// server on a node is known by its address.
func (e *hubbleEndpoint) isNode() bool {
	return e.isReserved("remote-node") && !e.isReserved("kube-apiserver")
}

func (h *hubbleFlow) connection(protocol corev1.Protocol, ports hubblePorts) (connection, error) {
	from, err := h.Source.party(h.IP.Source)
	if err != nil {
		return connection{}, err
	}
	to, err := h.Destination.party(h.IP.Destination)
	if err != nil {
		return connection{}, err
	}
	return connection{Flow{From: from, To: to, Protocol: protocol, Port: ports.Destination}, ports.Source}, nil
}

// ports are the ports of a protocol that NetworkPolicies know.
func (h *hubbleFlow) ports() (corev1.Protocol, hubblePorts) {
	for _, protocol := range []corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP} {
		if ports, ok := h.L4[string(protocol)]; ok {
			return protocol, ports
		}
	}
	return "", hubblePorts{}
}

// direction tells whether a packet is a reply, if that is known: by what Hubble says, or by how TCP opens connections.
func (h *hubbleFlow) direction(ports hubblePorts) (isReply, known bool) {
	switch {
	case h.IsReply != nil:
		return *h.IsReply, true
	case h.Reply:
		return true, true
	case ports.Flags.SYN:
		return ports.Flags.ACK, true
	default:
		return false, false
	}
}

// firstEphemeral is the first of the ports that Linux gives to who calls, unless it is told otherwise:
// https://docs.kernel.org/networking/ip-sysctl.html (ip_local_port_range).
const firstEphemeral = 32768

// doubt keeps a packet of which it is not said who called, turned round if its ports say that it is a reply. The port of
// who calls says nothing more then: packets of many connections come to one.
func (f *Flows) doubt(c connection) {
	if c.flow.Port >= firstEphemeral && c.sourcePort > 0 && c.sourcePort < firstEphemeral {
		c = c.reversed()
	}
	if c.sourcePort >= firstEphemeral {
		c.sourcePort = 0
	}
	if f.unsure == nil {
		f.unsure = map[string]connection{}
	}
	key := fmt.Sprintf("%s %d", c.flow.key(), c.sourcePort)
	old, known := f.unsure[key]
	if !known {
		f.doubts = append(f.doubts, key)
		old = c
	}
	old.flow.From, old.flow.To = old.flow.From.fuller(c.flow.From), old.flow.To.fuller(c.flow.To)
	f.unsure[key] = old
}

// Done ends reading: it decides over packets of which it is not said who called, by what is said of other packets between the
// two, in whichever file and whatever order.
func (f *Flows) Done() {
	slices.Sort(f.doubts)
	for _, key := range f.doubts {
		c := f.unsure[key]
		back := c.reversed()
		if _, known := f.known[back.flow.key()]; known && c.sourcePort > 0 {
			f.leave(leftReply)
			continue
		}
		c.flow.Guessed = true
		f.add(c.flow)
	}
	f.unsure, f.doubts = nil, nil
}

func (e *hubbleEndpoint) isReserved(name string) bool {
	return slices.Contains(e.Labels, "reserved:"+name)
}

func (e *hubbleEndpoint) party(address string) (Party, error) {
	out := Party{Namespace: e.Namespace, Pod: e.PodName}
	if address != "" {
		ip, err := netip.ParseAddr(address)
		if err != nil {
			return out, fmt.Errorf("%q is no address", address)
		}
		out.IP = ip.Unmap().WithZone("")
	}
	if e.Namespace == "" {
		return out, nil
	}
	for _, label := range e.Labels {
		text, isPods := strings.CutPrefix(label, "k8s:")
		key, value, _ := strings.Cut(text, "=")
		// Cilium adds what is no label of the pod: its namespace and that one's labels, its service account, its cluster.
		if !isPods || strings.HasPrefix(key, "io.cilium.k8s.") || key == "io.kubernetes.pod.namespace" {
			continue
		}
		if out.Labels == nil {
			out.Labels = map[string]string{}
		}
		out.Labels[key] = value
	}
	return out, out.check()
}

func (p Party) isSomebody() bool {
	return p.Namespace != "" || p.IP.IsValid()
}
