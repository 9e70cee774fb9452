package invariant

import (
	"math/bits"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// Flows are the verdicts on all flows of a world, each side by itself.
type Flows struct {
	world *World
	// egress and ingress have a word for each pair of ends, in the order of the caller and
	// then the called one, and in it a bit for each port. What is called by an address has
	// no egress to ask, so all of it is open; between two addresses nothing is.
	egress, ingress []uint64
}

// Flows judges a state as a whole. Use a Tracker for states that follow one another.
func (w *World) Flows(namespaces []reach.Namespace, policies []*networkingv1.NetworkPolicy) (Flows, error) {
	t, err := NewTracker(w)
	if err != nil {
		return Flows{}, err
	}
	of := map[string][]*networkingv1.NetworkPolicy{}
	for _, p := range policies {
		of[p.Namespace] = append(of[p.Namespace], p)
	}
	for _, ns := range namespaces {
		if err := t.SetLabels(ns.Name, ns.Labels); err != nil {
			return Flows{}, err
		}
	}
	for name := range of {
		if err := t.SetPolicies(name, of[name]); err != nil {
			return Flows{}, err
		}
	}
	return t.Flows(), nil
}

// newFlows has everything closed.
func newFlows(w *World) Flows {
	return Flows{world: w, egress: make([]uint64, w.ends()*w.ends()), ingress: make([]uint64, w.ends()*w.ends())}
}

// Clone returns a copy.
func (f Flows) Clone() Flows {
	return Flows{world: f.world, egress: slices.Clone(f.egress), ingress: slices.Clone(f.ingress)}
}

// Equal tells whether two states let the same pass on each side.
func (f Flows) Equal(other Flows) bool {
	return slices.Equal(f.egress, other.egress) && slices.Equal(f.ingress, other.ingress)
}

// Allowed is the number of flows that pass.
func (f Flows) Allowed() int {
	n := 0
	for i := range f.egress {
		n += bits.OnesCount64(f.egress[i] & f.ingress[i])
	}
	return n
}

// Each calls a function with every flow and the verdict on it.
func (f Flows) Each(do func(from, to reach.Endpoint, port Port, verdict reach.Verdict)) {
	for pair := range f.egress {
		from, to := pair/f.world.ends(), pair%f.world.ends()
		if min(from, to) >= f.world.pods() {
			continue
		}
		for i, port := range f.world.Ports {
			do(f.world.endpoint(from), f.world.endpoint(to), port,
				reach.Verdict{Egress: f.egress[pair]>>i&1 == 1, Ingress: f.ingress[pair]>>i&1 == 1})
		}
	}
}
