package invariant

import (
	"fmt"
	"math/bits"
	"strings"
)

// maxListed is how many violations of one kind a report lists.
const maxListed = 10

// Kind is the kind of a violation.
type Kind int

const (
	// Lost is a flow that passes before and after, and not in between.
	Lost Kind = iota
	// Egress is a flow that the caller's side lets out, and neither before nor after.
	Egress
	// Ingress is a flow that the called side lets in, and neither before nor after.
	Ingress
	// Opened is a flow that passes, and neither before nor after. It need not be a
	// violation of one side: the caller may have been open before, and the called one after.
	Opened

	kinds
)

func (k Kind) String() string {
	return [...]string{"lost", "egress", "ingress", "opened"}[k]
}

// Violation is one flow that breaks the promise.
type Violation struct {
	Kind Kind
	// From and To are the ends: a namespace and a class of pods, or an address.
	From, To string
	// Port is the port of the called end.
	Port Port
	// egress and ingress are what each side lets pass in the state that was judged.
	egress, ingress bool
}

// String is a sentence.
func (v Violation) String() string {
	flow := fmt.Sprintf("%s to %s %s: ", v.From, v.To, v.Port)
	switch v.Kind {
	case Lost:
		return flow + "allowed before and after, and now denied by " + v.deniedBy()
	case Egress:
		return flow + "the egress of " + v.From + " is open now, and neither before nor after"
	case Ingress:
		return flow + "the ingress of " + v.To + " is open now, and neither before nor after"
	default:
		return flow + "allowed now, and neither before nor after"
	}
}

func (v Violation) deniedBy() string {
	var sides []string
	if !v.egress {
		sides = append(sides, "the egress of "+v.From)
	}
	if !v.ingress {
		sides = append(sides, "the ingress of "+v.To)
	}
	return strings.Join(sides, " and ")
}

// Report is what is wrong with a state.
type Report struct {
	// Counts are the numbers of violations by kind: flows with their port.
	Counts [kinds]int
	// First are the first violations of each kind, at most ten.
	First []Violation
}

// OK tells whether nothing is wrong.
func (r *Report) OK() bool { return r.Counts == [kinds]int{} }

// Total is the number of violations of all kinds.
func (r *Report) Total() int {
	n := 0
	for _, count := range r.Counts {
		n += count
	}
	return n
}

// String has a line of counts, and a line for each listed violation.
func (r *Report) String() string {
	var out strings.Builder
	for kind := range kinds {
		fmt.Fprintf(&out, "%s=%d ", kind, r.Counts[kind])
	}
	for _, v := range r.First {
		fmt.Fprintf(&out, "\n\t%s", v)
	}
	return out.String()
}

// add counts what was found at a pair of ends.
func (r *Report) add(s Flows, pair int, found [kinds]uint64) {
	for kind, ports := range found {
		listed := r.Counts[kind]
		r.Counts[kind] += bits.OnesCount64(ports)
		for ; ports != 0 && listed < maxListed; listed++ {
			port := bits.TrailingZeros64(ports)
			ports &^= 1 << port
			r.First = append(r.First, s.violation(Kind(kind), pair, port))
		}
	}
}

func (f Flows) violation(kind Kind, pair, port int) Violation {
	return Violation{
		Kind: kind, From: f.world.end(pair / f.world.ends()), To: f.world.end(pair % f.world.ends()), Port: f.world.Ports[port],
		egress: f.egress[pair]>>port&1 == 1, ingress: f.ingress[pair]>>port&1 == 1,
	}
}
