package transitions

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// heldEach is how often namespaces are caught in the middle of a move at least.
const heldEach = 2

// TestHeldInTheMiddle has a profile stop to claim while its namespaces move, and go on later on.
// What happens in between has to be between the two ends, as if nothing had happened.
func TestHeldInTheMiddle(t *testing.T) {
	tell(t, "held", func(s *scene) {
		first := state{members: shopOf("0123", "4567", "89")}
		s.begin()
		s.once("a profile is created", first, func() { s.create(s.shop("0123", "4567", "89")) }, func(state) int { return 0 })
		s.hit(way{
			name: "two tiers swap their namespaces", profile: "shop", from: first,
			to: state{members: shopOf("4567", "0123", "89")}, change: s.selects("4567", "0123"),
		}, heldEach, s.held)
	})
}

// held puts the profile in Preview at a random time, has the operator start anew or not, and goes
// on. It counts if a namespace was held with the labels of one tier and the policies of another.
func (s *scene) held(state) int {
	s.t.Helper()
	s.pause(s.within)
	s.mode(v1alpha1.ModePreview)
	if s.random.IntN(2) == 0 {
		s.operator.Kill()
		s.start()
	}
	s.Eventually(func() int64 { return s.profile("shop").Status.ObservedGeneration }, soon, tick).Should(Equal(s.profile("shop").Generation))
	caught := s.midway()
	if caught == 0 {
		s.within = max(s.within/2, earliest)
	}
	s.mode(v1alpha1.ModeEnforce)
	s.counts[heldMidway] += caught
	return min(caught, 1)
}

func (s *scene) mode(mode v1alpha1.Mode) {
	s.t.Helper()
	s.change("shop", func(spec *v1alpha1.SegmentationProfileSpec) { spec.Mode = mode })
}

// midway is how many namespaces have the labels of one tier and the base policy of another.
func (s *scene) midway() int {
	s.t.Helper()
	n := 0
	for slot := range members {
		namespace, base := &corev1.Namespace{}, &networkingv1.NetworkPolicy{}
		s.Expect(env.admin.Get(s.ctx(), client.ObjectKey{Name: s.ns(slot)}, namespace)).To(Succeed())
		s.Expect(env.admin.Get(s.ctx(), client.ObjectKey{Namespace: s.ns(slot), Name: render.Prefix}, base)).To(Succeed())
		if namespace.Labels[v1alpha1.TierLabel] != base.Labels[v1alpha1.TierLabel] {
			n++
		}
	}
	return n
}
