package engine

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/segmentation-dev/segmentation-operator/internal/addresses"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// Effect is what becomes of a dependency.
type Effect string

// The effects.
const (
	// Opens: more passes than is declared.
	Opens Effect = "EngineWider"
	// Closes: less passes than is declared, or may.
	Closes Effect = "EngineNarrower"
)

// Finding is something that an engine makes of a plan, other than what is declared.
type Finding struct {
	// Dependency is the name of the dependency; empty if it is about the resolution of names, or about all.
	Dependency string
	// Feature is what it relies on; empty if nothing is enforced at all.
	Feature Feature
	// Effect is what becomes of it.
	Effect Effect
	// Message says what the engine does and what to do about it.
	Message string
}

// Findings tells what an engine makes of a plan for what a cluster says, other than what is declared. Each thing is told
// once, though both sides of a dependency may have it. Of what is unknown nothing is told.
func Findings(p *plan.Plan, engine Found, cluster *addresses.Cluster) []Finding {
	if engine.Name == None {
		return []Finding{{Effect: Opens, Message: fmt.Sprintf(
			"nothing is isolated, and every flow passes: no engine enforces NetworkPolicies (%s); install one", engine.Why)}}
	}
	f := finder{engine: engine, cluster: cluster}
	for i := range p.Tiers {
		t := &p.Tiers[i]
		if p.DNS != nil {
			f.rule(t, &plan.Rule{Direction: networkingv1.PolicyTypeEgress, Ports: p.DNS.Ports})
		}
		for j := range t.Rules {
			// The ports of a Service that was not looked up are its own, and no policy has them.
			if t.Rules[j].Service == "" {
				f.rule(t, &t.Rules[j])
			}
		}
	}
	for i := range p.LeftOut {
		f.leftOut(&p.LeftOut[i])
	}
	return f.out
}

type finder struct {
	engine  Found
	cluster *addresses.Cluster
	out     []Finding
}

func (f *finder) rule(t *plan.Tier, rule *plan.Rule) {
	names := NamesEgress
	if rule.Direction == networkingv1.PolicyTypeIngress {
		names = NamesIngress
	}
	for i := range rule.Ports {
		port := &rule.Ports[i]
		if port.EndPort != nil && *port.EndPort != port.Port.IntVal {
			f.find(t, rule, EndPort, fmt.Sprintf("the ports %d-%d/%s", port.Port.IntVal, *port.EndPort, protocolOf(port)))
		}
		if protocolOf(port) == corev1.ProtocolSCTP {
			f.find(t, rule, SCTP, "SCTP")
		}
		if port.Port != nil && port.Port.Type == intstr.String {
			f.find(t, rule, names, fmt.Sprintf("the port name %s/%s", port.Port.StrVal, protocolOf(port)))
		}
	}
	for i := range rule.Remote.CIDRs {
		block := &rule.Remote.CIDRs[i]
		if selectsAny(block, f.cluster.Pods) {
			f.find(t, rule, BlockOfPods, "the addresses of pods in "+block.CIDR)
		}
		if selectsAny(block, f.cluster.Nodes) {
			f.find(t, rule, BlockOfNodes, "the addresses of nodes in "+block.CIDR)
		}
	}
}

// find tells what the engine makes of something that a rule has.
func (f *finder) find(t *plan.Tier, rule *plan.Rule, feature Feature, has string) {
	cell := Of(f.engine.Name, feature)
	reading, what := cell.at(f.engine.Version)
	effect, becomes := Closes, "becomes narrower"
	switch reading {
	case Wider:
		effect, becomes = Opens, "becomes wider"
	case Optional:
		becomes = "may become narrower"
	case RefusedWhole:
		// The policy of the whole tier is the one that isolates it. One of chosen pods adds to it.
		if rule.Pods == nil {
			effect, becomes, what = Opens, "becomes wider", what+": then nothing isolates the pods of tier "+t.Name
		} else {
			what += ": then nothing of this dependency passes"
		}
	case Narrower, Ignored:
	case Enforced, Unread:
		return
	}
	f.add(Finding{Dependency: rule.Dependency, Feature: feature, Effect: effect, Message: fmt.Sprintf("%s %s by %s: %s %s; %s",
		about(rule.Dependency), becomes, has, f.engine.Name, what, cmp.Or(cell.Fix, fixOf(feature)))})
}

// add tells each thing once, though both sides of a dependency have it.
func (f *finder) add(finding Finding) {
	isKnown := func(other Finding) bool { return other.Message == finding.Message }
	if !slices.ContainsFunc(f.out, isKnown) {
		f.out = append(f.out, finding)
	}
}

func about(dependency string) string {
	if dependency == "" {
		return "name resolution"
	}
	return "dependency " + dependency
}

// fixOf says what to do where an engine does not do with a feature what the API says.
func fixOf(feature Feature) string {
	switch feature {
	case EndPort:
		return "list the ports one by one"
	case SCTP:
		return "enforce it with another engine"
	case NamesIngress, NamesEgress:
		return "give its number, in the dependency or as the targetPort of the Service"
	case BlockOfPods:
		return "choose these pods by namespaces and labels: as a tier, or a peer with namespaces"
	default:
		return "allow it by a policy of the engine's own"
	}
}

func protocolOf(port *networkingv1.NetworkPolicyPort) corev1.Protocol {
	if port.Protocol == nil {
		return corev1.ProtocolTCP
	}
	return *port.Protocol
}

// selectsAny tells whether a block has any address of some ranges. Where only several exceptions together take a range
// out, it says yes.
func selectsAny(block *networkingv1.IPBlock, ranges []netip.Prefix) bool {
	cidr, err := netip.ParsePrefix(block.CIDR)
	return err == nil && slices.ContainsFunc(ranges, func(r netip.Prefix) bool {
		if !cidr.Overlaps(r) {
			return false
		}
		common := r
		if cidr.Bits() > r.Bits() {
			common = cidr
		}
		return !slices.ContainsFunc(block.Except, func(text string) bool {
			except, err := netip.ParsePrefix(text)
			return err == nil && except.Bits() <= common.Bits() && except.Overlaps(common)
		})
	})
}
