package api

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	segv1alpha1 "github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// apply applies a spec, given as YAML, as one of several owners of a profile.
func apply(t *testing.T, name, owner, spec string) error {
	t.Helper()
	object := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(spec), &object); err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{Object: map[string]any{"spec": object}}
	u.SetGroupVersionKind(segv1alpha1.GroupVersion.WithKind("SegmentationProfile"))
	u.SetName(name)
	return server.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(u), client.FieldOwner(owner))
}

func mustApply(t *testing.T, name, owner, spec string) {
	t.Helper()
	if err := apply(t, name, owner, spec); err != nil {
		t.Fatalf("%s applies: %v", owner, err)
	}
}

// declared names the tiers, peers, roles and dependencies of a profile, in this order.
func declared(t *testing.T, name string) []string {
	t.Helper()
	spec := read(t, name).Spec
	var names []string
	for i := range spec.Tiers {
		names = append(names, "tier "+string(spec.Tiers[i].Name))
	}
	for i := range spec.Peers {
		names = append(names, "peer "+string(spec.Peers[i].Name))
	}
	for i := range spec.Roles {
		names = append(names, "role "+string(spec.Roles[i].Name))
	}
	for i := range spec.Dependencies {
		names = append(names, "dependency "+string(spec.Dependencies[i].Name))
	}
	return names
}

const (
	platform = `
tiers:
- {name: web, namespaces: {selector: {matchLabels: {layer: web}}}}
- {name: api, namespaces: {selector: {matchLabels: {layer: api}}}}
peers: [{name: ingress, namespaces: {names: [ingress-nginx]}}]
dependencies: [{name: ingress-web, from: {peer: ingress}, to: {tier: web}, ports: [{port: 8080}]}]`
	team = `
tiers: [{name: data, namespaces: {names: [shop-data]}}]
roles: [{name: viewer, rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]}]
dependencies: [{name: api-data, from: {tier: api}, to: {tier: data}, ports: [{port: 5432}]}]`
)

func TestTwoAppliersOwnDifferentEntriesOfOneProfile(t *testing.T) {
	mustApply(t, "owners", "platform", platform)
	remove(t, oneTier("owners"))
	mustApply(t, "owners", "team", team)
	expect := func(what string, want ...string) {
		t.Helper()
		if got := declared(t, "owners"); !slices.Equal(got, want) {
			t.Errorf("%s, the profile declares %v, want %v", what, got, want)
		}
	}
	expect("after both applied", "tier web", "tier api", "tier data", "peer ingress", "role viewer",
		"dependency ingress-web", "dependency api-data")

	mustApply(t, "owners", "platform", platform)
	expect("after the first applied the same again", "tier web", "tier api", "tier data", "peer ingress", "role viewer",
		"dependency ingress-web", "dependency api-data")

	mustApply(t, "owners", "team", strings.Replace(team, "api-data", "orders-data", 1))
	expect("after the second renamed its dependency", "tier web", "tier api", "tier data", "peer ingress", "role viewer",
		"dependency ingress-web", "dependency orders-data")

	// Whoever takes away what another's entry names is told of it.
	err := apply(t, "owners", "platform", `tiers: [{name: web, namespaces: {selector: {matchLabels: {layer: web}}}}]`)
	if want := "from.tier of dependency orders-data names api"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the API server said %v, want %s", err, want)
	}

	mustApply(t, "owners", "team", "{}")
	expect("after the second gave up all it had", "tier web", "tier api", "peer ingress", "dependency ingress-web")
}

func TestTwoAppliersOfOneEntryAreInConflict(t *testing.T) {
	mustApply(t, "conflict", "platform", platform)
	remove(t, oneTier("conflict"))
	err := apply(t, "conflict", "team", `tiers: [{name: web, namespaces: {selector: {matchLabels: {layer: front}}}}]`)
	if want := `.spec.tiers[name="web"].namespaces.selector`; !apierrors.IsConflict(err) || !strings.Contains(err.Error(), want) {
		t.Errorf("the API server said %v, want a conflict over %s", err, want)
	}
}

// A selector has one owner. If each of two could add labels of its own, it would come to select
// what neither of them had in mind.
func TestSelectorsAreOwnedAsAWhole(t *testing.T) {
	mustApply(t, "selectors", "platform", platform)
	remove(t, oneTier("selectors"))
	mustApply(t, "selectors", "platform", strings.Replace(platform, "{layer: web}", "{stage: live}", 1))
	got := fmt.Sprint(read(t, "selectors").Spec.Tiers[0].Namespaces.Selector.MatchLabels)
	if want := "map[stage:live]"; got != want {
		t.Errorf("the labels are %s, want %s", got, want)
	}
	err := apply(t, "selectors", "team", `tiers: [{name: web, namespaces: {selector: {matchLabels: {team: shop}}}}]`)
	if !apierrors.IsConflict(err) {
		t.Errorf("the API server said %v, want a conflict", err)
	}
}
