package offline

import (
	"fmt"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"

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
	// no profile has a say.
	Add   string `json:"add,omitempty"`
	AddTo string `json:"addTo,omitempty"`
}

// Ask answers a question.
func Ask(w *World, q Question) (*Answer, error) {
	rendered := Render(w)
	cluster, err := rendered.Cluster(w.Policies)
	policies := rendered.policies(w.Policies)
	if !q.AsDeclared {
		cluster, err = w.cluster()
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
		Why: []string{why(explained.Egress, policies), why(explained.Ingress, policies)},
	}
	if !out.Allowed {
		out.AddTo, out.Add = a.missing(from, called, port)
	}
	return out, nil
}

// why says what decides on one side, and what declares the policy.
func why(s reach.Side, policies []*networkingv1.NetworkPolicy) string {
	text := s.String()
	if s.Reason != reach.ByRule {
		return text
	}
	for _, p := range policies {
		if p.Namespace != s.Namespace || p.Name != s.Policies[0] {
			continue
		}
		if p.Labels[v1alpha1.ManagedByLabel] != v1alpha1.ManagedByValue {
			return text + ", which the operator did not write"
		}
		if declared := p.Annotations[v1alpha1.DeclaredByAnnotation]; declared != "" {
			return text + ", declared by " + declared
		}
	}
	return text
}

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
	for i := range foreign {
		if !isOwn(&foreign[i]) {
			out = append(out, &foreign[i])
		}
	}
	return out
}

// cluster is the world as it is.
func (w *World) cluster() (*reach.Cluster, error) {
	namespaces := make([]reach.Namespace, 0, len(w.Namespaces))
	for i := range w.Namespaces {
		namespaces = append(namespaces, reach.Namespace{Name: w.Namespaces[i].Name, Labels: w.Namespaces[i].Labels})
	}
	return reach.New(namespaces, pointersTo(w.Policies))
}

// missing is the dependency that would let a flow pass, and whose profile it belongs to.
func (a *asker) missing(from, to *asked, port portAsked) (profile, line string) {
	switch {
	case from.profile != "" && to.profile != "" && from.profile != to.profile:
		return "profiles " + from.profile + " and " + to.profile, fmt.Sprintf(
			"# in %s\n%s# in %s\n%s",
			from.profile, dependency(from.tierText(""), to.tierText(from.profile), from, to, port),
			to.profile, dependency(from.tierText(to.profile), to.tierText(""), from, to, port))
	case from.profile != "":
		return "profile " + from.profile, to.peerText() + dependency(from.tierText(""), to.endText(), from, to, port)
	case to.profile != "":
		return "profile " + to.profile, from.peerText() + dependency(from.endText(), to.tierText(""), from, to, port)
	default:
		return "", ""
	}
}

func dependency(from, to string, f, t *asked, port portAsked) string {
	return fmt.Sprintf("dependencies:\n- {name: %s-%s, from: {%s}, to: {%s}, ports: [%s]}\n", f.short(), t.short(), from, to, port.yaml())
}

// tierText names the tier of a party as a profile does; with the other profile's name, unless that asks itself.
func (p *asked) tierText(other string) string {
	if other != "" && p.profile != other {
		return fmt.Sprintf("profile: %s, tier: %s", p.profile, p.tier)
	}
	return "tier: " + p.tier
}

func (p *asked) endText() string {
	if p.profile != "" {
		return p.tierText("")
	}
	return "peer: " + p.short()
}

// peerText declares a party that is no tier as a peer.
func (p *asked) peerText() string {
	switch {
	case p.profile != "":
		return ""
	case p.end.Pod != nil:
		return fmt.Sprintf("peers:\n- {name: %s, namespaces: {names: [%s]}}\n", p.short(), p.end.Pod.Namespace)
	default:
		bits := p.end.IP.BitLen()
		return fmt.Sprintf("peers:\n- {name: %s, cidrs: [{cidr: %s/%d}]}\n", p.short(), p.end.IP, bits)
	}
}

// short is a name for a party in the name of a dependency.
func (p *asked) short() string {
	if p.profile != "" {
		return p.tier
	}
	if p.end.Pod != nil {
		return p.end.Pod.Namespace
	}
	return strings.Trim(strings.NewReplacer(".", "-", ":", "-").Replace("ip-"+p.end.IP.String()), "-")
}
