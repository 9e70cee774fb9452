package invariant

import (
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// Tracker follows the flows of a cluster that changes. At first no namespace has labels or
// policies, so everything is open. It is for one goroutine.
type Tracker struct {
	world      *World
	judge      *judge
	namespaces []*state
	index      map[string]int
	flows      Flows
	every      uint64
}

// state is what is known of one namespace.
type state struct {
	reach.Namespace

	labels   string
	policies []tracked
}

// tracked is a policy with what it does in its own namespace.
type tracked struct {
	policy  *networkingv1.NetworkPolicy
	content content
	side    side
}

// NewTracker begins to follow a world.
func NewTracker(w *World) (*Tracker, error) {
	if err := w.validate(); err != nil {
		return nil, err
	}
	t := &Tracker{world: w, judge: newJudge(w), index: map[string]int{}, flows: newFlows(w)}
	t.every = ^uint64(0) >> (maxPorts - len(w.Ports))
	for i, name := range w.Namespaces {
		t.index[name] = i
		t.namespaces = append(t.namespaces, &state{Namespace: reach.Namespace{Name: name}, labels: labelText(name, nil)})
	}
	for i := range t.namespaces {
		if err := t.recompute(i); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Flows are the verdicts on the present state. They are a copy, which later changes leave
// as it is.
func (t *Tracker) Flows() Flows { return t.flows.Clone() }

// Check compares the present state with bounds.
func (t *Tracker) Check(b *Bounds) Report { return b.Check(t.flows) }

// SetLabels sets all labels of a namespace. The label with the name is there by itself.
func (t *Tracker) SetLabels(namespace string, labels map[string]string) error {
	at, err := t.find(namespace)
	if err != nil {
		return err
	}
	text := labelText(namespace, labels)
	if text == t.namespaces[at].labels {
		return nil
	}
	t.namespaces[at].Labels, t.namespaces[at].labels = labels, text
	for i := range t.namespaces {
		if err := t.between(i, at); err != nil {
			return err
		}
	}
	return nil
}

// SetPolicies sets all policies of a namespace. They must not be changed afterwards.
func (t *Tracker) SetPolicies(namespace string, policies []*networkingv1.NetworkPolicy) error {
	at, err := t.find(namespace)
	if err != nil {
		return err
	}
	all := make([]tracked, 0, len(policies))
	for _, p := range policies {
		key, err := contentOf(p)
		if err != nil {
			return fmt.Errorf("policy %s/%s: %w", namespace, p.Name, err)
		}
		s, err := t.judge.side(key, p)
		if err != nil {
			return fmt.Errorf("policy %s/%s: %w", namespace, p.Name, err)
		}
		all = append(all, tracked{policy: p, content: key, side: s})
	}
	t.namespaces[at].policies = all
	return t.recompute(at)
}

func (t *Tracker) find(namespace string) (int, error) {
	at, ok := t.index[namespace]
	if !ok {
		return 0, fmt.Errorf("namespace %s is not of this world", namespace)
	}
	return at, nil
}

// recompute judges everything that the policies of a namespace decide.
func (t *Tracker) recompute(at int) error {
	for other := range t.namespaces {
		if err := t.between(at, other); err != nil {
			return err
		}
	}
	policies := t.namespaces[at].policies
	for class := range t.world.Classes {
		pod := t.pod(at, class)
		for i := range t.world.Addresses {
			address := t.world.pods() + i
			to := t.open(policies, class, egress, func(p int) uint64 { return policies[p].side.to[i] })
			from := t.open(policies, class, ingress, func(p int) uint64 { return policies[p].side.from[i] })
			t.flows.egress[t.pair(pod, address)], t.flows.ingress[t.pair(address, pod)] = to, from
			// Nobody asks the address.
			t.flows.ingress[t.pair(pod, address)], t.flows.egress[t.pair(address, pod)] = t.every, t.every
		}
	}
	return nil
}

// between judges what the policies of one namespace decide about the pods of another.
func (t *Tracker) between(at, other int) error {
	policies := t.namespaces[at].policies
	answers := make([]answer, 0, len(policies))
	for i := range policies {
		a, err := t.judge.answer(policies[i].content, policies[i].policy, at == other, t.namespaces[other])
		if err != nil {
			return fmt.Errorf("policy %s/%s: %w", t.namespaces[at].Name, policies[i].policy.Name, err)
		}
		answers = append(answers, a)
	}
	for nearClass := range t.world.Classes {
		pod := t.pod(at, nearClass)
		for farClass := range t.world.Classes {
			peer := t.pod(other, farClass)
			to := t.open(policies, nearClass, egress, func(p int) uint64 { return answers[p].to[farClass] })
			from := t.open(policies, nearClass, ingress, func(p int) uint64 { return answers[p].from[farClass] })
			t.flows.egress[t.pair(pod, peer)], t.flows.ingress[t.pair(peer, pod)] = to, from
		}
	}
	return nil
}

// open adds up what the policies open that isolate a class of pods; everything is open where
// none does.
func (t *Tracker) open(policies []tracked, class int, of direction, opens func(policy int) uint64) uint64 {
	var ports uint64
	isolated := false
	for i := range policies {
		if policies[i].side.isolates[of][class] {
			isolated = true
			ports |= opens(i)
		}
	}
	if !isolated {
		return t.every
	}
	return ports
}

func (t *Tracker) pod(namespace, class int) int { return namespace*len(t.world.Classes) + class }

func (t *Tracker) pair(from, to int) int { return from*t.world.ends() + to }
