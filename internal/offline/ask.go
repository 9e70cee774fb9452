package offline

import (
	"fmt"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// Question asks whether one party may reach another.
type Question struct {
	// From and To are the parties, in the words of the command line. To ends with the port.
	From, To string
	// FromLabels and ToLabels are the labels of pods that do not exist.
	FromLabels, ToLabels map[string]string
	// AsDeclared asks about what the operator would make of the world; otherwise about the policies that are there.
	AsDeclared bool
}

// Answer is the answer to a question.
type Answer struct {
	// Allowed tells whether the flow passes.
	Allowed bool `json:"allowed"`
	// From, To and Port say what was asked.
	From string `json:"from"`
	To   string `json:"to"`
	Port string `json:"port"`
	// Why says what decides, a line for each side, and what declares it.
	Why []string `json:"why"`
	// Add is the dependency that would allow it, as YAML, and AddTo whose profile it belongs to; empty if it passes, or if
	// no profile has a say, as where the Admin tier of ClusterNetworkPolicies denies it.
	Add   string `json:"add,omitempty"`
	AddTo string `json:"addTo,omitempty"`
}

// Ask answers a question.
func Ask(w *World, q Question) (*Answer, error) {
	rendered := Render(w)
	cluster, err := rendered.Cluster(w.Policies)
	policies := rendered.policies(w.Policies)
	if !q.AsDeclared {
		cluster, err = w.Cluster()
		policies = pointersTo(w.Policies)
	}
	if err != nil {
		return nil, fmt.Errorf("judging the policies: %w", err)
	}
	a := asker{world: w, rendered: rendered, asDeclared: q.AsDeclared}
	to, port, err := splitPort(q.To)
	if err != nil {
		return nil, err
	}
	from, err := a.party(q.From, q.FromLabels)
	if err != nil {
		return nil, err
	}
	called, err := a.party(to, q.ToLabels)
	if err != nil {
		return nil, err
	}
	flow, err := flowOf(from, called, port)
	if err != nil {
		return nil, err
	}
	explained := cluster.Explain(flow)
	out := &Answer{
		Allowed: explained.Verdict().Allowed(), From: from.text, To: called.text, Port: port.text(),
		Why: []string{w.why(explained.Egress, policies), w.why(explained.Ingress, policies)},
	}
	if !out.Allowed && !isForbidden(explained.Egress) && !isForbidden(explained.Ingress) {
		out.AddTo, out.Add = a.missing(from, called, port)
	}
	return out, nil
}

// isForbidden tells whether a side is denied in a way that no profile can change: by the Admin tier.
func isForbidden(s reach.Side) bool {
	return s.Reason == reach.DeniedByClusterPolicy && s.Tier == policyv1alpha2.AdminTier
}

// why says what decides on one side, and what declares the policy.
func (w *World) why(s reach.Side, policies []*networkingv1.NetworkPolicy) string {
	text := s.String()
	if s.Reason == reach.AcceptedByClusterPolicy || s.Reason == reach.DeniedByClusterPolicy {
		i := slices.IndexFunc(w.ClusterPolicies, func(p policyv1alpha2.ClusterNetworkPolicy) bool { return p.Name == s.Policies[0] })
		if i >= 0 && !isManaged(&w.ClusterPolicies[i]) {
			text += notOurs
		}
		return text
	}
	if s.Reason != reach.ByRule {
		return text
	}
	for _, p := range policies {
		if p.Namespace != s.Namespace || p.Name != s.Policies[0] {
			continue
		}
		if p.Labels[v1alpha1.ManagedByLabel] != v1alpha1.ManagedByValue {
			return text + notOurs
		}
		if declared := p.Annotations[v1alpha1.DeclaredByAnnotation]; declared != "" {
			return text + ", declared by " + declared
		}
	}
	return text
}

const notOurs = ", which the operator did not write"

func pointersTo[T any](items []T) []*T {
	out := make([]*T, 0, len(items))
	for i := range items {
		out = append(out, &items[i])
	}
	return out
}

// policies are all that were rendered, and those of others.
func (r *Rendered) policies(foreign []networkingv1.NetworkPolicy) []*networkingv1.NetworkPolicy {
	var out []*networkingv1.NetworkPolicy
	for i := range r.Namespaces {
		out = append(out, r.Namespaces[i].Objects.Policies...)
	}
	return append(out, foreignOf(foreign)...)
}

// Cluster is the world as it is, whoever wrote its policies.
func (w *World) Cluster() (*reach.Cluster, error) {
	namespaces := make([]reach.Namespace, 0, len(w.Namespaces))
	for i := range w.Namespaces {
		namespaces = append(namespaces, reach.Namespace{Name: w.Namespaces[i].Name, Labels: w.Namespaces[i].Labels})
	}
	return reach.NewTiered(namespaces, pointersTo(w.Policies), pointersTo(w.ClusterPolicies))
}
