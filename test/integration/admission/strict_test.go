package admission

import (
	"context"
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// notIsolated is what is said to who creates a pod too early.
func notIsolated(namespace, tier, profile string) string {
	return "namespace " + namespace + " is not isolated yet: tier " + tier + " of SegmentationProfile " + profile +
		" selects it, and its network policies are still to be written; try again, as controllers do by themselves, " +
		"and if this lasts, see: kubectl describe segprof " + profile
}

// withoutOperator ends the operator until the test ends.
func (w *world) withoutOperator() {
	w.t.Helper()
	w.Expect(env.operator.Stop()).To(Succeed())
	w.t.Cleanup(func() {
		if err := env.operator.Start(); err != nil {
			w.t.Error(err)
		}
	})
}

// admits tries to create a pod in a namespace that has the full name given; nothing is created.
func (w *world) admits(namespace string) error {
	return env.admin.Create(w.ctx(), pod(namespace, "probe"), client.DryRunAll)
}

// held waits until a pod in a namespace, by its full name, is refused, and looks at the words.
func (w *world) held(namespace, tier, profile string) {
	w.t.Helper()
	var err error
	w.Eventually(func() string { err = w.admits(namespace); return deniedBy(err) }, soon, tick).Should(Equal(podAdmission))
	w.refused(err, podAdmission, notIsolated(namespace, tier, profile))
}

// With the operator down, what is a member stays open for pods, what is not is held, and nothing
// else is touched.
func TestStrictWithTheOperatorDown(t *testing.T) {
	w := newWorld(t)
	w.namespace("member", "web")
	p := w.profile(w.twoTiers("shop").Strict().Obj())
	w.settled(p, 1)
	w.withoutOperator()
	w.namespace("new", "web")
	w.namespace("other", "none")

	w.held(w.ns("new"), "web", p.Name)
	for _, namespace := range []string{w.ns("member"), w.ns("other"), "default", "kube-system", "kube-public", "kube-node-lease", "segmentation-system"} {
		w.Expect(w.admits(namespace)).To(Succeed(), "%s", namespace)
	}
	w.run("a profile that selects everything holds no system namespace", func(w *world) {
		all := w.profile(builders.MakeProfile(w.ns("all")).Strict().Tier(builders.MakeTier("all").Selector(nil).Obj()).Obj())
		w.held("default", "all", all.Name)
		w.Expect(w.admits(w.ns("member"))).To(Succeed())
		for _, namespace := range []string{"kube-system", "kube-public", "kube-node-lease", "segmentation-system"} {
			w.Expect(w.admits(namespace)).To(Succeed(), "%s", namespace)
		}
		w.change(all, func(s *v1alpha1.SegmentationProfileSpec) { s.Mode = v1alpha1.ModePreview })
		w.Eventually(func() error { return w.admits("default") }, soon, tick).Should(Succeed(), "a profile in Preview holds nothing")
		w.change(all, func(s *v1alpha1.SegmentationProfileSpec) { s.Mode = v1alpha1.ModeEnforce })
		w.held("default", "all", all.Name)
		w.change(all, func(s *v1alpha1.SegmentationProfileSpec) { s.Admission = v1alpha1.AdmissionStandard })
		w.Eventually(func() error { return w.admits("default") }, soon, tick).Should(Succeed(), "nor one with admission: Standard")
		w.change(all, func(s *v1alpha1.SegmentationProfileSpec) { s.Admission = v1alpha1.AdmissionStrict })
		w.held("default", "all", all.Name)
		w.terminating(all)
		w.Eventually(func() error { return w.admits("default") }, soon, tick).Should(Succeed(), "nor one that is being deleted")
	})
	w.run("the operator is back", func(w *world) {
		w.Expect(env.operator.Start()).To(Succeed())
		w.Eventually(func() error { return w.admits(w.ns("new")) }, soon, tick).Should(Succeed())
		w.Expect(env.operator.Stop()).To(Succeed())
	})
}

// terminating has a profile be deleted, and stay until the test ends.
func (w *world) terminating(p *v1alpha1.SegmentationProfile) {
	w.t.Helper()
	finalizers := func(names string) {
		patch := client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"metadata":{"finalizers":%s}}`, names))
		w.Expect(env.admin.Patch(w.ctx(), p, patch)).To(Succeed())
	}
	finalizers(`["example.com/stay"]`)
	w.Expect(env.admin.Delete(w.ctx(), p)).To(Succeed())
	w.t.Cleanup(func() {
		patch := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`))
		_ = env.admin.Patch(context.Background(), p, patch)
	})
}

// Selectors mean in the policy what they mean to the operator.
func TestStrictSelectsWhatTiersSelect(t *testing.T) {
	w := newWorld(t)
	w.withoutOperator()
	selector := func(labels map[string]string, requirements ...v1alpha1.LabelSelectorRequirement) v1alpha1.Tier {
		return builders.MakeTier("web").Selector(labels, requirements...).Obj()
	}
	n := w.namespace("one", "web")
	for name, c := range map[string]struct {
		tier  v1alpha1.Tier
		holds bool
	}{
		"its name":                     {builders.MakeTier("web").Names("other", w.ns("one")).Obj(), true},
		"another name":                 {builders.MakeTier("web").Names("other").Obj(), false},
		"its labels":                   {selector(w.layer("web")), true},
		"one of two labels":            {selector(map[string]string{"world": w.name, "layer": "api"}), false},
		"a label it does not have":     {selector(map[string]string{"world": w.name, "zone": ""}), false},
		"a value among others":         {selector(nil, builders.In("world", "x", w.name), builders.In("layer", "api", "web")), true},
		"other values":                 {selector(nil, builders.In("world", w.name), builders.In("layer", "api")), false},
		"a value of a missing label":   {selector(nil, builders.In("world", w.name), builders.In("zone", "", "a")), false},
		"not its value":                {selector(nil, builders.In("world", w.name), builders.NotIn("layer", "web", "api")), false},
		"not another value":            {selector(nil, builders.In("world", w.name), builders.NotIn("layer", "api")), true},
		"no value of a missing label":  {selector(nil, builders.In("world", w.name), builders.NotIn("zone", "a")), true},
		"that a label exists":          {selector(nil, builders.In("world", w.name), builders.Exists("layer")), true},
		"that a missing label exists":  {selector(nil, builders.In("world", w.name), builders.Exists("zone")), false},
		"that a label does not exist":  {selector(nil, builders.In("world", w.name), builders.DoesNotExist("layer")), false},
		"that a missing label is none": {selector(nil, builders.In("world", w.name), builders.DoesNotExist("zone")), true},
		"labels and requirements":      {selector(w.layer("web"), builders.DoesNotExist("layer")), false},
		"everything":                   {selector(nil), true},
	} {
		w.run("by "+name, func(w *world) {
			// The second tier shows when the API server has come to know of the profile.
			p := builders.MakeProfile(w.ns("shop")).Strict().Tier(c.tier, builders.MakeTier("seen").Names(probeOf(w)).Obj()).Obj()
			w.Expect(env.admin.Create(w.ctx(), p)).To(Succeed())
			defer func() { w.Expect(env.admin.Delete(w.ctx(), p)).To(Succeed()); w.forgotten() }()
			w.Eventually(func() string { return deniedBy(w.admits(probeOf(w))) }, soon, tick).Should(Equal(podAdmission))
			if err := w.admits(n.Name); c.holds {
				w.refused(err, podAdmission, notIsolated(n.Name, "web", p.Name))
			} else {
				w.Expect(err).NotTo(HaveOccurred())
			}
		})
	}
}

// probeOf is a namespace that shows whether the API server's admission knows of a profile.
func probeOf(*world) string { return "default" }

// forgotten waits until the API server's admission knows that the profile is gone.
func (w *world) forgotten() {
	w.t.Helper()
	w.Eventually(func() error { return w.admits(probeOf(w)) }, soon, tick).Should(Succeed())
}

// The largest selectors that the CRD takes can be compared with a namespace's labels.
func TestStrictWithTheLargestProfiles(t *testing.T) {
	w := newWorld(t)
	w.withoutOperator()
	n := w.namespace("one", "web")
	labels := map[string]string{"world": w.name}
	values := make([]string, 32)
	for i := range values {
		values[i] = long("v", 63, i)
	}
	selecting, naming := builders.MakeProfile(w.ns("selecting")).Strict(), builders.MakeProfile(w.ns("naming")).Strict()
	for i := range 63 {
		requirements := []v1alpha1.LabelSelectorRequirement{builders.In("layer", append(values[:31:31], "none")...)}
		for range 7 {
			requirements = append(requirements, builders.NotIn("layer", values...))
		}
		selecting.Tier(builders.MakeTier(fmt.Sprintf("tier-%d", i)).Selector(labels, requirements...).Obj())
		tier := builders.MakeTier(fmt.Sprintf("tier-%d", i))
		for j := range 128 {
			tier.Names(long("n", 63, i*128+j))
		}
		naming.Tier(tier.Obj())
	}
	for _, p := range []*v1alpha1.SegmentationProfile{
		selecting.Tier(builders.MakeTier("last").Selector(w.layer("web")).Obj()).Obj(),
		naming.Tier(builders.MakeTier("last").Names(n.Name).Obj()).Obj(),
	} {
		w.Expect(env.admin.Create(w.ctx(), p)).To(Succeed())
		w.held(n.Name, "last", p.Name)
		w.Expect(env.admin.Delete(w.ctx(), p)).To(Succeed())
		w.Eventually(func() error { return w.admits(n.Name) }, soon, tick).Should(Succeed())
	}
}
