package suggest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// side is one side of a dependency.
type side struct {
	// tier is the name of a tier: of ours, or of profile.
	tier, profile string
	// peer is the key of a peer.
	peer string
	// pods narrows a tier, as the text of podsOf.
	pods string
}

// whole is the side without what narrows it.
func (s side) whole() side {
	s.pods = ""
	return s
}

// outsider is a peer in the making.
type outsider struct {
	peer v1alpha1.Peer
	// words are what its name is made of.
	words   []string
	remarks []Remark
}

// opening is a port, a range of ports, every port of a protocol, or any port at all if it is zero.
type opening struct {
	protocol     corev1.Protocol
	name         string
	number, last int32
}

func (o opening) compare(other opening) int {
	return cmp.Or(cmp.Compare(o.protocol, other.protocol), cmp.Compare(o.number, other.number),
		cmp.Compare(o.name, other.name), cmp.Compare(o.last, other.last))
}

func (o opening) port() v1alpha1.Port {
	out := v1alpha1.Port{Protocol: o.protocol}
	switch {
	case o.name != "":
		out.Port = new(intstr.FromString(o.name))
	case o.number != 0:
		out.Port = new(intstr.FromInt32(o.number))
	}
	if o.last > o.number {
		out.EndPort = o.last
	}
	return out
}

func (o opening) String() string {
	text := o.name
	switch {
	case o.last > o.number:
		text = fmt.Sprintf("%d-%d", o.number, o.last)
	case o.number != 0:
		text = strconv.Itoa(int(o.number))
	}
	return strings.TrimPrefix(fmt.Sprintf("%s/%s", text, o.protocol), "/")
}

// openingsOf are the ports of a rule: none if it opens all of them.
func openingsOf(ports []networkingv1.NetworkPolicyPort) []opening {
	out := make([]opening, 0, len(ports))
	for i := range ports {
		p := &ports[i]
		o := opening{protocol: corev1.ProtocolTCP}
		if p.Protocol != nil {
			o.protocol = *p.Protocol
		}
		if p.Port != nil {
			o.name, o.number = p.Port.StrVal, p.Port.IntVal
		}
		if p.EndPort != nil {
			o.last = *p.EndPort
		}
		out = append(out, o)
	}
	return out
}

// wish is a dependency that a policy or a Service asks for.
type wish struct {
	from, to side
	// service is the Service that is called; empty for none.
	service string
	// ports are its ports; none for all.
	ports []opening
	// why says what asks for it.
	why string
}

// isTo tells whether all that is opened is one port.
func isTo(ports []opening, number int32) bool {
	return len(ports) > 0 && !slices.ContainsFunc(ports, func(o opening) bool { return o.number != number || o.last > number })
}

// asNumbers are those of the ports that are no names: of an address, a name says nothing.
func asNumbers(ports []opening) []opening {
	return slices.DeleteFunc(slices.Clone(ports), func(o opening) bool { return o.name != "" })
}
