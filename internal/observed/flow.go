package observed

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Flow is a connection that was seen.
type Flow struct {
	// From opened it, To was called.
	From, To Party
	// Protocol is TCP, UDP or SCTP.
	Protocol corev1.Protocol
	// Port is the port of the party that was called, from 1 to 65535.
	Port int32
	// Guessed is set if it had to be guessed who called whom.
	Guessed bool
}

// Party is one end of a flow, as far as it was seen.
type Party struct {
	// Namespace is the namespace of the pod; empty for what is no pod, or was not recognised as one.
	Namespace string
	// Pod is the name of the pod; empty if it was not seen.
	Pod string
	// Labels are the pod's labels; nil if they were not seen.
	Labels map[string]string
	// IP is the address; the zero address if it was not seen.
	IP netip.Addr
}

// String is the party in a few words, as the command line takes it where it can.
func (p Party) String() string {
	switch {
	case p.Pod != "":
		return "pod/" + p.Namespace + "/" + p.Pod
	case p.Namespace != "" && len(p.Labels) > 0:
		return fmt.Sprintf("a pod of %s with %s", p.Namespace, labels.FormatLabels(p.Labels))
	case p.Namespace != "":
		return "ns/" + p.Namespace
	default:
		return p.IP.String()
	}
}

// String is the flow in a few words.
func (f Flow) String() string {
	return fmt.Sprintf("%s to %s on %d/%s", f.From, f.To, f.Port, f.Protocol)
}

// key tells flows apart.
func (f Flow) key() string {
	var b strings.Builder
	for _, p := range []Party{f.From, f.To} {
		b.WriteString(p.Namespace + "/" + p.Pod + " ")
		if p.Pod == "" {
			// labels.Set prints itself sorted. A pod's name says more than its labels, which need not be complete.
			b.WriteString(labels.Set(p.Labels).String())
		}
		if p.Namespace == "" && p.IP.IsValid() {
			b.WriteString(p.IP.String())
		}
		b.WriteByte('|')
	}
	fmt.Fprintf(&b, "%d/%s", f.Port, f.Protocol)
	return b.String()
}

// reason says why lines are left out.
type reason string

// Why lines are left out.
const (
	leftReply    reason = "replies"
	leftDropped  reason = "dropped, and so no flow"
	leftProtocol reason = "of a protocol that NetworkPolicies do not know, such as ICMP"
	leftOwnNode  reason = "between a pod and its own node, which no NetworkPolicy forbids"
	leftNode     reason = "between a pod and another node, which Cilium does not match by its address (policy-cidr-match-mode: nodes does)"
	leftOther    reason = "no flows, but other events"
	leftNobody   reason = "without a party or a port"
)

// Flows are the flows that were read, each once, in the order in which they were seen first.
type Flows struct {
	// List are the flows.
	List []Flow
	// Lines is how many lines were read.
	Lines int

	known map[string]int
	left  map[reason]int
	// unsure are packets of which it is not said who called, each once, and doubts are their keys in the order in which
	// they were seen first.
	unsure map[string]connection
	doubts []string
}

// add adds a flow, unless it is known.
func (f *Flows) add(flow Flow) {
	if f.known == nil {
		f.known = map[string]int{}
	}
	at, known := f.known[flow.key()]
	if !known {
		f.known[flow.key()] = len(f.List)
		f.List = append(f.List, flow)
		return
	}
	old := &f.List[at]
	old.Guessed = old.Guessed && flow.Guessed
	old.From, old.To = old.From.fuller(flow.From), old.To.fuller(flow.To)
}

// fuller is the one of two sights of a party that says more of its pod; between equals, it does not matter which came first.
func (p Party) fuller(other Party) Party {
	if cmp.Or(cmp.Compare(len(p.Labels), len(other.Labels)), cmp.Compare(labels.FormatLabels(p.Labels), labels.FormatLabels(other.Labels)),
		p.IP.Compare(other.IP)) < 0 {
		return other
	}
	return p
}

// check refuses names and labels that nothing in a cluster has: they are printed, and labels become part of a profile.
func (p Party) check() error {
	var errs []string
	if p.Namespace != "" && len(validation.IsDNS1123Label(p.Namespace)) > 0 {
		errs = append(errs, fmt.Sprintf("%q is no name of a namespace", p.Namespace))
	}
	if p.Pod != "" && len(validation.IsDNS1123Subdomain(p.Pod)) > 0 {
		errs = append(errs, fmt.Sprintf("%q is no name of a pod", p.Pod))
	}
	for key, value := range p.Labels {
		if len(validation.IsQualifiedName(key))+len(validation.IsValidLabelValue(value)) > 0 {
			errs = append(errs, fmt.Sprintf("%q is no label of a pod", key+"="+value))
		}
	}
	if len(errs) == 0 {
		return nil
	}
	slices.Sort(errs)
	return errors.New(strings.Join(errs, ", "))
}

func (f *Flows) leave(why reason) {
	if f.left == nil {
		f.left = map[reason]int{}
	}
	f.left[why]++
}

// LeftOut says how many lines were left out and why, a line for each reason.
func (f *Flows) LeftOut() []string {
	var out []string
	for _, why := range []reason{leftReply, leftDropped, leftProtocol, leftOwnNode, leftNode, leftOther, leftNobody} {
		if n := f.left[why]; n > 0 {
			out = append(out, fmt.Sprintf("%d of %d lines left out: %s", n, f.Lines, why))
		}
	}
	return out
}
