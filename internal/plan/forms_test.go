package plan_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// portTexts are ports in words; a nil list is none at all.
func portTexts(ports []networkingv1.NetworkPolicyPort) []string {
	out := make([]string, 0, len(ports))
	for _, p := range ports {
		text := p.Port.String()
		if p.EndPort != nil {
			text += fmt.Sprintf("-%d", *p.EndPort)
		}
		out = append(out, text)
	}
	return out
}

func TestRangesAreListedWhereThereIsRoom(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		ranges [][2]int32
		forms  plan.Forms
		first  string
		count  int
	}{
		"as they are, for most engines": {[][2]int32{{80, 82}}, plan.Forms{}, "80-82", 1},
		"one":                           {[][2]int32{{80, 82}}, plan.Forms{List: true}, "80", 3},
		"of one port":                   {[][2]int32{{80, 80}}, plan.Forms{List: true}, "80", 1},
		"the largest":                   {[][2]int32{{1000, 1255}}, plan.Forms{List: true}, "1000", plan.MaxListed},
		"one too large":                 {[][2]int32{{1000, 1256}}, plan.Forms{List: true}, "1000-1256", 1},
		"several, of which one has no room": {
			[][2]int32{{1, 200}, {1000, 1100}, {2000, 2055}}, plan.Forms{List: true}, "1-200", 1 + 101 + 56,
		},
		"every port": {[][2]int32{{1, 65535}}, plan.Forms{List: true}, "1-65535", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := builders.MakeDependency("d").FromTier("web").ToTier("api")
			for _, r := range tc.ranges {
				d.PortRange(r[0], r[1])
			}
			resolved := compiled(t, shop().NoDNS().Dependency(d.Obj())).Resolve(&plan.Facts{Forms: tc.forms})
			for _, tier := range []string{"web", "api"} {
				got := portTexts(resolved.Plan.Tier(tier).Rules[0].Ports)
				if got[0] != tc.first || len(got) != tc.count {
					t.Errorf("tier %s: %d ports, first %s; want %d, first %s", tier, len(got), got[0], tc.count, tc.first)
				}
			}
		})
	}
}

func TestNamesBecomeNumbers(t *testing.T) {
	t.Parallel()
	const strict, lenient = plan.NumberOrNothing, plan.NumberOrName
	chosen := map[string]string{"app": "a"}
	web := plan.Named{Profile: "shop", Tier: "api", Protocol: corev1.ProtocolTCP, Name: "http"}
	webPods, all, peer := web, web, web
	webPods.Pods = "app=a"
	all.Tier, all.AllTiers = "", true
	peer.Tier, peer.Peer = "", "ops"
	for name, tc := range map[string]struct {
		to      func(*builders.DependencyBuilder)
		forms   plan.Forms
		names   map[plan.Named]int32
		want    []string
		leftOut int
	}{
		"not, where the engine takes names": {func(d *builders.DependencyBuilder) { d.ToTier("api") }, plan.Forms{}, map[plan.Named]int32{web: 80}, []string{"http", "7"}, 0},
		"of a tier":                         {func(d *builders.DependencyBuilder) { d.ToTier("api") }, plan.Forms{Egress: strict}, map[plan.Named]int32{web: 80}, []string{"80", "7"}, 0},
		"of chosen pods of a tier":          {func(d *builders.DependencyBuilder) { d.ToTier("api").ToPods(chosen) }, plan.Forms{Egress: strict}, map[plan.Named]int32{webPods: 81, web: 80}, []string{"81", "7"}, 0},
		"of all tiers":                      {func(d *builders.DependencyBuilder) { d.ToAllTiers() }, plan.Forms{Egress: strict}, map[plan.Named]int32{all: 82, web: 80}, []string{"82", "7"}, 0},
		"of a peer":                         {func(d *builders.DependencyBuilder) { d.ToPeer("ops") }, plan.Forms{Egress: strict}, map[plan.Named]int32{peer: 83}, []string{"83", "7"}, 0},
		"not, where there is no number":     {func(d *builders.DependencyBuilder) { d.ToTier("api") }, plan.Forms{Egress: lenient}, nil, []string{"http", "7"}, 0},
		"or are left out, if there is none": {func(d *builders.DependencyBuilder) { d.ToTier("api") }, plan.Forms{Egress: strict}, nil, []string{"7"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := builders.MakeDependency("d").FromTier("web").NamedPort("http").Port(7)
			tc.to(d)
			p := compiled(t, shop().NoDNS().Peer(builders.MakePeer("ops").Names("ops").Obj()).Dependency(d.Obj()))
			got := p.Resolve(&plan.Facts{Forms: tc.forms, Names: tc.names}).Plan
			for _, rule := range got.Tier("web").Rules {
				if rule.Direction == networkingv1.PolicyTypeEgress {
					if diff := cmp.Diff(tc.want, portTexts(rule.Ports)); diff != "" {
						t.Errorf("ports (-want +got):\n%s", diff)
					}
				}
			}
			if len(got.LeftOut) != tc.leftOut {
				t.Errorf("left out: %v", got.LeftOut)
			}
			for _, naming := range p.Names(tc.forms) {
				if _, found := tc.names[naming.Named]; !found && len(tc.names) > 0 {
					t.Errorf("%+v is looked up, and %v is needed", naming.Named, tc.names)
				}
			}
		})
	}
}

// TestARuleThatLosesAllPortsIsGone: to have no ports is to have all.
func TestARuleThatLosesAllPortsIsGone(t *testing.T) {
	t.Parallel()
	p := compiled(t, shop().NoDNS().Dependency(
		builders.MakeDependency("plain").FromTier("web").ToTier("api").NamedPort("http").Obj(),
		builders.MakeDependency("own").FromTier("web").ToService("api", "front").Obj()))
	front := serviceAt("10.96.0.7", "a", 0)
	front.Ports[0].Target = intstr.FromString("http")
	facts := calling(in(front, "x"))
	facts.Forms = plan.Forms{Ingress: plan.NumberOrNothing, Egress: plan.NumberOrNothing}
	got := p.Resolve(facts).Plan
	if rules := got.Tier("web").Rules; len(rules) > 0 {
		t.Errorf("web has %v", saying(rules))
	}
	if rules := got.Tier("api").With(map[string]plan.Service{"front": front}).Rules; len(rules) > 0 {
		t.Errorf("api has %v", saying(rules))
	}
	if len(got.LeftOut) != 4 {
		t.Errorf("left out: %+v", got.LeftOut)
	}
	if rules := got.InEachForm(facts.Called).Tier("api").Rules; len(rules) > 0 {
		t.Errorf("in each form api has %v", saying(rules))
	}
}

func TestWhatANameStandsForInANamespace(t *testing.T) {
	t.Parallel()
	always := corev1.ContainerRestartPolicyAlways
	pod := func(change func(*corev1.Pod), ports ...corev1.ContainerPort) corev1.Pod {
		p := corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "a"}},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Ports: ports}}},
		}
		if change != nil {
			change(&p)
		}
		return p
	}
	http := func(number int32) corev1.ContainerPort {
		return corev1.ContainerPort{Name: "http", ContainerPort: number}
	}
	for name, tc := range map[string]struct {
		pods []corev1.Pod
		want map[plan.Named]plan.Numbers
	}{
		"nothing, without pods": {nil, nil},
		"the same, twice":       {[]corev1.Pod{pod(nil, http(80)), pod(nil, http(80))}, numbersOf([]int32{80}, nil)},
		"two numbers":           {[]corev1.Pod{pod(nil, http(81)), pod(nil, http(80))}, numbersOf([]int32{80, 81}, nil)},
		"the port of a sidecar": {[]corev1.Pod{pod(func(p *corev1.Pod) {
			p.Spec.InitContainers = []corev1.Container{{Ports: []corev1.ContainerPort{http(82)}, RestartPolicy: &always}, {Ports: []corev1.ContainerPort{http(83)}}}
		})}, numbersOf([]int32{82}, nil)},
		"not of pods that have ended, or of the host's network": {[]corev1.Pod{
			pod(func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded }, http(80)), pod(func(p *corev1.Pod) { p.Spec.HostNetwork = true }, http(80)),
		}, nil},
		"not of other pods":                  {[]corev1.Pod{pod(func(p *corev1.Pod) { p.Labels = nil }, http(80))}, nil},
		"of another protocol":                {[]corev1.Pod{pod(nil, corev1.ContainerPort{Name: "http", ContainerPort: 80, Protocol: corev1.ProtocolUDP})}, nil},
		"other ports of pods without it":     {[]corev1.Pod{pod(nil, http(80)), pod(nil, corev1.ContainerPort{ContainerPort: 81})}, numbersOf([]int32{80}, []int32{81})},
		"not other ports of pods with it":    {[]corev1.Pod{pod(nil, http(80), corev1.ContainerPort{ContainerPort: 81})}, numbersOf([]int32{80}, nil)},
		"the same port without that name":    {[]corev1.Pod{pod(nil, http(80)), pod(nil, corev1.ContainerPort{ContainerPort: 80})}, numbersOf([]int32{80}, []int32{80})},
		"its number under another name, too": {[]corev1.Pod{pod(nil, http(80), corev1.ContainerPort{Name: "alias", ContainerPort: 80})}, numbersOf([]int32{80}, nil)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := compiled(t, shop().NoDNS().Dependency(
				builders.MakeDependency("d").FromTier("web").ToTier("api").ToPods(map[string]string{"app": "a"}).NamedPort("http").Obj()))
			names := p.Names(plan.Forms{Egress: plan.NumberOrName})
			read := func() []corev1.Pod { return tc.pods }
			got := plan.NamesIn(names, claim.Namespace{Name: "x"}, plan.TierOf{Profile: "shop", Tier: "api"}, read)
			if diff := cmp.Diff(tc.want, got); diff != "" && len(tc.want)+len(got) > 0 {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got == nil {
				t.Error("it is not asked for there")
			}
			other := plan.NamesIn(names, claim.Namespace{Name: "x"}, plan.TierOf{Profile: "shop", Tier: "web"}, func() []corev1.Pod {
				t.Error("pods are read that nobody asks for")
				return nil
			})
			if other != nil {
				t.Errorf("in the tier that calls: %v", other)
			}
		})
	}
}

func numbersOf(given, others []int32) map[plan.Named]plan.Numbers {
	named := plan.Named{Profile: "shop", Tier: "api", Pods: "app=a", Protocol: corev1.ProtocolTCP, Name: "http"}
	return map[plan.Named]plan.Numbers{named: {Given: given, Others: others}}
}
