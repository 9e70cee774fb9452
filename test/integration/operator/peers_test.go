package operator

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// oneTier begins a profile with one tier.
func (w *world) oneTier(name string) *builders.ProfileBuilder {
	return builders.MakeProfile(w.ns(name)).Tier(builders.MakeTier("web").Selector(w.layer("web")).Obj())
}

// address is an address outside.
func address(ip string) reach.Endpoint { return reach.Endpoint{IP: netip.MustParseAddr(ip)} }

// TestTheAPIServerAsAPeer follows the addresses of the API server, in both families and both directions.
func TestTheAPIServerAsAPeer(t *testing.T) {
	w := newWorld(t)
	w.namespace("web", "web")
	p := w.create(w.oneTier("shop").
		Peer(builders.MakePeer("kube").APIServer().Obj()).
		Dependency(
			builders.MakeDependency("watch").FromTier("web").ToPeer("kube").Obj(),
			builders.MakeDependency("hooks").FromPeer("kube").ToTier("web").Port(9443).Obj(),
		).Obj())
	w.settled(p, 1)
	var slices discoveryv1.EndpointSliceList
	ofAPIServer := client.MatchingLabels{discoveryv1.LabelServiceName: "kubernetes"}
	w.Expect(env.admin.List(w.ctx(), &slices, client.InNamespace("default"), ofAPIServer)).To(Succeed())
	w.Expect(slices.Items).NotTo(BeEmpty())
	there, port := address(slices.Items[0].Endpoints[0].Addresses[0]), *slices.Items[0].Ports[0].Port
	web := w.pod("web", "a")
	flows := map[string]reach.Flow{
		"call": tcp(web, there, port), "another port": tcp(web, there, port+1), "elsewhere": tcp(web, address("198.18.0.1"), port),
		"hook": tcp(there, web, 9443), "hook on another port": tcp(there, web, 9444), "hook from elsewhere": tcp(address("198.18.0.1"), web, 9443),
		"call by IPv6": tcp(w.podOf6("web"), address("2001:db8::6443"), 7443), "hook by IPv6": tcp(address("2001:db8::6443"), w.podOf6("web"), 9443),
	}
	w.Expect(w.allows(flows)).To(Equal([]string{"call", "hook"}))

	w.run("one that is added is followed", func(w *world) {
		more := &discoveryv1.EndpointSlice{
			ObjectMeta:  metav1.ObjectMeta{Namespace: "default", Name: "kubernetes-v6", Labels: ofAPIServer},
			AddressType: discoveryv1.AddressTypeIPv6,
			Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{"2001:db8::6443"}}},
			Ports:       []discoveryv1.EndpointPort{{Name: new("https"), Port: new(int32(7443)), Protocol: new(corev1.ProtocolTCP)}},
		}
		w.Expect(env.admin.Create(w.ctx(), more)).To(Succeed())
		w.t.Cleanup(func() { _ = env.admin.Delete(context.Background(), more) })
		w.Eventually(func() []string { return w.allows(flows) }, soon, tick).Should(Equal([]string{"call", "call by IPv6", "hook", "hook by IPv6"}))
		w.Expect(env.admin.Delete(w.ctx(), more)).To(Succeed())
		w.Eventually(func() []string { return w.allows(flows) }, soon, tick).Should(Equal([]string{"call", "hook"}))
	})
	w.run("ports are the API server's own", func(w *world) {
		withoutRules(w)
		w.change(p, func(s *v1alpha1.SegmentationProfileSpec) { s.Dependencies[0].Ports = s.Dependencies[1].Ports })
		stalled := w.condition(p, v1alpha1.ConditionAccepted, metav1.ConditionFalse, v1alpha1.ReasonInvalid)
		w.Expect(stalled.Message).To(ContainSubstring("spec.dependencies[0].ports: Forbidden: the ports of the API server are found; leave out ports"))
		w.Expect(w.allows(flows)).To(Equal([]string{"call", "hook"}), "the last good objects stay")
	})
}

// podOf6 is a pod with an address of IPv6.
func (w *world) podOf6(namespace string) reach.Endpoint {
	pod := w.pod(namespace, "six")
	pod.Pod.IPs = []netip.Addr{netip.MustParseAddr("fd00::6")}
	return pod
}

// TestTheInternetAsAPeer follows the addresses of the cluster that do not belong to the internet.
func TestTheInternetAsAPeer(t *testing.T) {
	w := newWorld(t)
	w.namespace("web", "web")
	p := w.create(w.oneTier("shop").
		Peer(builders.MakePeer("internet").Internet(v1alpha1.PrivateRangesIncluded).Obj()).
		Dependency(builders.MakeDependency("updates").FromTier("web").ToPeer("internet").Port(443).Obj()).Obj())
	w.settled(p, 1)
	web, six := w.pod("web", "a"), w.podOf6("web")
	flows := map[string]reach.Flow{
		"the internet":          tcp(web, address("203.0.113.1"), 443),
		"the internet by IPv6":  tcp(six, address("2600::1"), 443),
		"another port":          tcp(web, address("203.0.113.1"), 80),
		"a private network":     tcp(web, address("192.168.7.7"), 443),
		"a node":                tcp(web, address("203.0.113.77"), 443),
		"a pod of a node":       tcp(web, address("203.0.114.9"), 443),
		"the metadata service":  tcp(web, address("169.254.169.254"), 443),
		"a Service":             tcp(web, serviceAddress(w), 443),
		"metadata of AWS, IPv6": tcp(six, address("fd00:ec2::254"), 443),
	}
	w.Expect(w.allows(flows)).To(Equal([]string{"a node", "a pod of a node", "a private network", "the internet", "the internet by IPv6"}))

	w.run("nodes that come and go are followed", func(w *world) {
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: w.ns("node")}, Spec: corev1.NodeSpec{PodCIDRs: []string{"203.0.114.0/24"}}}
		w.Expect(env.admin.Create(w.ctx(), node)).To(Succeed())
		w.t.Cleanup(func() { _ = env.admin.Delete(context.Background(), node) })
		node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeExternalIP, Address: "203.0.113.77"}, {Type: corev1.NodeHostName, Address: "n"}}
		w.Expect(env.admin.Status().Update(w.ctx(), node)).To(Succeed())
		w.Eventually(func() []string { return w.allows(flows) }, soon, tick).Should(Equal([]string{"a private network", "the internet", "the internet by IPv6"}))
		w.run("what says nothing else about them costs nothing", func(w *world) {
			w.settled(p, 1)
			start := now(w)
			node.Labels = map[string]string{"zone": "a"}
			w.Expect(env.admin.Update(w.ctx(), node)).To(Succeed())
			w.Consistently(func() []string { return made(w, start) }, "500ms", tick).Should(BeEmpty())
		})
		w.Expect(env.admin.Delete(w.ctx(), node)).To(Succeed())
		w.Eventually(func() []string { return w.allows(flows) }, soon, tick).Should(ContainElement("a node"))
	})
	w.run("private networks are left out by default", func(w *world) {
		w.change(p, func(s *v1alpha1.SegmentationProfileSpec) { s.Peers[0].Internet.PrivateRanges = "" })
		w.settled(p, 1)
		w.Expect(w.allows(flows)).NotTo(ContainElement("a private network"))
	})
}

// serviceAddress is the address of the Service of the cluster's DNS.
func serviceAddress(w *world) reach.Endpoint {
	var dns corev1.Service
	w.Expect(env.admin.Get(w.ctx(), client.ObjectKey{Namespace: "kube-system", Name: "kube-dns"}, &dns)).To(Succeed())
	return address(dns.Spec.ClusterIP)
}

// TestRangesThatCoverTheCluster are opened as they are declared, and found.
func TestRangesThatCoverTheCluster(t *testing.T) {
	w := newWorld(t)
	w.namespace("web", "web")
	p := w.create(w.oneTier("shop").
		Peer(builders.MakePeer("all").CIDR("0.0.0.0/0").Obj()).
		Dependency(builders.MakeDependency("d").FromTier("web").ToPeer("all").Port(443).Obj()).Obj())
	w.settled(p, 1)
	w.Eventually(func() ([]string, error) { return findings(w, p.Name, v1alpha1.ReasonCoversCluster) }, soon, tick).Should(
		ContainElements(ContainSubstring(", addresses of services;"), ContainSubstring(", a cloud's metadata service;")))
	w.Expect(w.allows(map[string]reach.Flow{"metadata": tcp(w.pod("web", "a"), address("169.254.169.254"), 443)})).To(Equal([]string{"metadata"}))
	w.change(p, func(s *v1alpha1.SegmentationProfileSpec) { s.Peers[0].CIDRs[0].CIDR = "198.51.100.0/24" })
	w.findsNone(p, v1alpha1.ReasonCoversCluster)
}

// TestAPeerThatIsAMember shows which of the two wins: the tier.
func TestAPeerThatIsAMember(t *testing.T) {
	w := newWorld(t)
	w.namespace("web", "web")
	w.namespace("api", "api")
	shop := w.create(w.oneTier("shop").
		Peer(builders.MakePeer("backend").Selector(w.layer("api")).Obj()).
		Dependency(builders.MakeDependency("calls").FromTier("web").ToPeer("backend").Port(80).Obj()).Obj())
	w.settled(shop, 1)
	flow := map[string]reach.Flow{"calls": tcp(w.pod("web", "a"), w.pod("api", "a"), 80)}
	w.Expect(w.allows(flow)).To(Equal([]string{"calls"}), "it is no member")
	w.findsNone(shop, v1alpha1.ReasonPeerIsMember)

	other := w.create(builders.MakeProfile(w.ns("other")).Tier(builders.MakeTier("api").Selector(w.layer("api")).Obj()).Obj())
	w.settled(other, 1)
	w.Expect(w.finds(shop, v1alpha1.ReasonPeerIsMember)).To(HavePrefix("peer backend chooses this namespace, which is a member of tier api of profile " + other.Name))
	w.Expect(w.allows(flow)).To(BeEmpty())
	w.run("one that ceases to choose it, and one that comes to, is told", func(w *world) {
		peers, dependencies := shop.Spec.Peers, shop.Spec.Dependencies
		w.change(shop, func(s *v1alpha1.SegmentationProfileSpec) { s.Peers, s.Dependencies = nil, nil })
		w.findsNone(shop, v1alpha1.ReasonPeerIsMember)
		w.change(shop, func(s *v1alpha1.SegmentationProfileSpec) { s.Peers, s.Dependencies = peers, dependencies })
		w.Expect(w.finds(shop, v1alpha1.ReasonPeerIsMember)).To(HavePrefix("peer backend chooses this namespace"))
	})
	w.Expect(env.admin.Delete(w.ctx(), other)).To(Succeed())
	w.findsNone(shop, v1alpha1.ReasonPeerIsMember)
}

// TestAServiceOfAPeer is in namespaces that are named one by one: nothing in them closes what is opened too much.
func TestAServiceOfAPeer(t *testing.T) {
	w := newWorld(t)
	w.namespace("web", "web")
	w.namespace("tools", "outside")
	w.namespace("more", "outside")
	w.service("tools", "prom", "prometheus", servicePort("http", 80, intstr.FromInt32(9090)))
	p := w.create(w.oneTier("shop").
		Peer(builders.MakePeer("metrics").Selector(w.layer("outside")).Service("prom").Obj()).
		Dependency(
			builders.MakeDependency("queries").FromTier("web").ToPeer("metrics").Obj(),
			builders.MakeDependency("scrapes").FromPeer("metrics").ToTier("web").Port(8080).Obj(),
		).Obj())
	w.settled(p, 1)
	web := w.pod("web", "a")
	flows := map[string]reach.Flow{
		"query": tcp(web, w.pod("tools", "prometheus"), 9090), "query on another port": tcp(web, w.pod("tools", "prometheus"), 80),
		"another pod": tcp(web, w.pod("tools", "a"), 9090), "a namespace without it": tcp(web, w.pod("more", "prometheus"), 9090),
		"scrape": tcp(w.pod("tools", "prometheus"), web, 8080), "scrape from elsewhere": tcp(w.pod("more", "prometheus"), web, 8080),
	}
	w.Expect(w.allows(flows)).To(Equal([]string{"query", "scrape"}))
	w.service("more", "prom", "prometheus", servicePort("http", 80, intstr.FromInt32(9090)))
	w.Eventually(func() []string { return w.allows(flows) }, soon, tick).Should(
		Equal([]string{"a namespace without it", "query", "scrape", "scrape from elsewhere"}))

	w.run("one that selects no pod is found, as long as it does", func(w *world) {
		w.Eventually(func() ([]string, error) { return findings(w, p.Name, v1alpha1.ReasonServiceWithoutPods) }, soon, tick).Should(
			Equal([]string{"the Service prom of peer metrics selects no pod here (and in 1 more); it opens nothing until it does"}))
		for _, namespace := range []string{"tools", "more"} {
			pod := &corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{Namespace: w.ns(namespace), Name: "prom", Labels: map[string]string{"app": "prometheus"}},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "registry.example/app"}}},
			}
			w.Expect(env.admin.Create(w.ctx(), pod)).To(Succeed())
			w.root.Cleanup(func() { _ = env.admin.Delete(context.Background(), pod) })
		}
		w.findsNone(p, v1alpha1.ReasonServiceWithoutPods)
		w.service("tools", "other", "nobody", servicePort("http", 80, intstr.FromInt32(9090)))
		w.change(p, func(s *v1alpha1.SegmentationProfileSpec) { s.Peers[0].Service = "other" })
		w.Expect(w.finds(p, v1alpha1.ReasonServiceWithoutPods)).To(HavePrefix("the Service other of peer metrics selects no pod here;"))
		w.change(p, func(s *v1alpha1.SegmentationProfileSpec) { s.Peers[0].Service = "" })
		w.findsNone(p, v1alpha1.ReasonServiceWithoutPods)
	})
}

// TestEveryTierAtOnce opens one line to each tier of many.
func TestEveryTierAtOnce(t *testing.T) {
	w := newWorld(t)
	layers := []string{"a", "b", "c"}
	profile := builders.MakeProfile(w.ns("shop")).
		Tier(builders.MakeTier("monitoring").Selector(w.layer("monitoring")).Obj()).
		Dependency(builders.MakeDependency("scrape").FromTier("monitoring").ToAllTiers().Port(8080).Obj())
	for _, layer := range layers {
		profile.Tier(builders.MakeTier(layer).Selector(w.layer(layer)).Obj())
		w.namespace(layer, layer)
	}
	w.namespace("monitoring", "monitoring")
	w.namespace("outside", "outside")
	p := w.create(profile.Obj())
	w.settled(p, 4)
	flows := map[string]reach.Flow{"back": tcp(w.pod("a", "x"), w.pod("monitoring", "x"), 8080), "across": tcp(w.pod("a", "x"), w.pod("b", "x"), 8080)}
	for _, to := range append(layers, "monitoring", "outside") {
		flows["to "+to] = tcp(w.pod("monitoring", "x"), w.pod(to, "y"), 8080)
	}
	w.Expect(w.allows(flows)).To(Equal([]string{"to a", "to b", "to c", "to monitoring"}))
	base, err := w.policy("a", "segmentation")
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(strings.Count(base.Annotations[v1alpha1.DeclaredByAnnotation], "dependency/scrape")).To(Equal(1))
}
