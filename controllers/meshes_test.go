package controllers

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/status"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// stage is a kind that comes and goes.
func (o *Optional) stage(reader client.Reader, isSynced bool) {
	o.isLooked, o.present = true, nil
	if reader != nil {
		o.present = &present{reader: reader, isSynced: isSynced}
	}
}

func TestWhatIsKnownOfAMeshEndsWithItsKinds(t *testing.T) {
	p, errs := plan.Compile(builders.MakeProfile("shop").Tier(builders.MakeTier("api").Names("api-1").Obj()).
		Istio(v1alpha1.Istio{MutualTLS: v1alpha1.MutualTLSStrict}).Obj())
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	policies, authentications := &Optional{}, &Optional{}
	m := NewMeshes(policies, authentications)
	var told []string
	m.changedWith(func(profile string) { told = append(told, profile) })
	m.profiles = []string{"empty", "shop"} // One of them has no namespace.
	m.places.Put("api-1", plan.TierOf{Profile: "shop", Tier: "api"}, nil)
	is := func(when string, want status.Mesh) {
		t.Helper()
		got := m.of("shop", p)
		if !slices.Equal(got.Missing, want.Missing) || got.IsUnread != want.IsUnread || got.Due != want.Due || got.Exact != want.Exact {
			t.Errorf("%s: %+v, want %+v", when, got, want)
		}
	}
	exact := func() {
		seen := m.look()
		m.record("api-1", meshed{profile: "shop", plan: p, isExact: true, by: seen.kinds})
	}
	news := func(when string, want ...string) {
		t.Helper()
		slices.Sort(told)
		if got := slices.Compact(told); !slices.Equal(got, want) {
			t.Errorf("%s: told of %v, want %v", when, got, want)
		}
		told = nil
	}
	is("before anything is known", status.Mesh{IsUnread: true, Due: 1})
	first, second := fake.NewClientBuilder().Build(), fake.NewClientBuilder().Build()
	policies.stage(first, true)
	authentications.stage(first, true)
	exact()
	is("installed", status.Mesh{Due: 1, Exact: 1})
	told = nil

	stale := m.known["api-1"]
	policies.stage(nil, false)
	authentications.stage(nil, false)
	m.saw(nil)
	news("removed", "empty", "shop")
	is("removed", status.Mesh{Due: 1, Missing: []string{mesh.KindAuthorizationPolicy, mesh.KindPeerAuthentication}})
	m.record("api-1", stale) // By a look that began before.
	policies.stage(second, false)
	authentications.stage(second, false)
	is("installed anew", status.Mesh{IsUnread: true, Due: 1})
	policies.stage(second, true)
	authentications.stage(second, true)
	is("read anew", status.Mesh{Due: 1})
	m.saw(nil)
	news("read anew", "empty", "shop")
	exact()
	is("written anew", status.Mesh{Due: 1, Exact: 1})

	told = nil
	m.doubt([]string{"api-1", "elsewhere"})
	news("a caller joins", "shop")
	is("a caller joins", status.Mesh{Due: 1})

	authentications.stage(nil, false)
	m.saw(nil)
	exact()
	is("one kind is removed", status.Mesh{Due: 1, Exact: 1, Missing: []string{mesh.KindPeerAuthentication}})
	m.record("api-1", meshed{profile: "shop", isLeaving: true})
	is("the namespace is being deleted", status.Mesh{Missing: []string{mesh.KindPeerAuthentication}})
}

func TestPoliciesOfTheRootNamespaceGuardAll(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := mesh.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	root := &mesh.AuthorizationPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "istio-system", Name: "allow-nothing"}}
	logged := root.DeepCopy()
	logged.Namespace, logged.Annotations = "istio-config", map[string]string{"istio.io/dry-run": "true"}
	k := kinds{policies: fake.NewClientBuilder().WithScheme(scheme).WithObjects(root, logged).Build()}
	cases := []struct {
		root, namespace string
		want            bool
	}{
		{"istio-system", "web", true},
		{"istio-system", "istio-system", true},
		{"istio-config", "web", false},
		{"istio-config", "istio-config", true},
		{"", "web", false},
	}
	for _, c := range cases {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: c.namespace}}
		if got, err := k.isGuarded(t.Context(), c.root, namespace); err != nil || got != c.want {
			t.Errorf("%s, with root namespace %q: %v, %v, want %v", c.namespace, c.root, got, err, c.want)
		}
	}
}
