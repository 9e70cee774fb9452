package builders_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	segv1alpha1 "github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

func TestAChainGoesOnAfterObjWithoutChangingWhatWasReturned(t *testing.T) {
	chain := builders.MakeProfile("shop").Label("team", "shop").Tier(builders.MakeTier("web").Names("web").Obj())
	first := chain.Obj()
	second := chain.Label("team", "other").Tier(builders.MakeTier("api").Names("api").Obj()).Obj()

	if got := first.Labels["team"]; got != "shop" {
		t.Errorf("the first object's label changed to %q", got)
	}
	if got, want := len(first.Spec.Tiers), 1; got != want {
		t.Errorf("the first object has %d tiers, want %d", got, want)
	}
	if got, want := len(second.Spec.Tiers), 2; got != want {
		t.Errorf("the second object has %d tiers, want %d", got, want)
	}
}

func TestAnEmptySelectorIsNotAMissingOne(t *testing.T) {
	tier := builders.MakeTier("all").Selector(nil).Obj()
	want := &segv1alpha1.LabelSelector{}
	if diff := cmp.Diff(want, tier.Namespaces.Selector); diff != "" {
		t.Errorf("selector (-want +got):\n%s", diff)
	}
}

func TestANamespaceHasTheLabelsOfARealOne(t *testing.T) {
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	namespace := builders.MakeNamespace("shop-web").Label("team", "shop").Member("shop", "web").Terminating(since).Metadata()
	want := map[string]string{
		"kubernetes.io/metadata.name": "shop-web",
		"team":                        "shop",
		segv1alpha1.ProfileLabel:      "shop",
		segv1alpha1.TierLabel:         "web",
	}
	if diff := cmp.Diff(want, namespace.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if !namespace.DeletionTimestamp.Time.Equal(since) {
		t.Errorf("deleted at %v, want %v", namespace.DeletionTimestamp, since)
	}
}
