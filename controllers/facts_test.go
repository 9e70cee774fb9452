package controllers

import (
	"errors"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// cacheOf is a cache that shows these objects.
func cacheOf(t *testing.T, objects ...client.Object) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{v1alpha1.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).Build()
}

// dnsService is the Service by which names are resolved, with the port of its pods.
func dnsService(target int32) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "kube-dns"},
		Spec: corev1.ServiceSpec{
			Selector: map[string]string{"k8s-app": "kube-dns"},
			Ports:    []corev1.ServicePort{{Name: "dns", Protocol: corev1.ProtocolUDP, Port: 53, TargetPort: intstr.FromInt32(target)}},
		},
	}
}

// TestWhatHasChangedIsNotPutOffByWritesUnderWay: who rests after a look must not rest again, and let writes begin,
// because some were under way when he saw that something else is due. There may always be some.
func TestWhatHasChangedIsNotPutOffByWritesUnderWay(t *testing.T) {
	cache := cacheOf(t, dnsService(53),
		builders.MakeProfile("shop").UID("shop-uid").Generation(1).Tier(builders.MakeTier("web").Names("web").Obj()).Obj())
	census := transition.NewCensus()
	profiles := NewProfiles(cache, nil, census, "")
	before, err := profiles.current(t.Context())
	if err != nil || !census.Begin(before.serial) {
		t.Fatalf("a write may not begin: %v", err)
	}
	profiles.Pace()
	profiles.rest = 0
	if err := cache.Update(t.Context(), dnsService(5353)); err != nil {
		t.Fatal(err)
	}
	profiles.ServiceChanged(client.ObjectKeyFromObject(dnsService(0)))
	if _, err := profiles.current(t.Context()); !errors.Is(err, errUnderWay) {
		t.Fatalf("a write is under way, and there is %v", err)
	}
	profiles.rest = time.Hour
	if _, err := profiles.current(t.Context()); !errors.Is(err, errUnderWay) {
		t.Errorf("the write is still under way, and there is %v", err)
	}
	if census.Begin(before.serial) {
		t.Error("a write may begin by what the cluster said before")
	}
	census.End()
	after, err := profiles.current(t.Context())
	if err != nil || after.serial == before.serial {
		t.Errorf("all writes have ended, and what was due before is still: %v", err)
	}
	profiles.touch()
	if again, err := profiles.current(t.Context()); err != nil || again != after {
		t.Errorf("it is looked at while resting: %v", err)
	}
}

// TestMembersAreLookedAtWhenOthersChooseThem: nothing has changed about the members of a profile when another one comes
// to have a peer that chooses them, or ceases to; only they tell that they are members.
func TestMembersAreLookedAtWhenOthersChooseThem(t *testing.T) {
	shop := func(peers ...v1alpha1.Peer) *v1alpha1.SegmentationProfile {
		b := builders.MakeProfile("shop").UID("shop-uid").Tier(builders.MakeTier("web").Names("web").Obj())
		for _, peer := range peers {
			b.Peer(peer).Dependency(builders.MakeDependency(string(peer.Name)).FromTier("web").ToPeer(string(peer.Name)).Port(80).Obj())
		}
		return b.Obj()
	}
	first, second := builders.MakePeer("one").Names("api", "outside", "web").Obj(), builders.MakePeer("two").Names("web").Obj()
	cache := cacheOf(t, shop(),
		builders.MakeProfile("other").UID("other-uid").Generation(1).Tier(builders.MakeTier("api").Names("api").Obj()).Obj(),
		builders.MakeNamespace("web").Obj(), builders.MakeNamespace("api").Obj(), builders.MakeNamespace("outside").Obj())
	profiles := NewProfiles(cache, nil, transition.NewCensus(), "")
	var looked []string
	profiles.ChangedWith(func(names []string) { looked = append(looked, names...) })
	if _, err := profiles.current(t.Context()); err != nil {
		t.Fatal(err)
	}
	for generation, step := range []struct {
		peers []v1alpha1.Peer
		want  []string
	}{
		{[]v1alpha1.Peer{first}, []string{"api", "web"}},
		{[]v1alpha1.Peer{first, second}, []string{"web"}},
		{[]v1alpha1.Peer{second, first}, nil},
		{[]v1alpha1.Peer{second}, []string{"api", "web"}},
	} {
		now := shop(step.peers...)
		now.Generation = int64(generation + 2)
		for _, err := range []error{cache.Delete(t.Context(), shop()), cache.Create(t.Context(), now)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		looked = nil
		if _, err := profiles.current(t.Context()); err != nil {
			t.Fatal(err)
		}
		slices.Sort(looked)
		if !slices.Equal(looked, step.want) {
			t.Errorf("after step %d, looked at are %v, want %v", generation, looked, step.want)
		}
	}
}
