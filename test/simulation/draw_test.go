package simulation

import (
	"fmt"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/invariant"
)

// Namespaces that no profile selects: one with labels, and one without.
const (
	labelled = "ops"
	bare     = "bare"
)

func world(namespaces []string) *invariant.World {
	return &invariant.World{
		Namespaces: append(namespaces, labelled, bare),
		Classes: []invariant.Class{
			{Name: "plain"},
			{Name: "a", Labels: map[string]string{"app": "a"}},
			{Name: "b", Labels: map[string]string{"app": "b"}},
			{Name: "ab", Labels: map[string]string{"app": "a", "role": "b"}},
		},
		Addresses: []netip.Addr{netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("2001:db8::1")},
		Ports:     append(invariant.TCP(80, 81, 85, 443), invariant.UDP(53)...),
		Named:     []reach.NamedPort{{Name: "http", Protocol: corev1.ProtocolTCP, Number: 80}},
	}
}

// drawNamespaces draws the members to be, with the labels that tiers select by.
func drawNamespaces(t *rapid.T) map[string]map[string]string {
	out := map[string]map[string]string{}
	for i := range rapid.IntRange(2, 5).Draw(t, "namespaces") {
		out[fmt.Sprint("n", i)] = map[string]string{"layer": drawLayer(t)}
	}
	return out
}

// foreign is a policy of somebody else, that isolates some pods.
func foreign(namespace string) *networkingv1.NetworkPolicy {
	return builders.MakeNetworkPolicy(namespace, "theirs").Pods(map[string]string{"app": "a"}).DenyAll().Obj()
}

func drawLayer(t *rapid.T) string {
	return rapid.SampledFrom([]string{"a", "b", "c", "none"}).Draw(t, "layer")
}

// putProfile draws a profile and puts it into the store, beside those that are there.
func (s *simulated) putProfile(name string, created time.Time) {
	s.store.putProfile(drawProfile(s.t, name, created, s.store.profiles, s.profiles))
}

// drawProfile draws a profile whose tiers and dependencies have few names, so that another one
// drawn after it changes what they mean. It may have paths to others, of which some are there already.
func drawProfile(
	t *rapid.T, name string, created time.Time, there map[string]*v1alpha1.SegmentationProfile, others []string,
) *v1alpha1.SegmentationProfile {
	b := builders.MakeProfile(name).DNS(drawDNS(t)).Peer(peers()...)
	layers := rapid.Permutation([]string{"a", "b", "c"}).Draw(t, "layers")
	tiers := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"t1", "t2", "t3"}), 1, 3, rapid.ID).Draw(t, "tiers")
	for i, tier := range tiers {
		b.Tier(drawTier(t, tier, layers[i], i))
	}
	names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"d1", "d2", "d3", "d4"}), 0, 4, rapid.ID).Draw(t, "dependencies")
	for _, dependency := range names {
		b.Dependency(drawDependency(t, dependency, tiers))
	}
	b.Dependency(drawLinks(t, name, tiers, there, others)...)
	for _, role := range roles() {
		b.Role(drawRole(t, role))
	}
	p := b.Defaulted().Obj()
	p.CreationTimestamp = metav1.NewTime(created)
	return p
}

func drawDNS(t *rapid.T) v1alpha1.DNS {
	return rapid.SampledFrom([]v1alpha1.DNS{
		{Mode: v1alpha1.DNSModeNone},
		{Namespace: labelled, Pods: builders.LabelSelector(map[string]string{"app": "a"})},
		{Namespace: bare, Pods: builders.LabelSelector(nil)},
		{Namespace: labelled, Service: dnsService},
	}).Draw(t, "dns")
}

// drawTier draws a tier that selects by a label, or by the names of two namespaces that no other
// tier of the profile lists.
func drawTier(t *rapid.T, name, layer string, i int) v1alpha1.Tier {
	tier := builders.MakeTier(name).InternalTraffic(rapid.SampledFrom([]v1alpha1.InternalTraffic{
		v1alpha1.InternalTrafficSameNamespace, v1alpha1.InternalTrafficSameTier, v1alpha1.InternalTrafficDeny,
	}).Draw(t, "internalTraffic"))
	if rapid.IntRange(0, 4).Draw(t, "by name") == 0 {
		tier.Names(fmt.Sprint("n", i), fmt.Sprint("n", i+3))
	} else {
		tier.Selector(map[string]string{"layer": layer})
	}
	drawAccess(t, tier)
	return tier.Obj()
}

// peers are parties that are never members.
func peers() []v1alpha1.Peer {
	return []v1alpha1.Peer{
		builders.MakePeer("ops").Names(labelled).Obj(),
		builders.MakePeer("team").Selector(map[string]string{"team": "ops"}).Pods(map[string]string{"app": "a"}).Obj(),
		{Name: "unsegmented", Namespaces: &v1alpha1.NamespaceSet{
			Selector: builders.LabelSelector(nil, builders.DoesNotExist(v1alpha1.ProfileLabel)),
		}},
		builders.MakePeer("door").Names(labelled, bare).Service("s1").Obj(),
		builders.MakePeer("partner").CIDR("198.51.100.0/24").CIDR("2001:db8::/32").Obj(),
	}
}

func drawDependency(t *rapid.T, name string, tiers []string) v1alpha1.Dependency {
	d := v1alpha1.Dependency{Name: v1alpha1.Name(name)}
	shape := rapid.IntRange(0, 5).Draw(t, "shape")
	d.From, d.To = drawEnd(t, tiers, shape == 0), drawEnd(t, tiers, shape == 1)
	if d.To.Tier != "" && rapid.IntRange(0, 3).Draw(t, "to a Service") == 0 {
		d.To.Service, d.To.Pods = v1alpha1.Name(rapid.SampledFrom(serviceNames()).Draw(t, "service")), nil
	}
	d.Ports = drawPorts(t, d.To.Peer != "partner")
	isPlain := d.From.Tier != "" && d.To.Tier != "" && d.From.Pods == nil && d.To.Pods == nil && d.To.Service == ""
	if isPlain && rapid.Bool().Draw(t, "with access") {
		d.Access = []v1alpha1.DependencyAccess{{Role: v1alpha1.Name(rapid.SampledFrom(roles()).Draw(t, "access"))}}
	}
	return d
}

func drawPorts(t *rapid.T, named bool) []v1alpha1.Port {
	number := func(n int32) *intstr.IntOrString { return new(intstr.FromInt32(n)) }
	ports := []v1alpha1.Port{
		{Port: number(80)}, {Port: number(80), EndPort: 85}, {Port: number(81)}, {Protocol: corev1.ProtocolUDP, Port: number(53)}, {},
	}
	if named {
		ports = append(ports, v1alpha1.Port{Port: new(intstr.FromString("http"))})
	}
	if rapid.IntRange(0, 3).Draw(t, "with ports") == 0 {
		return nil
	}
	return rapid.SliceOfN(rapid.SampledFrom(ports), 1, 2).Draw(t, "ports")
}

func drawEnd(t *rapid.T, tiers []string, peer bool) v1alpha1.Endpoint {
	if peer {
		return v1alpha1.Endpoint{Peer: rapid.SampledFrom([]v1alpha1.Name{"ops", "team", "unsegmented", "door", "partner"}).Draw(t, "peer")}
	}
	end := v1alpha1.Endpoint{Tier: v1alpha1.Name(rapid.SampledFrom(tiers).Draw(t, "tier"))}
	if rapid.IntRange(0, 7).Draw(t, "all tiers") == 0 {
		end = v1alpha1.Endpoint{AllTiers: true}
	}
	end.Pods = rapid.SampledFrom([]*v1alpha1.LabelSelector{
		nil, nil, nil,
		builders.LabelSelector(map[string]string{"app": "a"}),
		builders.LabelSelector(map[string]string{"app": "b"}),
		builders.LabelSelector(nil, builders.NotIn("app", "a")),
		builders.LabelSelector(nil, builders.Exists("role")),
	}).Draw(t, "pods")
	return end
}
