package offline

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/internal/plan/plantest"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// drawnPods draws pods as a cluster has them.
func drawnPods(t *rapid.T, w *World) []corev1.Pod {
	labels := rapid.SampledFrom([]map[string]string{{}, {"app": "a"}, {"app": "b", "role": "db"}, {"k8s-app": "kube-dns"}})
	ports := rapid.SampledFrom([][]corev1.ContainerPort{nil, {{Name: "http", ContainerPort: 80}}, {{Name: "dns", Protocol: "UDP", ContainerPort: 5353}}})
	phases := rapid.SampledFrom([]corev1.PodPhase{corev1.PodRunning, corev1.PodPending, corev1.PodRunning, corev1.PodSucceeded})
	out := make([]corev1.Pod, rapid.IntRange(2, 10).Draw(t, "pods"))
	for i := range out {
		out[i].ObjectMeta = metav1.ObjectMeta{
			Namespace: rapid.SampledFrom(w.Namespaces).Draw(t, "namespace").Name, Name: fmt.Sprint("pod-", i), Labels: labels.Draw(t, "labels"),
		}
		out[i].Spec.Containers = []corev1.Container{{Name: "main", Ports: ports.Draw(t, "ports")}}
		out[i].Spec.HostNetwork = rapid.IntRange(0, 5).Draw(t, "host network") == 0
		out[i].Status.Phase = phases.Draw(t, "phase")
		ip := rapid.SampledFrom([]string{"", "10.1.2.3", "198.51.100.7", "2001:db8::1"}).Draw(t, "IP")
		if ip != "" {
			out[i].Status.PodIPs = []corev1.PodIP{{IP: ip}}
		}
	}
	return out
}

// TestAPlanConcernsThePodsForWhichFlowsChange compares what a plan says of the pods there are with what passes between
// each two of them, flow by flow.
func TestAPlanConcernsThePodsForWhichFlowsChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		world := drawnWorld(plantest.Profile().Draw(t, "before"))
		before := Render(world, "shop")
		after := Render(drawnWorld(plantest.Profile().Draw(t, "after")), "shop")
		change, err := Compare(before, after, nil)
		if err != nil {
			t.Skip(err) // More classes of pods and addresses than are judged.
		}
		pods := drawnPods(t, world)
		change.Concern(pods)
		was, err := before.Cluster(nil)
		if err != nil {
			t.Fatal(err)
		}
		is, err := after.Cluster(nil)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]bool{}
		eachFlow(pods, func(flow reach.Flow) {
			if a, b := was.Allowed(flow).Allowed(), is.Allowed(flow).Allowed(); a != b {
				want[concernText(flow.From.Pod, flow.To.Pod, flow.Protocol, flow.Port, b)] = true
			}
		})
		if diff := cmp.Diff(want, concerned(change.Among)); diff != "" {
			t.Fatalf("flows (-flow by flow +plan):\n%s", diff)
		}
	})
}

// eachPort yields ports at and around those that profiles are drawn with.
func eachPort(yield func(corev1.Protocol, int32)) {
	for _, protocol := range []corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP} {
		for _, port := range []int32{1, 53, 79, 80, 81, 90, 91, 443, 5353, 8080, 65535} {
			yield(protocol, port)
		}
	}
}

func eachFlow(pods []corev1.Pod, yield func(reach.Flow)) {
	for i := range pods {
		for k := range pods {
			if pods[i].Status.Phase == corev1.PodSucceeded || pods[k].Status.Phase == corev1.PodSucceeded {
				continue
			}
			from, to := PodOf(&pods[i]), PodOf(&pods[k])
			eachPort(func(protocol corev1.Protocol, port int32) {
				yield(reach.Flow{From: reach.Endpoint{Pod: &from}, To: reach.Endpoint{Pod: &to}, Protocol: protocol, Port: port})
			})
		}
	}
}

func concernText(from, to *reach.Pod, protocol corev1.Protocol, port int32, opened bool) string {
	return fmt.Sprintf("%s to %s: %d/%s, opened %t", from.Name, to.Name, port, protocol, opened)
}

// concerned spells out what is said of pods.
func concerned(a *reach.Among) map[string]bool {
	out := map[string]bool{}
	for _, line := range a.Lines {
		for _, pairs := range line.Pods {
			for from, to := range a.Each(pairs) {
				eachPort(func(protocol corev1.Protocol, port int32) {
					if saidOf(pairs.Ports, protocol, port) {
						out[concernText(from, to, protocol, port, line.Opened)] = true
					}
				})
			}
		}
	}
	return out
}

// saidOf tells whether ports in words have a port.
func saidOf(ports reach.Ports, protocol corev1.Protocol, port int32) bool {
	return slices.ContainsFunc(ports, func(text string) bool {
		if text == "all" || text == "all "+string(protocol) {
			return true
		}
		numbers, of, _ := strings.Cut(text, "/")
		var first, last int32
		if n, _ := fmt.Sscanf(numbers, "%d-%d", &first, &last); n == 1 {
			last = first
		}
		if of == "" {
			of = "TCP"
		}
		return of == string(protocol) && first <= port && port <= last
	})
}

// TestNamedPortsOfAPod are those of containers that run as long as the pod does.
func TestNamedPortsOfAPod(t *testing.T) {
	port := func(name string, number int32) []corev1.ContainerPort {
		return []corev1.ContainerPort{{Name: name, ContainerPort: number}}
	}
	pod := corev1.Pod{Spec: corev1.PodSpec{
		InitContainers: []corev1.Container{
			{Name: "migrate", Ports: port("debug", 1)},
			{Name: "proxy", Ports: port("metrics", 2), RestartPolicy: new(corev1.ContainerRestartPolicyAlways)},
		},
		Containers: []corev1.Container{{Name: "main", Ports: port("http", 3)}, {Name: "other", Ports: port("", 4)}},
	}}
	want := []reach.NamedPort{{Name: "metrics", Protocol: "TCP", Number: 2}, {Name: "http", Protocol: "TCP", Number: 3}}
	if diff := cmp.Diff(want, PodOf(&pod).Ports); diff != "" {
		t.Errorf("ports (-want +got):\n%s", diff)
	}
}
