package main

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// What is measured with: a profile of three tiers that depend on each other. Each of its namespaces has one
// NetworkPolicy, one Role and one RoleBinding.
const (
	profileName = "bench"
	// perNamespace is the number of objects in each namespace.
	perNamespace = 3
	// smallest is the least number of namespaces, so that each tier has some.
	smallest = 10
	// firstPort is the port of the dependency that is changed.
	firstPort = 9090
)

// tiers are the tiers, of which each namespace is in one by its number: half of them in web, four of ten in
// api and one of ten in data.
func tierOf(i int) string {
	switch d := i % 10; {
	case d < 5:
		return "web"
	case d < 9:
		return "api"
	default:
		return "data"
	}
}

// changed tells whether the change of the port concerns a tier.
func changed(tier string) bool { return tier == "api" || tier == "data" }

func makeProfile() *v1alpha1.SegmentationProfile {
	tier := func(name string) v1alpha1.Tier {
		return builders.MakeTier(name).Selector(map[string]string{"bench": "shop", "layer": name}).
			Access("viewer", builders.Group("developers"), builders.Group("on-call")).Obj()
	}
	return builders.MakeProfile(profileName).
		Tier(tier("web"), tier("api"), tier("data")).
		Role(builders.MakeRole("viewer").Read("pods", "services", "configmaps").Obj()).
		Dependency(
			builders.MakeDependency("web-api").FromTier("web").ToTier("api").Port(8080).Obj(),
			builders.MakeDependency("api-data").FromTier("api").ToTier("data").Port(firstPort).Obj(),
		).Obj()
}

// namespaceName names the namespaces that are there from the beginning.
func namespaceName(i int) string { return fmt.Sprintf("bench-%05d", i) }

func makeNamespace(name, tier string) *corev1.Namespace {
	namespace := &corev1.Namespace{}
	namespace.Name = name
	namespace.Labels = map[string]string{"bench": "shop", "layer": tier}
	return namespace
}

// expected are the objects of a namespace of each tier.
type expected map[string]render.Objects

func (e expected) in(namespace, tier string) render.Objects {
	return e[tier].In(namespace)
}
