package operator

import (
	"context"
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// startingAt are the options of a watch from a version on.
func startingAt(version string) *metav1.ListOptions {
	return &metav1.ListOptions{ResourceVersion: version}
}

// findings are the messages of a profile's findings with a reason.
func findings(w *world, profile, reason string) ([]string, error) {
	var p v1alpha1.SegmentationProfile
	if err := env.admin.Get(w.ctx(), client.ObjectKey{Name: profile}, &p); err != nil {
		return nil, err
	}
	var out []string
	for _, f := range p.Status.Findings {
		if f.Reason == reason {
			out = append(out, f.Message)
		}
	}
	return out, nil
}

// service creates a Service in one of the test's namespaces.
func (w *world) service(namespace, name, app string, ports ...corev1.ServicePort) *corev1.Service {
	w.t.Helper()
	s := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.ns(namespace), Name: name},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": app}, Ports: ports},
	}
	w.Expect(env.admin.Create(w.ctx(), s)).To(Succeed())
	w.root.Cleanup(func() { _ = env.admin.Delete(context.Background(), s) })
	return s
}

// servicePort is a port of a Service, and the port of the pods behind it.
func servicePort(name string, port int32, target intstr.IntOrString) corev1.ServicePort {
	return corev1.ServicePort{Name: name, Port: port, TargetPort: target}
}

// withDatabase are two tiers of which one calls the Service "db" of the other.
func (w *world) withDatabase() *builders.ProfileBuilder {
	return builders.MakeProfile(w.ns("shop")).
		Tier(
			builders.MakeTier("api").Selector(w.layer("api")).Obj(),
			builders.MakeTier("data").Selector(w.layer("data")).InternalTraffic(v1alpha1.InternalTrafficDeny).Obj(),
			builders.MakeTier("web").Selector(w.layer("web")).Obj(),
		).
		Dependency(builders.MakeDependency("orders").FromTier("api").ToService("data", "db").Obj())
}

// TestAServiceIsFollowed changes a Service in all ways, and judges flows after every write.
func TestAServiceIsFollowed(t *testing.T) {
	w := newWorld(t)
	w.namespace("api", "api")
	w.namespace("data", "data")
	w.namespace("other", "data")
	w.namespace("web", "web")
	db := w.service("data", "db", "pg", servicePort("sql", 5432, intstr.FromInt32(5432)))
	p := w.create(w.withDatabase().Obj())
	w.settled(p, 4)

	named := reach.NamedPort{Name: "admin", Protocol: corev1.ProtocolTCP, Number: 9000}
	caller, pg, my := w.pod("api", "orders"), w.pod("data", "pg", named), w.pod("data", "mysql")
	flows := map[string]reach.Flow{
		"pg 5432": tcp(caller, pg, 5432), "pg 6432": tcp(caller, pg, 6432), "pg 9000": tcp(caller, pg, 9000), "pg 80": tcp(caller, pg, 80),
		"mysql 6432":         tcp(caller, my, 6432),
		"mysql 80":           tcp(caller, my, 80),
		"pg of another 5432": tcp(caller, w.pod("other", "pg"), 5432),
		"from web":           tcp(w.pod("web", "orders"), pg, 5432),
	}
	w.Expect(w.allows(flows)).To(Equal([]string{"pg 5432"}))

	steps := []struct {
		name   string
		change func(*corev1.ServiceSpec)
		// always are allowed throughout, before the change and after it, and sometimes only before or after it.
		always, sometimes, after []string
	}{
		{
			name: "a port is added",
			change: func(s *corev1.ServiceSpec) {
				s.Ports = append(s.Ports, servicePort("pool", 6432, intstr.FromInt32(6432)))
			},
			always: []string{"pg 5432"}, sometimes: []string{"pg 6432"}, after: []string{"pg 5432", "pg 6432"},
		},
		{
			name:   "a target port is changed to a name, which is resolved on the pod",
			change: func(s *corev1.ServiceSpec) { s.Ports[0].TargetPort = intstr.FromString("admin") },
			always: []string{"pg 6432"}, sometimes: []string{"pg 5432", "pg 9000"}, after: []string{"pg 6432", "pg 9000"},
		},
		{
			name:   "it selects other pods",
			change: func(s *corev1.ServiceSpec) { s.Selector = map[string]string{"app": "mysql"} },
			always: []string{}, sometimes: []string{"pg 6432", "pg 9000", "mysql 6432"}, after: []string{"mysql 6432"},
		},
		{
			name: "it becomes another name for a host",
			change: func(s *corev1.ServiceSpec) {
				*s = corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "db.example.com"}
			},
			always: []string{}, sometimes: []string{"mysql 6432"}, after: []string{},
		},
		{
			name: "it becomes a Service again",
			change: func(s *corev1.ServiceSpec) {
				*s = corev1.ServiceSpec{Selector: map[string]string{"app": "pg"}, Ports: []corev1.ServicePort{servicePort("", 5432, intstr.FromInt32(0))}}
			},
			always: []string{}, sometimes: []string{"pg 5432"}, after: []string{"pg 5432"},
		},
		{
			name:   "it loses its selector",
			change: func(s *corev1.ServiceSpec) { s.Selector = nil },
			always: []string{}, sometimes: []string{"pg 5432"}, after: []string{},
		},
	}
	for _, step := range steps {
		w.run(step.name, func(w *world) {
			start := now(w)
			f := w.whileFollowing(flows, func() {
				w.Eventually(func() error {
					if err := env.admin.Get(w.ctx(), client.ObjectKeyFromObject(db), db); err != nil {
						return err
					}
					step.change(&db.Spec)
					return env.admin.Update(w.ctx(), db)
				}, soon, tick).Should(Succeed())
				w.Eventually(func() []string { return w.allows(flows) }, soon, tick).Should(Equal(step.after))
				w.settled(p, 4)
			})
			w.Expect(f.versions).To(BeNumerically(">", 1), "nothing was written")
			w.Expect(f.always()).To(Equal(step.always))
			w.Expect(append(f.always(), f.never()...)).To(HaveLen(len(flows)-len(step.sometimes)), "more passed for a while than before or after")
			for _, flow := range step.sometimes {
				w.Expect(f.never()).NotTo(ContainElement(flow))
			}
			for _, write := range made(w, start) {
				w.Expect(write).To(Or(ContainSubstring("/api/"), ContainSubstring("/data/")), "only those that have it or call it are concerned")
			}
		})
	}
	w.Expect(w.finds(p, v1alpha1.ReasonServiceUnusable)).To(Equal("dependency orders: the Service db has no selector, and stands for no pods; it opens nothing"))
	w.run("one that is gone is missing", func(w *world) {
		w.Expect(env.admin.Delete(w.ctx(), db)).To(Succeed())
		w.Expect(w.finds(p, v1alpha1.ReasonServiceMissing)).To(
			Equal("dependency orders: no namespace of tier data has a Service db; it opens nothing"))
		w.findsNone(p, v1alpha1.ReasonServiceUnusable)
		w.Expect(w.allows(flows)).To(BeEmpty())
		w.Eventually(func() []string { return reasons(w, p) }, soon, tick).Should(
			ContainElements(v1alpha1.ReasonServiceUnusable, v1alpha1.ReasonServiceMissing))
		token := scraper(w)
		w.Eventually(func() string {
			_, text := readMetrics(w, token)
			return text
		}, soon, tick).Should(ContainSubstring(`segmentation_findings{profile="` + p.Name + `",reason="ServiceMissing"} 1`))
	})
}

// TestCostOfAService counts what a Service costs: who has it, and who calls it when its form is new; and nobody else.
func TestCostOfAService(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"api1", "api2"} {
		w.namespace(name, "api")
	}
	for _, name := range []string{"data1", "data2", "data3"} {
		w.namespace(name, "data")
	}
	w.namespace("web", "web")
	p := w.create(w.withDatabase().Obj())
	w.settled(p, 6)
	w.Expect(w.finds(p, v1alpha1.ReasonServiceMissing)).NotTo(BeEmpty())
	sql := servicePort("sql", 5432, intstr.FromInt32(5432))
	opens := func(namespace string, policy string) {
		w.t.Helper()
		w.Eventually(func() error { _, err := w.policy(namespace, policy); return err }, soon, tick).Should(Succeed())
	}

	w.run("the first of a form is written where it is, and to those that call it", func(w *world) {
		start := now(w)
		w.service("data1", "db", "pg", sql)
		opens("data1", "segmentation-orders-ingress")
		w.findsNone(p, v1alpha1.ReasonServiceMissing)
		w.settled(p, 6)
		w.Expect(made(w, start)).To(Equal([]string{
			"create networkpolicies/data1/segmentation-orders-ingress",
			"update networkpolicies/api1/segmentation", "update networkpolicies/api2/segmentation",
		}))
	})
	w.run("another of that form only where it is", func(w *world) {
		start := now(w)
		w.service("data2", "db", "pg", sql)
		opens("data2", "segmentation-orders-ingress")
		w.settled(p, 6)
		w.Expect(made(w, start)).To(Equal([]string{"create networkpolicies/data2/segmentation-orders-ingress"}))
	})
	w.run("one that no dependency names costs nothing", func(w *world) {
		start := now(w)
		w.service("data3", "cache", "redis", sql)
		w.service("data3", "db", "pg", sql)
		opens("data3", "segmentation-orders-ingress")
		w.settled(p, 6)
		w.Expect(made(w, start)).To(Equal([]string{"create networkpolicies/data3/segmentation-orders-ingress"}))
	})
	w.run("a restart writes nothing", func(w *world) {
		start := now(w)
		env.operator.Kill()
		w.Expect(env.operator.Start()).To(Succeed())
		w.namespace("after", "web")
		w.settled(p, 7)
		w.Expect(made(w, start)).To(Equal([]string{"create networkpolicies/after/segmentation", "patch namespaces/after/after"}))
	})
}

// TestPortsOfAService narrows a Service to some of its ports.
func TestPortsOfAService(t *testing.T) {
	w := newWorld(t)
	w.namespace("api", "api")
	w.namespace("data", "data")
	w.service("data", "db", "pg",
		servicePort("sql", 5432, intstr.FromInt32(15432)), servicePort("metrics", 9187, intstr.FromInt32(19187)), servicePort("admin", 80, intstr.FromInt32(8080)))
	profile := w.withDatabase().Obj()
	profile.Spec.Dependencies[0] = builders.MakeDependency("orders").FromTier("api").ToService("data", "db").Port(5432).NamedPort("metrics").Obj()
	p := w.create(profile)
	w.settled(p, 2)
	caller, pg := w.pod("api", "orders"), w.pod("data", "pg")
	flows := map[string]reach.Flow{
		"sql": tcp(caller, pg, 15432), "metrics": tcp(caller, pg, 19187), "admin": tcp(caller, pg, 8080), "front": tcp(caller, pg, 5432),
	}
	w.Expect(w.allows(flows)).To(Equal([]string{"metrics", "sql"}))
	w.change(p, func(s *v1alpha1.SegmentationProfileSpec) {
		s.Dependencies[0].Ports = s.Dependencies[0].Ports[:1]
		s.Dependencies[0].Ports[0].Port.IntVal = 1
	})
	w.Expect(w.finds(p, v1alpha1.ReasonServicePortMissing)).To(
		And(HavePrefix("dependency orders: a Service db in tier data has the ports ["), HaveSuffix("and none of those that are given; there it opens nothing")))
	w.settled(p, 2)
	w.Expect(w.allows(flows)).To(BeEmpty())
}

// TestAServiceOfVeryManyPorts: who may write Services in a few namespaces of a tier must not fill the policies of all
// that call them, until the profile cannot be written any more.
func TestAServiceOfVeryManyPorts(t *testing.T) {
	w := newWorld(t)
	w.namespace("api", "api")
	w.namespace("data", "data")
	w.service("data", "db", "pg", servicePort("sql", 5432, intstr.FromInt32(5432)))
	p := w.create(w.withDatabase().Obj())
	w.settled(p, 2)
	ports := make([]corev1.ServicePort, 0, 8000)
	for number := range int32(8000) {
		ports = append(ports, servicePort(fmt.Sprintf("p%d", number), number+1, intstr.FromInt32(0)))
	}
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		w.namespace(name, "data")
		w.service(name, "db", name, ports...)
	}
	w.Expect(w.finds(p, v1alpha1.ReasonServiceUnusable)).To(HavePrefix("dependency orders: the Service db has more than 128 ports"))
	w.settled(p, 8)
	flows := map[string]reach.Flow{
		"declared": tcp(w.pod("api", "a"), w.pod("data", "pg"), 5432), "one of many": tcp(w.pod("api", "a"), w.pod("a", "a"), 80),
	}
	w.Expect(w.allows(flows)).To(Equal([]string{"declared"}))
}
