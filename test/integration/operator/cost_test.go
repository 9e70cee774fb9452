package operator

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/cluster"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// made returns the writes that the operator made in the test's namespaces since a position, sorted, without the
// profile's status: the verb, the namespace and the object of each.
func made(w *world, since cluster.AuditPosition) []string {
	w.t.Helper()
	events, err := env.cluster.Audit().Since(w.ctx(), since)
	w.Expect(err).NotTo(HaveOccurred())
	var out []string
	for _, e := range events {
		inNamespace := strings.HasPrefix(e.Namespace, w.name)
		if e.User == deploy.User && e.IsWrite() && (inNamespace || e.Resource == "namespaces" && strings.HasPrefix(e.Name, w.name)) {
			where := strings.TrimPrefix(e.Namespace, w.name+"-") + "/" + strings.TrimPrefix(e.Name, w.name+"-")
			out = append(out, fmt.Sprintf("%s %s/%s", e.Verb, e.Resource, where))
		}
	}
	slices.Sort(out)
	return out
}

// arrival are the writes that a namespace costs that joins alone.
func arrival(name, binding string) []string {
	return []string{
		"create networkpolicies/" + name + "/segmentation",
		"create rolebindings/" + name + "/" + binding,
		"create roles/" + name + "/segmentation-viewer",
		"patch namespaces/" + name + "/" + name,
	}
}

const viewerBinding = "segmentation-viewer-b7989610f0"

// arrives has a namespace join, and returns the writes that it cost.
func (w *world) arrives(p *v1alpha1.SegmentationProfile, name string, claimed int) []string {
	w.t.Helper()
	start := now(w)
	w.namespace(name, "web")
	w.settled(p, claimed)
	return made(w, start)
}

// TestCost counts the requests of a profile's life: each object once, each namespace's labels once, and nothing else
// but status and events. Only the base policies of namespaces that join together are written once more: until all are
// members, they go by what the tiers select.
func TestCost(t *testing.T) {
	w := newWorld(t)
	start := now(w)
	p := busyShop(w)
	w.settled(p, 4)
	var want []string
	for _, name := range []string{"w1", "w2", "w3"} {
		want = append(want, arrival(name, viewerBinding)...)
	}
	want = append(want, "create networkpolicies/a1/segmentation", "patch namespaces/a1/a1")
	slices.Sort(want)
	again := func(write string) bool { return strings.HasPrefix(write, "update networkpolicies/") }
	writes := made(w, start)
	w.Expect(slices.DeleteFunc(slices.Clone(writes), again)).To(Equal(want))
	w.Expect(slices.Compact(slices.Clone(writes))).To(Equal(writes), "something was written twice")

	w.run("a namespace that arrives costs its own objects and its labels", func(w *world) {
		w.Expect(w.arrives(p, "w4", 5)).To(Equal(arrival("w4", viewerBinding)))
	})
	w.run("as many among ten times as many", func(w *world) {
		for i := range 40 {
			w.namespace(fmt.Sprintf("more%d", i), "api")
		}
		w.settled(p, 45)
		w.Expect(w.arrives(p, "w5", 46)).To(Equal(arrival("w5", viewerBinding)))
	})
	w.run("a change of what one tier's roles allow is written there, and nowhere else", func(w *world) {
		start := now(w)
		w.change(p, func(s *v1alpha1.SegmentationProfileSpec) {
			s.Roles[0].Rules[0].Verbs = append(s.Roles[0].Rules[0].Verbs, "deletecollection")
		})
		w.condition(p, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonAboveCeiling)
		w.change(p, func(s *v1alpha1.SegmentationProfileSpec) {
			s.Roles[0].Rules[0].Verbs = s.Roles[0].Rules[0].Verbs[:1]
		})
		w.settled(p, 46)
		writes := made(w, start)
		w.Expect(writes).NotTo(BeEmpty())
		for _, write := range writes {
			w.Expect(write).To(HavePrefix("update roles/w"))
		}
	})
}

// TestCostOfAChange changes the port of a dependency that concerns one tier of three: each of its namespaces is
// written to once, and no other at all.
func TestCostOfAChange(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"w1", "w2", "a1", "a2", "a3"} {
		w.namespace(name, map[byte]string{'w': "web", 'a': "api"}[name[0]])
	}
	shop := w.twoTiers("shop").Obj()
	shop.Spec.Dependencies = append(shop.Spec.Dependencies, v1alpha1.Dependency{
		Name: "api-api", From: v1alpha1.Endpoint{Tier: "api"}, To: v1alpha1.Endpoint{Tier: "api"},
		Ports: []v1alpha1.Port{{Port: port(7000)}},
	})
	p := w.create(shop)
	w.settled(p, 5)
	start := now(w)
	w.change(p, func(s *v1alpha1.SegmentationProfileSpec) { s.Dependencies[1].Ports[0].Port = port(7001) })
	w.settled(p, 5)
	w.Expect(made(w, start)).To(Equal([]string{
		"update networkpolicies/a1/segmentation", "update networkpolicies/a2/segmentation", "update networkpolicies/a3/segmentation",
	}))
}

func port(number int32) *intstr.IntOrString {
	out := intstr.FromInt32(number)
	return &out
}

// TestCostOfDrift deletes and edits objects: each is written once, and nothing else is.
func TestCostOfDrift(t *testing.T) {
	w := newWorld(t)
	p := busyShop(w)
	w.settled(p, 4)
	start := now(w)
	for _, obj := range []client.Object{
		&networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns("w1"), Name: "segmentation"}},
		&rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns("w2"), Name: "segmentation-viewer"}},
		&rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns("w3"), Name: viewerBinding}},
	} {
		w.Expect(env.admin.Delete(w.ctx(), obj)).To(Succeed())
	}
	edited, err := w.policy("a1", "segmentation")
	w.Expect(err).NotTo(HaveOccurred())
	edited.Spec.Ingress = nil
	w.Expect(env.admin.Update(w.ctx(), edited)).To(Succeed())
	for name, tier := range map[string]string{"w1": "web", "w2": "web", "w3": "web", "a1": "api"} {
		w.eventuallyHas(p, name, tier)
	}
	time.Sleep(time.Second) //nolint:forbidigo // Whatever else it would write.
	w.Expect(made(w, start)).To(Equal([]string{
		"create networkpolicies/w1/segmentation",
		"create rolebindings/w3/" + viewerBinding,
		"create roles/w2/segmentation-viewer",
		"update networkpolicies/a1/segmentation",
	}))
}

// TestRemovalOfKeys shows that what is no longer declared goes from an object that was created plainly: rules, pods that a
// policy is for, subjects, and an annotation.
func TestRemovalOfKeys(t *testing.T) {
	w := newWorld(t)
	w.namespace("one", "web")
	w.namespace("two", "api")
	shop := w.twoTiers("shop").Obj()
	shop.Spec.Dependencies[0].From.Pods = &v1alpha1.LabelSelector{MatchLabels: map[string]v1alpha1.LabelValue{"app": "x", "part": "y"}}
	discovery := builders.MakeDependency("discovery").FromTier("web").ToTier("api").ClusterRoleAccess("view").Obj()
	shop.Spec.Dependencies = append(shop.Spec.Dependencies, discovery)
	shop.Spec.Tiers[1].Access = []v1alpha1.TierAccess{{ClusterRole: "view", Subjects: []v1alpha1.Subject{
		{Kind: "Group", Name: "developers"}, {Kind: "Group", Name: "on-call"},
	}}}
	p := w.create(shop)
	w.everywhere(p, map[string]string{"one": "web", "two": "api"})
	before, err := w.objects("two")
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(before.Bindings[0].Annotations).To(HaveKey(v1alpha1.CallersAnnotation))
	w.Expect(before.Bindings[0].Subjects).To(HaveLen(3))

	w.change(p, func(s *v1alpha1.SegmentationProfileSpec) {
		delete(s.Dependencies[0].From.Pods.MatchLabels, "part")
		s.Dependencies = s.Dependencies[:1]
		s.Tiers[1].Access[0].Subjects = s.Tiers[1].Access[0].Subjects[:1]
	})
	w.everywhere(p, map[string]string{"one": "web", "two": "api"})
	after, err := w.objects("two")
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(after.Bindings[0].UID).To(Equal(before.Bindings[0].UID), "it was changed, and not made anew")
	w.Expect(after.Bindings[0].Annotations).NotTo(HaveKey(v1alpha1.CallersAnnotation))
	w.Expect(after.Bindings[0].Subjects).To(HaveLen(1))
	for _, namespace := range []string{"one", "two"} {
		got, err := w.objects(namespace)
		w.Expect(err).NotTo(HaveOccurred())
		written := []client.Object{got.Policies[0], got.Policies[len(got.Policies)-1]}
		for _, b := range got.Bindings {
			written = append(written, b)
		}
		for _, obj := range written {
			entries := obj.GetManagedFields()
			w.Expect(entries).To(HaveLen(1), "%T %s has one manager, and one entry of it", obj, obj.GetName())
			w.Expect(entries[0].Manager).To(Equal(v1alpha1.ManagedByValue))
		}
	}
}
