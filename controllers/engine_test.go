package controllers

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/engine"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// daemon is a pod of a DaemonSet in kube-system.
func daemon(name, image string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "kube-system", Name: name + "-x", Labels: map[string]string{"k8s-app": name},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "DaemonSet", Name: name, UID: "d"}},
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: name, Image: image}}},
	}
}

// listening is a pod that has a port by the name http.
func listening(namespace, name string, number int32) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: number}}}}},
	}
}

// named is a profile in which web calls api by the name of a port.
func named() *v1alpha1.SegmentationProfile {
	return builders.MakeProfile("shop").UID("shop-uid").Generation(1).NoDNS().
		Tier(builders.MakeTier("web").Names("web").Obj(), builders.MakeTier("api").Names("api").Obj()).
		Dependency(builders.MakeDependency("web-api").FromTier("web").ToTier("api").NamedPort("http").Obj()).Obj()
}

// portsIn are the ports of the rules that a snapshot has for a tier.
func portsIn(s *snapshot, tier string) (out []string) {
	for _, rule := range s.byName["shop"].plan.Tier(tier).Rules {
		for _, port := range rule.Ports {
			out = append(out, port.Port.String())
		}
	}
	return out
}

func TestTheEngineIsFoundAnewWhenItsPodsChange(t *testing.T) {
	cache := cacheOf(t, named(), builders.MakeNamespace("web").Obj(), builders.MakeNamespace("api").Obj())
	profiles := NewProfiles(cache, nil, transition.NewCensus(), "")
	profiles.EnforcedBy(engine.Found{}, true)
	var told []string
	profiles.foundWith(func(names []string) { told = append(told, names...) })
	look := func() *snapshot {
		t.Helper()
		s, err := profiles.current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := look()
	if first.engine.Name != engine.Unknown {
		t.Fatalf("found %+v among no pods", first.engine)
	}
	told = nil
	calico := daemon("calico-node", "calico/node:v3.30.1")
	if err := cache.Create(t.Context(), calico); err != nil {
		t.Fatal(err)
	}
	if profiles.podsChanged(listening("kube-system", "x", 80)) {
		t.Error("a pod that tells nothing has the cluster looked at")
	}
	if !profiles.podsChanged(calico) {
		t.Error("a pod of an engine has nothing looked at")
	}
	second := look()
	if second.engine.String() != "calico 3.30.1" || second.serial != first.serial || !slices.Equal(told, []string{"shop"}) {
		t.Errorf("found %s in snapshot %d after %d, told %v", second.engine, second.serial, first.serial, told)
	}
	told = nil
	profiles.podsChanged(calico)
	if look().engine != second.engine || len(told) > 0 {
		t.Errorf("nothing is another, and told are %v", told)
	}
	given := NewProfiles(cache, nil, transition.NewCensus(), "")
	given.EnforcedBy(engine.Found{Name: engine.Cilium}, true)
	if s, err := given.current(t.Context()); err != nil || s.engine.Name != engine.Cilium || given.podsChanged(calico) {
		t.Errorf("what is given counts, and is not looked for: %+v, %v", s.engine, err)
	}
	unwatched := NewProfiles(cache, nil, transition.NewCensus(), "")
	unwatched.EnforcedBy(engine.Found{}, false)
	if s, err := unwatched.current(t.Context()); err != nil || s.engine.Name != engine.Unknown {
		t.Errorf("pods are not watched, and found is %+v, %v", s.engine, err)
	}
}

func TestAnEngineWithOtherFormsHasAllTakenAnew(t *testing.T) {
	cache := cacheOf(t, named(), builders.MakeNamespace("web").Obj(), builders.MakeNamespace("api").Obj(), listening("api", "a", 8080))
	profiles := NewProfiles(cache, nil, transition.NewCensus(), "")
	profiles.EnforcedBy(engine.Found{}, true)
	first, err := profiles.current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var changed []string
	profiles.ChangedWith(func(names []string) { changed = append(changed, names...) })
	router := daemon("kube-router", "kube-router:v0.2.0")
	if err := cache.Create(t.Context(), router); err != nil {
		t.Fatal(err)
	}
	profiles.podsChanged(router)
	second, err := profiles.current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(changed)
	got := []any{second.serial > first.serial, changed, portsIn(first, "web"), portsIn(second, "web"), portsIn(second, "api"), profiles.asksPods("api"), profiles.asksPods("web")}
	want := []any{true, []string{"api", "web"}, []string{"http"}, []string{"8080"}, []string{"8080"}, true, false}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestAPodThatAgreesHasNothingTakenAnew: only a number that is another one concerns others.
func TestAPodThatAgreesHasNothingTakenAnew(t *testing.T) {
	cache := cacheOf(t, named(), builders.MakeNamespace("web").Obj(), builders.MakeNamespace("api").Obj(), listening("api", "a", 8080))
	profiles := NewProfiles(cache, nil, transition.NewCensus(), "")
	profiles.EnforcedBy(engine.Found{Name: engine.WeaveNet}, true)
	namespace := builders.MakeNamespace("api").Metadata()
	note := func() (isCurrent bool, s *snapshot) {
		t.Helper()
		s, err := profiles.current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		found, err := s.calledIn(t.Context(), cache, namespace, s.decide(namespace, nil))
		if err != nil {
			t.Fatal(err)
		}
		return profiles.noteCalled(s, "api", found), s
	}
	add := func(pod client.Object) {
		t.Helper()
		if err := cache.Create(t.Context(), pod); err != nil {
			t.Fatal(err)
		}
	}
	if isCurrent, s := note(); !isCurrent || !slices.Equal(portsIn(s, "web"), []string{"8080"}) {
		t.Fatalf("current %t, ports %v", isCurrent, portsIn(s, "web"))
	}
	add(listening("api", "b", 8080))
	if isCurrent, _ := note(); !isCurrent {
		t.Error("a pod agrees, and all is taken anew")
	}
	add(listening("api", "c", 9090))
	if isCurrent, _ := note(); isCurrent {
		t.Error("a pod does not agree, and nothing is taken anew")
	}
	_, s := note()
	if got := s.byName["shop"].byEngine; len(portsIn(s, "web")) > 0 || len(got) != 1 || got[0].Effect != engine.Closes {
		t.Errorf("ports %v, findings %v", portsIn(s, "web"), got)
	}
	if s.byName["shop"].plan.Tier("api").Rules != nil {
		t.Errorf("a rule that lost its ports is there: %+v", s.byName["shop"].plan.Tier("api").Rules)
	}
}

// TestDNSByTheNamesOfPorts: they are those of the pods of the cluster's DNS.
func TestDNSByTheNamesOfPorts(t *testing.T) {
	dns := dnsService(0)
	dns.Spec.Ports[0].TargetPort = intstr.FromString("dns")
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "dns", Labels: map[string]string{"k8s-app": "kube-dns"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Ports: []corev1.ContainerPort{{Name: "dns", ContainerPort: 5353, Protocol: corev1.ProtocolUDP}},
		}}},
	}
	profile := builders.MakeProfile("shop").UID("shop-uid").Generation(1).Tier(builders.MakeTier("web").Names("web").Obj()).Obj()
	for name, want := range map[engine.Name]string{engine.Calico: "dns", engine.WeaveNet: "5353"} {
		profiles := NewProfiles(cacheOf(t, dns, pod, profile), nil, transition.NewCensus(), "")
		profiles.EnforcedBy(engine.Found{Name: name}, true)
		s, err := profiles.current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := s.byName["shop"].plan.DNS.Ports
		if len(got) != 1 || got[0].Port.String() != want || *got[0].Protocol != corev1.ProtocolUDP {
			t.Errorf("%s: %+v, want %s", name, got, want)
		}
		if matters := profiles.podsChanged(pod); matters != (name == engine.WeaveNet) {
			t.Errorf("%s: the pods of DNS matter: %t", name, matters)
		}
	}
}
