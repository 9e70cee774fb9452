package plan

import (
	"fmt"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/addresses"
)

// Resolve returns the plan for what a cluster says. What cannot be looked up opens nothing, and is found.
func (p *Plan) Resolve(facts *Facts) Resolved {
	r := resolver{
		plan: p, facts: facts, found: map[Finding]bool{}, covered: map[string]bool{}, internet: map[Internet][]networkingv1.IPBlock{},
		left: map[LeftOut]bool{},
	}
	out := *p
	out.DNS = r.dns(p.DNS)
	out.Tiers = slices.Clone(p.Tiers)
	for i := range out.Tiers {
		t := &out.Tiers[i]
		t.Rules, t.Forms = nil, facts.Forms
		for j := range t.Declared {
			for _, rule := range r.rule(t, &t.Declared[j]) {
				t.Rules = append(t.Rules, r.written(t, &rule)...)
			}
		}
	}
	r.awaited()
	out.LeftOut = r.leftOut
	return Resolved{Plan: &out, Findings: r.findings}
}

type resolver struct {
	plan     *Plan
	facts    *Facts
	findings []Finding
	found    map[Finding]bool
	// covered are the peers of which it was looked whether they cover the cluster, and internet what is outside of it,
	// with private networks or without: both take a while where there are many nodes.
	covered  map[string]bool
	internet map[Internet][]networkingv1.IPBlock
	// leftOut are the names of ports that could not be written, and left the same, each once.
	leftOut []LeftOut
	left    map[LeftOut]bool
}

// findf takes note of a finding, once: both sides of a dependency come upon the same.
func (r *resolver) findf(reason, namespace, format string, args ...any) {
	f := Finding{Reason: reason, Namespace: namespace, Message: fmt.Sprintf(format, args...)}
	if !r.found[f] {
		r.found[f] = true
		r.findings = append(r.findings, f)
	}
}

// dns looks up where names are resolved.
func (r *resolver) dns(declared *DNS) *DNS {
	if declared == nil {
		return nil
	}
	out := *declared
	out.Addresses = out.NodeLocal
	if out.Service == "" {
		return &out
	}
	name := types.NamespacedName{Namespace: declared.Namespace, Name: declared.Service}
	service, found := r.facts.DNS[name]
	ports := service.narrowed(DNSPorts())
	if !found || service.Problem != "" || len(ports) == 0 {
		out.Pods, out.Ports = metav1.LabelSelector{}, nil
		r.findf(v1alpha1.ReasonDNSMissing, declared.Namespace,
			"%s; names cannot be resolved: give the Service or the pods of the cluster's DNS in spec.dns",
			whyNoDNS(name, found, &service))
		return &out
	}
	out.Pods, out.Ports = *service.selector(), r.dnsPorts(ports)
	if r.facts.GoByServiceAddresses {
		// A cache on the nodes may listen at the address of the Service itself.
		out.Addresses = sortedBlocks(slices.Concat(out.NodeLocal, hostBlocks(service.Addresses)))
	}
	return &out
}

func whyNoDNS(name types.NamespacedName, found bool, service *Service) string {
	switch {
	case !found:
		return fmt.Sprintf("the DNS Service %s is not there", name)
	case service.Problem != "":
		return fmt.Sprintf("the DNS Service %s %s", name, service.Problem.text())
	default:
		return fmt.Sprintf("the DNS Service %s has no port 53", name)
	}
}

func (p ServiceProblem) text() string {
	switch p {
	case ExternalName:
		return "is of type ExternalName, and stands for no pods"
	case TooLarge:
		return fmt.Sprintf("has more than %d ports, or selects by more than %d labels", MaxServicePorts, MaxServiceLabels)
	default:
		return "has no selector, and stands for no pods"
	}
}

// rule returns the rules that one side of a dependency becomes.
func (r *resolver) rule(t *Tier, rule *Rule) []Rule {
	if rule.Service != "" {
		// Each namespace puts in its own.
		r.leaveOutOfForms(rule, r.lookUp(rule, &Called{Profile: r.plan.Profile, Tier: t.Name, Service: rule.Service}))
	}
	switch {
	case rule.Remote.Profile != "":
		return r.consented(t, rule)
	case rule.Remote.Service != "":
		return r.remoteService(rule)
	case rule.Remote.APIServer:
		return r.apiServer(rule)
	case rule.Remote.Internet != nil:
		out := *rule
		out.Remote = Party{Peer: rule.Remote.Peer, CIDRs: r.outside(*rule.Remote.Internet)}
		return onlyWithAddresses(&out)
	}
	r.covers(rule)
	return []Rule{*rule}
}

// onlyWithAddresses leaves out a rule without addresses: NetworkPolicy would take it to mean everybody.
func onlyWithAddresses(rule *Rule) []Rule {
	if len(rule.Remote.CIDRs) == 0 {
		return nil
	}
	return []Rule{*rule}
}

// outside are the addresses outside the cluster.
func (r *resolver) outside(internet Internet) []networkingv1.IPBlock {
	if _, known := r.internet[internet]; !known {
		r.internet[internet] = addresses.Internet(r.facts.Addresses, internet.Private)
	}
	return r.internet[internet]
}

// covers looks whether declared addresses are the cluster's own: most engines match pods by their address, too.
func (r *resolver) covers(rule *Rule) {
	if r.covered[rule.Remote.Peer] {
		return
	}
	r.covered[rule.Remote.Peer] = true
	for _, c := range addresses.Covered(rule.Remote.CIDRs, r.facts.Addresses) {
		r.findf(v1alpha1.ReasonCoversCluster, "", "peer %s: %s covers %s, %s; most network plugins match them by address: "+
			"add it to except, or use a peer with namespaces, apiServer or internet", rule.Remote.Peer, c.Block, c.Range, kindText(c.Kind))
	}
}

func kindText(kind string) string {
	if kind == addresses.Metadata {
		return "a cloud's metadata service"
	}
	return "addresses of " + strings.ToLower(kind)
}

// apiServer puts in the addresses of the API server: as what is called, on its own ports; as what calls, from them.
func (r *resolver) apiServer(rule *Rule) []Rule {
	if len(r.facts.APIServer) == 0 {
		r.findf(v1alpha1.ReasonAPIServerUnknown, "", "peer %s: no addresses are known behind the Service kubernetes in namespace default; "+
			"dependencies with it open nothing", rule.Remote.Peer)
	}
	var out []Rule
	for _, endpoints := range r.facts.APIServer {
		one := *rule
		one.Remote = Party{Peer: rule.Remote.Peer, CIDRs: endpoints.Blocks}
		if rule.Direction == networkingv1.PolicyTypeEgress {
			one.Ports = endpoints.Ports
		}
		out = append(out, one)
	}
	return append(out, r.byAddress(rule, &r.facts.APIServerService)...)
}

// byAddress returns the rule that opens the way to a Service by its addresses, where the network plugin goes by these.
func (r *resolver) byAddress(rule *Rule, s *Service) []Rule {
	if !r.facts.GoByServiceAddresses || rule.Direction != networkingv1.PolicyTypeEgress {
		return nil
	}
	one := *rule
	one.Remote, one.Ports = Party{Peer: rule.Remote.Peer}, fronts(s.narrowed(rule.Ports))
	if len(s.Addresses) > MaxOutside {
		r.findf(v1alpha1.ReasonTooManyServices, "",
			"dependency %s: it calls more than %d addresses of Services; the others are left out", rule.Dependency, MaxOutside)
	}
	one.Remote.CIDRs = sortedBlocks(hostBlocks(s.Addresses[:min(len(s.Addresses), MaxOutside)]))
	if len(one.Ports) == 0 {
		return nil
	}
	return onlyWithAddresses(&one)
}
