package admission

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

const labelsAreTheOperators = "labels of a namespace that begin with segmentation.dev/ are set and removed by the segmentation operator " +
	"alone: leave them as they are, and change the SegmentationProfile, or the labels that its tiers select by"

// labelWrites are the ways to set labels of a namespace that is there; a nil value removes one.
func labelWrites(w *world, namespace, key string, value any) map[string]func(client.Client) error {
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{%q:null}}}`, key)
	if value != nil {
		patch = fmt.Appendf(nil, `{"metadata":{"labels":{%q:%q}}}`, key, value)
	}
	merge := client.RawPatch(types.MergePatchType, patch)
	object := func() *corev1.Namespace {
		var n corev1.Namespace
		w.Expect(env.admin.Get(w.ctx(), client.ObjectKey{Name: namespace}, &n)).To(Succeed())
		return &n
	}
	changed := func() *corev1.Namespace {
		n := object()
		delete(n.Labels, key)
		if value != nil {
			n.Labels[key] = value.(string)
		}
		return n
	}
	return map[string]func(client.Client) error{
		"update":           func(c client.Client) error { return c.Update(w.ctx(), changed(), client.DryRunAll) },
		"patch":            func(c client.Client) error { return c.Patch(w.ctx(), object(), merge, client.DryRunAll) },
		"update of status": func(c client.Client) error { return c.Status().Update(w.ctx(), changed(), client.DryRunAll) },
		"patch of status":  func(c client.Client) error { return c.Status().Patch(w.ctx(), object(), merge, client.DryRunAll) },
		"finalize": func(c client.Client) error {
			return c.SubResource("finalize").Update(w.ctx(), changed(), client.DryRunAll)
		},
	}
}

func TestOnlyTheOperatorLabelsMembers(t *testing.T) {
	w := newWorld(t)
	w.namespace("one", "web")
	p := w.profile(w.twoTiers("shop").Obj())
	w.settled(p, 1)
	w.namespace("plain", "none")
	deputy := w.user("deputy",
		allow("", "namespaces", []string{"get", "create", "update", "patch"}),
		allow("", "namespaces/status", []string{"update", "patch"}), allow("", "namespaces/finalize", []string{"update"}))

	for _, c := range []struct {
		story, namespace, key string
		value                 any
	}{
		{"the tier of a member is changed", "one", v1alpha1.TierLabel, "api"},
		{"a member is taken out", "one", v1alpha1.ProfileLabel, nil},
		{"a namespace passes for a member", "plain", v1alpha1.ProfileLabel, p.Name},
		{"another label of the operator's", "plain", "segmentation.dev/another", ""},
	} {
		for way, write := range labelWrites(w, w.ns(c.namespace), c.key, c.value) {
			w.run(c.story+", by "+way, func(w *world) {
				w.refused(write(deputy), boundaryLabels, labelsAreTheOperators)
				w.refused(write(env.admin), boundaryLabels, labelsAreTheOperators)
				w.Expect(write(env.breakGlass)).To(Succeed())
				w.Expect(write(w.impersonating(deploy.User, "system:masters"))).To(Succeed())
			})
		}
	}
	for way, write := range labelWrites(w, w.ns("one"), "layer", "api") {
		w.run("labels of others, by "+way, func(w *world) { w.Expect(write(deputy)).To(Succeed()) })
	}
	for way, write := range labelWrites(w, w.ns("one"), v1alpha1.TierLabel, "web") {
		w.run("what is there already, by "+way, func(w *world) { w.Expect(write(deputy)).To(Succeed()) })
	}
	w.run("a namespace is created with the labels of a member", func(w *world) {
		forged := builders.MakeNamespace(w.ns("forged")).Member(p.Name, "web").Obj()
		w.refused(deputy.Create(w.ctx(), forged.DeepCopy(), client.DryRunAll), boundaryLabels, labelsAreTheOperators)
		w.Expect(env.breakGlass.Create(w.ctx(), forged.DeepCopy(), client.DryRunAll)).To(Succeed())
		w.Expect(deputy.Create(w.ctx(), builders.MakeNamespace(w.ns("plain2")).Labels(w.layer("web")).Obj(), client.DryRunAll)).To(Succeed())
	})
	w.run("labels of a member are applied", func(w *world) {
		for _, namespace := range []string{w.ns("one"), w.ns("not-there")} {
			forged := corev1ac.Namespace(namespace).WithLabels(map[string]string{v1alpha1.ProfileLabel: p.Name, v1alpha1.TierLabel: "api"})
			err := deputy.Apply(w.ctx(), forged, client.FieldOwner("deputy"), client.ForceOwnership, client.DryRunAll)
			w.refused(err, boundaryLabels, labelsAreTheOperators)
		}
		same := corev1ac.Namespace(w.ns("one")).WithLabels(map[string]string{v1alpha1.ProfileLabel: p.Name, v1alpha1.TierLabel: "web"})
		w.Expect(deputy.Apply(w.ctx(), same, client.FieldOwner("deputy"), client.ForceOwnership, client.DryRunAll)).To(Succeed())
	})
}

// The namespace controller takes the last finalizer off through a subresource that the policy
// looks at.
func TestAMemberCanBeDeleted(t *testing.T) {
	w := newWorld(t)
	n := w.namespace("one", "web")
	p := w.profile(w.twoTiers("shop").Obj())
	w.settled(p, 1)
	w.Expect(env.admin.Delete(w.ctx(), n)).To(Succeed())
	w.gone(n)
	w.settled(p, 0)
}
