package operator

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// TestDNSIsFound looks for a DNS Service that comes, changes and goes.
func TestDNSIsFound(t *testing.T) {
	w := newWorld(t)
	w.namespace("web", "web")
	w.namespace("dns", "outside")
	p := w.create(w.oneTier("shop").DNS(v1alpha1.DNS{
		Namespace: v1alpha1.NamespaceName(w.ns("dns")), Service: "dns-default", NodeLocal: []v1alpha1.IPAddress{"169.254.20.10"},
	}).Obj())
	web := w.pod("web", "a")
	flows := map[string]reach.Flow{
		"by UDP":  {From: web, To: w.pod("dns", "coredns"), Protocol: corev1.ProtocolUDP, Port: 5353},
		"by TCP":  tcp(web, w.pod("dns", "coredns"), 5353),
		"metrics": tcp(web, w.pod("dns", "coredns"), 9154),
		"on 53":   {From: web, To: w.pod("dns", "coredns"), Protocol: corev1.ProtocolUDP, Port: 53},
		"another": {From: web, To: w.pod("dns", "other"), Protocol: corev1.ProtocolUDP, Port: 5353},
		"cache":   {From: web, To: address("169.254.20.10"), Protocol: corev1.ProtocolUDP, Port: 53},
		"outside": {From: web, To: address("203.0.113.53"), Protocol: corev1.ProtocolUDP, Port: 53},
	}
	w.settled(p, 1)
	w.Expect(w.finds(p, v1alpha1.ReasonDNSMissing)).To(HavePrefix("the DNS Service " + w.ns("dns") + "/dns-default is not there"))
	w.Expect(w.allows(flows)).To(Equal([]string{"cache"}))

	udp, tcpPort := servicePort("dns", 53, intstr.FromInt32(5353)), servicePort("dns-tcp", 53, intstr.FromInt32(5353))
	udp.Protocol = corev1.ProtocolUDP
	dns := w.service("dns", "dns-default", "coredns", udp, tcpPort, servicePort("metrics", 9154, intstr.FromInt32(9154)))
	w.Eventually(func() []string { return w.allows(flows) }, soon, tick).Should(Equal([]string{"by TCP", "by UDP", "cache"}))
	w.findsNone(p, v1alpha1.ReasonDNSMissing)

	dns.Spec.Selector = map[string]string{"app": "other"}
	w.Expect(env.admin.Update(w.ctx(), dns)).To(Succeed())
	w.Eventually(func() []string { return w.allows(flows) }, soon, tick).Should(Equal([]string{"another", "cache"}))
	w.Expect(env.admin.Delete(w.ctx(), dns)).To(Succeed())
	w.Eventually(func() []string { return w.allows(flows) }, soon, tick).Should(Equal([]string{"cache"}))
}

// TestMistypedPorts finds ports that nothing has, and Services that select no pod: hints, which keep nothing from being
// ready.
func TestMistypedPorts(t *testing.T) {
	w := newWorld(t)
	w.namespace("web", "web")
	w.namespace("api", "api")
	w.service("api", "front", "api", servicePort("http", 80, intstr.FromInt32(9090)))
	profile := w.twoTiers("shop").
		Dependency(
			builders.MakeDependency("typo").FromTier("web").ToTier("api").Port(9091).NamedPort("metrics").Obj(),
			builders.MakeDependency("front").FromTier("web").ToService("api", "front").Obj(),
		).Obj()
	p := w.create(profile)
	w.settled(p, 2)
	about := func(port string) string {
		return "dependency typo: no pod and no Service in tier api has port " + port + "; if it is not mistyped, nothing needs to be done"
	}
	w.Eventually(func() ([]string, error) { return findings(w, p.Name, v1alpha1.ReasonPortNotExposed) }, soon, tick).Should(
		Equal([]string{about("9091/TCP"), about("metrics/TCP")}))
	w.Expect(w.finds(p, v1alpha1.ReasonServiceWithoutPods)).To(
		Equal("the Service front, which a dependency names, selects no pod here; it opens nothing until it does"))

	pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{
		Name: "a", Image: "example.com/a", Ports: []corev1.ContainerPort{{Name: "metrics", ContainerPort: 9100}, {ContainerPort: 9091}},
	}}}}
	pod.Namespace, pod.Name, pod.Labels = w.ns("api"), "a", map[string]string{"app": "api"}
	pod.Spec.AutomountServiceAccountToken = new(false)
	w.Eventually(func() error { return env.admin.Create(w.ctx(), pod) }, soon, tick).Should(Succeed())
	w.findsNone(p, v1alpha1.ReasonPortNotExposed)
	w.findsNone(p, v1alpha1.ReasonServiceWithoutPods)
	w.settled(p, 2)
}

// TestByServiceAddress starts the operator for a network plugin that compares policies with the addresses of Services.
func TestByServiceAddress(t *testing.T) {
	w := newWorld(t)
	restart := func(flags ...string) {
		env.operator.Kill()
		w.Expect(env.operator.Start(flags...)).To(Succeed())
	}
	restart("--match-service-addresses")
	t.Cleanup(func() { restart() })
	w.namespace("api", "api")
	w.namespace("data", "data")
	db := w.service("data", "db", "pg", servicePort("sql", 5432, intstr.FromInt32(15432)))
	p := w.create(w.withDatabase().
		Peer(builders.MakePeer("kube").APIServer().Obj()).
		Dependency(builders.MakeDependency("watch").FromTier("api").ToPeer("kube").Obj()).Obj())
	w.settled(p, 2)
	var kube corev1.Service
	w.Expect(env.admin.Get(w.ctx(), client.ObjectKey{Namespace: "default", Name: "kubernetes"}, &kube)).To(Succeed())
	api := w.pod("api", "orders")
	flows := map[string]reach.Flow{
		"the pod": tcp(api, w.pod("data", "pg"), 15432), "the Service": tcp(api, address(db.Spec.ClusterIP), 5432),
		"the Service on the pods' port": tcp(api, address(db.Spec.ClusterIP), 15432),
		"DNS":                           {From: api, To: serviceAddress(w), Protocol: corev1.ProtocolUDP, Port: 53},
		"the API server":                tcp(api, address(kube.Spec.ClusterIP), 443),
		"from the other side":           tcp(w.pod("data", "pg"), address(kube.Spec.ClusterIP), 443),
	}
	w.Expect(w.allows(flows)).To(Equal([]string{"DNS", "the API server", "the Service", "the pod"}))
	w.Expect(env.admin.Delete(w.ctx(), db)).To(Succeed())
	w.Eventually(func() []string { return w.allows(flows) }, soon, tick).Should(Equal([]string{"DNS", "the API server"}))
}
