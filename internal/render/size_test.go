package render_test

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

func TestAPolicyThatIsTooLargeToBeStoredIsAMistake(t *testing.T) {
	t.Parallel()
	shop := builders.MakeProfile("shop").Tier(builders.MakeTier("web").Names("one").Obj())
	for p := range 64 {
		name := fmt.Sprintf("peer-%d", p)
		peer := builders.MakePeer(name)
		for r := range 64 {
			except := make([]string, 0, 16)
			for e := range 16 {
				except = append(except, fmt.Sprintf("2001:db8:%x:%x:%x::/80", 256+p, 256+r, 4096+e))
			}
			peer.CIDR(fmt.Sprintf("2001:db8:%x:%x::/64", 256+p, 256+r), except...)
		}
		shop.Peer(peer.Obj()).Dependency(
			builders.MakeDependency(name+"-out").FromTier("web").ToPeer(name).Port(1).Obj(),
			builders.MakeDependency(name+"-in").FromPeer(name).ToTier("web").Port(1).Obj())
	}
	errs := oversized(t, shop.Obj())
	if len(errs) != 1 || !strings.Contains(errs[0].Error(), "spec.tiers[0]: Invalid value: \"segmentation\": the NetworkPolicy would have") {
		t.Errorf("got %v", errs)
	}
}

func TestAnOrdinaryPolicyIsNotTooLarge(t *testing.T) {
	t.Parallel()
	if errs := oversized(t, builders.MakeProfile("shop").Tier(builders.MakeTier("web").Names("one").Obj()).Obj()); len(errs) != 0 {
		t.Errorf("got %v", errs)
	}
}

func oversized(t *testing.T, profile *v1alpha1.SegmentationProfile) field.ErrorList {
	t.Helper()
	compiled, errs := plan.Compile(profile)
	if len(errs) > 0 {
		t.Fatal(errs.ToAggregate())
	}
	return render.Oversized(render.Tier(compiled, &compiled.Tiers[0]), field.NewPath("spec", "tiers").Index(0))
}
