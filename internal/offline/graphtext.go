package offline

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// counted is a number of things in words.
func counted(n int, what string) string {
	switch n {
	case 0:
		return "no " + what
	case 1:
		return "1 " + what
	default:
		return fmt.Sprintf("%d %ss", n, what)
	}
}

func internalText(t v1alpha1.InternalTraffic) string {
	switch t {
	case v1alpha1.InternalTrafficDeny:
		return "closed inside"
	case v1alpha1.InternalTrafficSameTier:
		return "open inside the tier"
	default:
		return "open inside a namespace"
	}
}

// peerTexts say what a peer is.
func peerTexts(p *v1alpha1.Peer) []string {
	var out []string
	switch {
	case p.APIServer != nil:
		return []string{"the API server"}
	case p.Internet != nil && p.Internet.PrivateRanges == v1alpha1.PrivateRangesIncluded:
		return []string{"all outside the cluster", "and private networks"}
	case p.Internet != nil:
		return []string{"all outside the cluster"}
	case p.Namespaces != nil:
		out = append(out, namespacesText(p.Namespaces))
	}
	for _, c := range p.CIDRs {
		out = append(out, cidrText(&c))
	}
	if text := selectorText(p.Pods); text != "" {
		out = append(out, "pods with "+text)
	}
	if p.Service != "" {
		out = append(out, "pods of Service "+string(p.Service))
	}
	return out
}

// selectorText says what a selector chooses, as kubectl's -l takes it; empty for everything.
func selectorText(s *v1alpha1.LabelSelector) string {
	if s == nil {
		return ""
	}
	var out []string
	for key, value := range s.MatchLabels {
		out = append(out, key+"="+string(value))
	}
	for i := range s.MatchExpressions {
		e := &s.MatchExpressions[i]
		values := make([]string, 0, len(e.Values))
		for _, v := range e.Values {
			values = append(values, string(v))
		}
		slices.Sort(values)
		list := " (" + strings.Join(values, ",") + ")"
		switch e.Operator {
		case v1alpha1.LabelSelectorOpIn:
			out = append(out, e.Key+" in"+list)
		case v1alpha1.LabelSelectorOpNotIn:
			out = append(out, e.Key+" notin"+list)
		case v1alpha1.LabelSelectorOpDoesNotExist:
			out = append(out, "!"+e.Key)
		default:
			out = append(out, e.Key)
		}
	}
	slices.Sort(out)
	return strings.Join(out, ",")
}

// portsText says which ports a dependency opens. Those without a protocol are TCP.
func portsText(d *v1alpha1.Dependency) string {
	texts := make([]string, 0, len(d.Ports))
	for i := range d.Ports {
		p := &d.Ports[i]
		protocol := "/" + string(p.Protocol)
		if p.Protocol == "" || p.Protocol == corev1.ProtocolTCP {
			protocol = ""
		}
		switch {
		case p.Port == nil && protocol == "":
			texts = append(texts, "every TCP port")
		case p.Port == nil:
			texts = append(texts, "every "+protocol[1:]+" port")
		case p.EndPort != 0:
			texts = append(texts, p.Port.String()+"-"+strconv.Itoa(int(p.EndPort))+protocol)
		default:
			texts = append(texts, p.Port.String()+protocol)
		}
	}
	switch {
	case len(texts) > 0:
		return strings.Join(texts, ", ")
	case d.To.Service != "":
		return "every port of it"
	default:
		return "every port"
	}
}

// isAPIServer tells whether a peer is the API server, whose ports are found.
func isAPIServer(p *Profile, peer v1alpha1.Name) bool {
	return slices.ContainsFunc(p.Profile.Spec.Peers, func(other v1alpha1.Peer) bool { return other.Name == peer && other.APIServer != nil })
}

func namespacesText(s *v1alpha1.NamespaceSet) string {
	names := make([]string, 0, len(s.Names))
	for _, n := range s.Names {
		names = append(names, string(n))
	}
	slices.Sort(names)
	switch text := selectorText(s.Selector); {
	case len(names) == 1:
		return "namespace " + names[0]
	case len(names) > 1:
		return "namespaces " + strings.Join(names, ", ")
	case text == "":
		return "every namespace"
	default:
		return "namespaces with " + text
	}
}

func cidrText(c *v1alpha1.CIDRBlock) string {
	if len(c.Except) == 0 {
		return string(c.CIDR)
	}
	excepts := make([]string, 0, len(c.Except))
	for _, e := range c.Except {
		excepts = append(excepts, string(e))
	}
	return string(c.CIDR) + " except " + strings.Join(excepts, ", ")
}
