package offline

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/engine"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// drawNaming draws a profile whose dependencies give ports in all forms, to all kinds of called sides.
func drawNaming(t *rapid.T) *v1alpha1.SegmentationProfile {
	profile := builders.MakeProfile("shop").Tier(
		builders.MakeTier("web").Selector(map[string]string{"tier": "web"}).InternalTraffic(v1alpha1.InternalTrafficDeny).Obj(),
		builders.MakeTier("api").Selector(map[string]string{"tier": "api"}).InternalTraffic(v1alpha1.InternalTrafficDeny).Obj(),
	).Peer(builders.MakePeer("ops").Selector(map[string]string{"team": "ops"}).Obj(), builders.MakePeer("gate").Selector(map[string]string{"team": "ops"}).Service("db").Obj())
	chosen := builders.LabelSelector(map[string]string{"app": "a"})
	sides := []v1alpha1.Endpoint{
		{Tier: "web"}, {Tier: "api"}, {Tier: "api", Pods: chosen}, {AllTiers: true}, {Tier: "api", Service: "db"}, {Peer: "ops"}, {Peer: "gate"},
	}
	forms := []v1alpha1.Port{
		{Port: new(intstr.FromString("http"))},
		{Port: new(intstr.FromString("sql"))},
		{Port: new(intstr.FromInt32(80))},
		{Port: new(intstr.FromInt32(80)), EndPort: 82},
		{Port: new(intstr.FromInt32(8000)), EndPort: 9000},
		{Protocol: corev1.ProtocolUDP, Port: new(intstr.FromString("http"))},
	}
	for i := range rapid.IntRange(1, 3).Draw(t, "dependencies") {
		d := v1alpha1.Dependency{
			Name: v1alpha1.Name(fmt.Sprint("d", i)), From: v1alpha1.Endpoint{Tier: "web"}, To: rapid.SampledFrom(sides).Draw(t, "to"),
			Ports: rapid.SliceOfN(rapid.SampledFrom(forms), 1, 3).Draw(t, "ports"),
		}
		if d.To.Service != "" || d.To.Peer == "gate" {
			d.Ports = nil
		}
		profile.Dependency(d)
	}
	return profile.DNS(v1alpha1.DNS{Mode: v1alpha1.DNSModeNone}).Obj()
}

// drawPod draws a pod of a namespace with ports that have the names of others, or none.
func drawPod(t *rapid.T, namespace, name string) corev1.Pod {
	port := rapid.SampledFrom([]corev1.ContainerPort{
		{Name: "http", ContainerPort: 80},
		{Name: "http", ContainerPort: 80},
		{Name: "http", ContainerPort: 81},
		{Name: "sql", ContainerPort: 81},
		{ContainerPort: 80},
		{Name: "http", ContainerPort: 53, Protocol: corev1.ProtocolUDP},
	})
	always := corev1.ContainerRestartPolicyAlways
	draw := func(of string) []corev1.ContainerPort { return rapid.SliceOfN(port, 0, 2).Draw(t, of) }
	app := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "app")
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"app": app}},
		Spec: corev1.PodSpec{
			HostNetwork:    rapid.IntRange(0, 9).Draw(t, "on the host's network") == 0,
			InitContainers: []corev1.Container{{Ports: draw("sidecar"), RestartPolicy: &always}, {Ports: draw("before")}},
			Containers:     []corev1.Container{{Ports: draw("ports")}},
		},
		Status: corev1.PodStatus{PodIPs: []corev1.PodIP{{IP: netip.AddrFrom4([4]byte{10, 0, byte(len(namespace)), byte(len(name))}).String()}}},
	}
}

func drawListening(t *rapid.T) *World {
	w := drawnWorld(drawNaming(t))
	w.Nodes = []corev1.Node{{ObjectMeta: metav1.ObjectMeta{Name: "a"}}}
	for _, namespace := range []string{"web", "api", "api-2", "ops"} {
		if rapid.Bool().Draw(t, "has a Service") {
			target := rapid.SampledFrom([]intstr.IntOrString{intstr.FromString("http"), intstr.FromString("sql"), intstr.FromInt32(80)}).Draw(t, "target")
			w.Services = append(w.Services, corev1.Service{
				ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "db"},
				Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "a"}, Ports: []corev1.ServicePort{{Port: 5432, TargetPort: target}}},
			})
		}
		for i := range rapid.IntRange(0, 2).Draw(t, "pods") {
			w.Pods = append(w.Pods, drawPod(t, namespace, strings.Repeat("p", i+1)))
		}
	}
	w.Pods = append(w.Pods, corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "web-2", Name: "caller"}})
	return w
}

// TestFormsThatAreWrittenAreEqual: what is written for an engine that does not take a form opens what is declared, on the
// ports that pods have. Where it opens less, a finding says so; it never opens more.
func TestFormsThatAreWrittenAreEqual(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawListening(t)
		given := rapid.SampledFrom([]engine.Found{
			{Name: engine.WeaveNet}, {Name: engine.OVNKubernetes}, {Name: engine.AWS}, {Name: engine.Cilium, Version: "1.15.0"}, {Name: engine.KubeRouter, Version: "0.2.0"},
		}).Draw(t, "engine")
		w.Engine = engine.Found{Name: engine.Calico}
		declared := Render(w)
		w.Engine = given
		written := Render(w)
		if found := declared.Profiles["shop"].Engine; len(found) > 0 {
			t.Fatalf("Calico takes all forms, and there is %v", found)
		}
		isNarrower := slices.ContainsFunc(written.Profiles["shop"].Engine, func(f engine.Finding) bool { return f.Effect == engine.Closes })
		was, errWas := declared.Cluster(nil)
		is, errIs := written.Cluster(nil)
		if errWas != nil || errIs != nil {
			t.Fatal(errWas, errIs)
		}
		checkNames(t, w, written)
		for f := range flowsOf(w) {
			before, after := was.Allowed(f).Allowed(), is.Allowed(f).Allowed()
			switch {
			case after && !before:
				t.Fatalf("%s opens more: %+v to %+v on %d/%s", given, f.From.Pod, f.To.Pod, f.Port, f.Protocol)
			case before && !after && !isNarrower:
				t.Fatalf("%s opens less, and nothing says so: %+v to %+v on %d/%s", given, f.From.Pod, f.To.Pod, f.Port, f.Protocol)
			}
		}
	})
}

// checkNames looks that no name is written for an engine that would refuse the policy, and no rule lost all of its ports:
// that would open every port.
func checkNames(t *rapid.T, w *World, written *Rendered) {
	for i := range written.Namespaces {
		for _, p := range written.Namespaces[i].Objects.Policies {
			for _, rule := range p.Spec.Ingress {
				for _, port := range rule.Ports {
					if port.Port.Type == intstr.String && w.Engine.Name != engine.OVNKubernetes && w.Engine.Name != engine.AWS && w.Engine.Name != engine.Cilium {
						t.Fatalf("%s refuses %s whole for %s", w.Engine, p.Name, port.Port.StrVal)
					}
				}
				if len(rule.Ports) == 0 {
					t.Fatalf("%s opens every port", p.Name)
				}
			}
		}
	}
}

// flowsOf are flows from and to all pods on the ports that the called ones have, and some that nobody has.
func flowsOf(w *World) func(func(reach.Flow) bool) {
	return func(yield func(reach.Flow) bool) {
		for i := range w.Pods {
			for j := range w.Pods {
				from, to := PodOf(&w.Pods[i]), PodOf(&w.Pods[j])
				for _, port := range portsOf(&w.Pods[j]) {
					f := reach.Flow{From: reach.Endpoint{Pod: &from}, To: reach.Endpoint{Pod: &to}, Protocol: port.Protocol, Port: port.ContainerPort}
					if !yield(f) {
						return
					}
				}
			}
		}
	}
}

func portsOf(p *corev1.Pod) []corev1.ContainerPort {
	out := []corev1.ContainerPort{{ContainerPort: 82, Protocol: corev1.ProtocolTCP}, {ContainerPort: 8500, Protocol: corev1.ProtocolTCP}, {ContainerPort: 7, Protocol: corev1.ProtocolUDP}}
	for _, c := range slices.Concat(p.Spec.InitContainers[:min(1, len(p.Spec.InitContainers))], p.Spec.Containers) {
		for _, port := range c.Ports {
			if port.Protocol == "" {
				port.Protocol = corev1.ProtocolTCP
			}
			out = append(out, port)
		}
	}
	return out
}
