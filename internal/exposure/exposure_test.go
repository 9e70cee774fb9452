package exposure_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/exposure"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// pod is a pod of an app with one container that has these ports.
func pod(app string, ports ...corev1.ContainerPort) corev1.Pod {
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": app}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Ports: ports}}},
	}
}

func service(spec corev1.ServiceSpec) corev1.Service { return corev1.Service{Spec: spec} }

func TestWhatANamespaceExposes(t *testing.T) {
	t.Parallel()
	http := corev1.ContainerPort{Name: "http", ContainerPort: 8080}
	withInit := pod("a", http)
	withInit.Spec.InitContainers = []corev1.Container{{Ports: []corev1.ContainerPort{{ContainerPort: 9090, Protocol: corev1.ProtocolUDP}}}}
	app := map[string]string{"app": "a"}
	tests := map[string]struct {
		pods     []corev1.Pod
		services []corev1.Service
		want     []exposure.Port
	}{
		"nothing":                       {nil, nil, nil},
		"a pod without ports":           {[]corev1.Pod{pod("a")}, nil, nil},
		"the protocol is TCP":           {[]corev1.Pod{pod("a", http)}, nil, []exposure.Port{{Protocol: "TCP", Number: 8080, Name: "http"}}},
		"pods that are the same":        {[]corev1.Pod{pod("a", http), pod("a", http)}, nil, []exposure.Port{{Protocol: "TCP", Number: 8080, Name: "http"}}},
		"containers that go on running": {[]corev1.Pod{withInit}, nil, []exposure.Port{{Protocol: "TCP", Number: 8080, Name: "http"}, {Protocol: "UDP", Number: 9090}}},
		"target ports of Services, by number and by name": {nil, []corev1.Service{
			service(corev1.ServiceSpec{Selector: app, Ports: []corev1.ServicePort{
				{Port: 80, TargetPort: intstr.FromString("http")}, {Port: 443, TargetPort: intstr.FromInt32(8443)}, {Port: 90},
			}}),
		}, []exposure.Port{{Protocol: "TCP", Name: "http"}, {Protocol: "TCP", Number: 90}, {Protocol: "TCP", Number: 8443}}},
		"a Service that stands for no pods says nothing of them": {nil, []corev1.Service{
			service(corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}),
			service(corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, Ports: []corev1.ServicePort{{Port: 80}}}),
		}, nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, exposure.Of(tc.pods, tc.services)); diff != "" {
				t.Errorf("ports (-want +got):\n%s", diff)
			}
		})
	}
}

func TestServicesThatSelectNoPod(t *testing.T) {
	t.Parallel()
	of := func(labels map[string]string) plan.Service { return plan.Service{Pods: labels} }
	services := map[string]plan.Service{
		"front": of(map[string]string{"app": "a"}), "back": of(map[string]string{"app": "b"}), "all-of": of(map[string]string{"app": "a", "role": "x"}),
		"manual": {Problem: plan.NoSelector}, "host": {Problem: plan.ExternalName},
	}
	if diff := cmp.Diff([]string{"all-of", "back"}, exposure.WithoutPods(services, []corev1.Pod{pod("a"), pod("c")})); diff != "" {
		t.Errorf("without pods (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"all-of", "back", "front"}, exposure.WithoutPods(services, nil)); diff != "" {
		t.Errorf("where there is no pod at all (-want +got):\n%s", diff)
	}
	if got := exposure.WithoutPods(nil, []corev1.Pod{pod("a")}); len(got) > 0 {
		t.Errorf("of no Services, %v select no pod", got)
	}
}

func TestPortsThatNothingHas(t *testing.T) {
	t.Parallel()
	known := [][]exposure.Port{{{Protocol: "TCP", Number: 8080, Name: "http"}}, {{Protocol: "UDP", Number: 53}, {Protocol: "TCP", Name: "admin"}}}
	number := func(n int32) v1alpha1.Port { return v1alpha1.Port{Port: new(intstr.FromInt32(n))} }
	name := func(n string) v1alpha1.Port { return v1alpha1.Port{Port: new(intstr.FromString(n))} }
	tests := map[string]struct {
		port  v1alpha1.Port
		known [][]exposure.Port
		want  string
	}{
		"its number":                     {number(8080), known, ""},
		"in another namespace":           {v1alpha1.Port{Protocol: "UDP", Port: new(intstr.FromInt32(53))}, known, ""},
		"another number":                 {number(8088), known, "8088/TCP"},
		"of another protocol":            {number(53), known, "53/TCP"},
		"its name":                       {name("http"), known, ""},
		"a name that only a Service has": {name("admin"), known, ""},
		"another name":                   {name("htpp"), known, "htpp/TCP"},
		"a range with it":                {v1alpha1.Port{Port: new(intstr.FromInt32(8000)), EndPort: 8080}, known, ""},
		"a range beside it":              {v1alpha1.Port{Port: new(intstr.FromInt32(8000)), EndPort: 8079}, known, "8000-8079/TCP"},
		"every port of a protocol":       {v1alpha1.Port{Protocol: "SCTP"}, known, ""},
		"of a tier without namespaces":   {number(8088), nil, ""},
		"of a tier that says no ports":   {number(8088), [][]exposure.Port{nil, {}}, ""},
	}
	for title, tc := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			var want []exposure.Mistyped
			if tc.want != "" {
				want = []exposure.Mistyped{{Dependency: "d", Tier: "api", Port: tc.want}}
			}
			p := shop(t, builders.MakeDependency("d").FromTier("web").ToTier("api").Ports(tc.port).Obj())
			if diff := cmp.Diff(want, exposure.Unknown(p, map[string][][]exposure.Port{"api": tc.known, "web": known})); diff != "" {
				t.Errorf("mistyped (-want +got):\n%s", diff)
			}
		})
	}
}

// Ports of Services are looked up, and those outside of the profile are not known.
func TestPortsThatAreNotLookedAt(t *testing.T) {
	t.Parallel()
	p := shop(t,
		builders.MakeDependency("a").FromTier("web").ToService("api", "front").Port(9).Obj(),
		builders.MakeDependency("b").FromTier("web").ToPeer("p").Port(9).Obj())
	known := map[string][][]exposure.Port{"api": {{{Protocol: "TCP", Number: 8080}}}, "web": {{{Protocol: "TCP", Number: 8080}}}}
	if got := exposure.Unknown(p, known); len(got) > 0 {
		t.Errorf("got %v", got)
	}
}

func TestWhatIsSaidOfAMistypedPort(t *testing.T) {
	t.Parallel()
	m := exposure.Mistyped{Dependency: "d", Tier: "api", Port: "8088/TCP"}
	const want = "dependency d: no pod and no Service in tier api has port 8088/TCP; if it is not mistyped, nothing needs to be done"
	if got := m.Message(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func shop(t *testing.T, dependencies ...v1alpha1.Dependency) *plan.Plan {
	t.Helper()
	p, errs := plan.Compile(builders.MakeProfile("shop").
		Tier(builders.MakeTier("web").Names("w").Obj(), builders.MakeTier("api").Names("a").Obj()).
		Peer(builders.MakePeer("p").Names("p").Obj()).Dependency(dependencies...).Obj())
	if len(errs) > 0 {
		t.Fatal(errs.ToAggregate())
	}
	return p
}
