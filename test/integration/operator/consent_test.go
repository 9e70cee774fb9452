package operator

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// TestConsentOfTwoProfiles has two teams open a path, each from its side, and withdraw it.
func TestConsentOfTwoProfiles(t *testing.T) {
	w := newWorld(t)
	w.namespace("jobs", "jobs")
	w.namespace("data", "data")
	reports := builders.MakeProfile(w.ns("reports")).Tier(builders.MakeTier("jobs").Selector(w.layer("jobs")).Obj()).Obj()
	orders := builders.MakeProfile(w.ns("orders")).Tier(builders.MakeTier("data").Selector(w.layer("data")).Obj()).Obj()
	calls := builders.MakeDependency("jobs-orders").FromTier("jobs").ToProfile(orders.Name, "data").Port(5432).Obj()
	reports.Spec.Dependencies = []v1alpha1.Dependency{calls}
	w.create(orders)
	w.create(reports)
	w.settled(orders, 1)
	w.settled(reports, 1)
	flows := map[string]reach.Flow{
		"declared": tcp(w.pod("jobs", "a"), w.pod("data", "a"), 5432), "another port": tcp(w.pod("jobs", "a"), w.pod("data", "a"), 80),
		"back": tcp(w.pod("data", "a"), w.pod("jobs", "a"), 5432),
	}

	w.run("one side opens nothing, and both are told of the line that is missing", func(w *world) {
		line := "{name: jobs-orders, from: {profile: " + reports.Name + ", tier: jobs}, to: {tier: data}, ports: [{protocol: TCP, port: 5432}]}"
		w.Expect(w.finds(reports, v1alpha1.ReasonPendingConsent)).To(Equal("dependency jobs-orders: profile " + orders.Name +
			" does not declare this path from its side; it opens nothing until its owner adds " + line))
		w.Expect(w.finds(orders, v1alpha1.ReasonPendingConsent)).To(Equal("profile " + reports.Name +
			" declares dependency jobs-orders with tier data of this profile, which does not declare it from its side; to open it, add " + line))
		w.Expect(w.allows(flows)).To(BeEmpty())
		base, err := w.policy("jobs", "segmentation")
		w.Expect(err).NotTo(HaveOccurred())
		w.Expect(base.Annotations[v1alpha1.DeclaredByAnnotation]).NotTo(ContainSubstring("jobs-orders"), "not even its own side is written")
	})
	consents := builders.MakeDependency("reports-may-read").FromProfile(reports.Name, "jobs").ToTier("data").Port(5432).Obj()
	w.run("both sides open it", func(w *world) {
		f := w.whileFollowing(flows, func() {
			w.change(orders, func(s *v1alpha1.SegmentationProfileSpec) { s.Dependencies = []v1alpha1.Dependency{consents} })
			w.Eventually(func() []string { return w.allows(flows) }, soon, tick).Should(Equal([]string{"declared"}))
		})
		w.Expect(f.never()).To(Equal([]string{"another port", "back"}))
		w.findsNone(reports, v1alpha1.ReasonPendingConsent)
		w.findsNone(orders, v1alpha1.ReasonPendingConsent)
		w.settled(orders, 1)
		w.settled(reports, 1)
	})
	w.run("a mistake of one owner closes nothing", func(w *world) {
		withoutRules(w)
		w.change(orders, func(s *v1alpha1.SegmentationProfileSpec) { s.Dependencies[0].To.Tier = "nowhere" })
		w.condition(orders, v1alpha1.ConditionAccepted, "False", v1alpha1.ReasonInvalid)
		w.Consistently(func() []string { return w.allows(flows) }, "500ms", tick).Should(Equal([]string{"declared"}))
		w.change(orders, func(s *v1alpha1.SegmentationProfileSpec) { s.Dependencies[0] = consents })
		w.settled(orders, 1)
	})
	w.run("who withdraws his side closes it, on both", func(w *world) {
		f := w.whileFollowing(flows, func() {
			w.change(reports, func(s *v1alpha1.SegmentationProfileSpec) { s.Dependencies = nil })
			w.Eventually(func() []string { return w.allows(flows) }, soon, tick).Should(BeEmpty())
		})
		w.Expect(f.never()).To(Equal([]string{"another port", "back"}))
		w.Expect(w.finds(orders, v1alpha1.ReasonPendingConsent)).To(ContainSubstring("reports-may-read"))
		w.Eventually(func() string {
			base, err := w.policy("data", "segmentation")
			w.Expect(err).NotTo(HaveOccurred())
			return base.Annotations[v1alpha1.DeclaredByAnnotation]
		}, soon, tick).ShouldNot(ContainSubstring("reports-may-read"))
	})
}
