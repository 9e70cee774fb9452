package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/guardrail"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/cluster"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// installGuardrails installs the kind, and removes it when the test ends.
func (w *world) installGuardrails() *apiextensionsv1.CustomResourceDefinition {
	w.t.Helper()
	definition, err := deploy.Guardrails()
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(env.admin.Create(w.ctx(), definition)).To(Succeed())
	w.root.Cleanup(func() { w.removeGuardrails(context.Background(), definition) })
	return definition
}

// removeGuardrails removes the kind, and waits until it is gone.
func (w *world) removeGuardrails(ctx context.Context, definition *apiextensionsv1.CustomResourceDefinition) {
	w.t.Helper()
	_ = env.admin.Delete(ctx, definition)
	NewWithT(w.root).Eventually(func() bool {
		return apierrors.IsNotFound(env.admin.Get(ctx, client.ObjectKeyFromObject(definition), definition.DeepCopy()))
	}, soon, tick).Should(BeTrue())
}

// guardrails are the names of the operator's objects for a profile, without what all begin with.
func (w *world) guardrails(p *v1alpha1.SegmentationProfile) []string {
	w.t.Helper()
	var list policyv1alpha2.ClusterNetworkPolicyList
	if err := env.admin.List(w.ctx(), &list); err != nil && !meta.IsNoMatchError(err) && !apierrors.IsNotFound(err) {
		w.t.Fatal(err)
	}
	var out []string
	for i := range list.Items {
		if o := &list.Items[i]; guardrail.IsOurs(o) && guardrail.ProfileOf(o) == p.Name {
			out = append(out, strings.TrimPrefix(o.Name, "segmentation."+p.Name+"."))
		}
	}
	slices.Sort(out)
	return out
}

// isGuarded waits until the guardrails of the profile are as they should be.
func (w *world) isGuarded(p *v1alpha1.SegmentationProfile) {
	w.t.Helper()
	w.condition(p, v1alpha1.ConditionGuarded, "True", v1alpha1.ReasonGuarded)
}

// events are what a watch showed of objects, in words, in the order of the cluster.
type events struct {
	watches []watch.Interface
}

// watching watches objects that are written from now on.
func (w *world) watching(lists ...client.ObjectList) *events {
	w.t.Helper()
	out := &events{}
	for _, list := range lists {
		w.Expect(env.admin.List(w.ctx(), list)).To(Succeed())
		one, err := env.admin.Watch(w.ctx(), list, &client.ListOptions{Raw: startingAt(list.GetResourceVersion())})
		w.Expect(err).NotTo(HaveOccurred())
		out.watches = append(out.watches, one)
	}
	return out
}

// until collects what is seen until something is, by the versions that the objects got.
func (e *events) until(w *world, describe func(watch.Event) string, last string) []string {
	w.t.Helper()
	byVersion := map[string]string{}
	w.Eventually(func() error {
		for _, one := range e.watches {
			for hasMore := true; hasMore; {
				select {
				case event := <-one.ResultChan():
					obj, ok := event.Object.(client.Object)
					if text := describe(event); ok && text != "" {
						byVersion[fmt.Sprintf("%020s", obj.GetResourceVersion())] = text
					}
				default:
					hasMore = false
				}
			}
		}
		for _, text := range byVersion {
			if text == last {
				return nil
			}
		}
		return errors.New("not seen yet: " + last)
	}, soon, tick).Should(Succeed())
	for _, one := range e.watches {
		one.Stop()
	}
	var versions, out []string
	for version := range byVersion {
		versions = append(versions, version)
	}
	slices.Sort(versions)
	for _, version := range versions {
		out = append(out, byVersion[version])
	}
	return out
}

// TestGuardrails installs and removes the kind under the running operator, and changes what is guarded.
func TestGuardrails(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"w1", "w2"} {
		w.namespace(name, "web")
	}
	w.namespace("a1", "api")
	shop := w.twoTiers("shop").
		Peer(builders.MakePeer("ingress").Names("ingress-nginx").Obj()).
		Dependency(builders.MakeDependency("ingress-web").FromPeer("ingress").ToTier("web").ToPods(map[string]string{"app": "front"}).Port(8080).Obj()).
		Obj()
	shop.Spec.Guardrails = &v1alpha1.Guardrails{}
	w.create(shop)
	var definition *apiextensionsv1.CustomResourceDefinition

	w.run("without the kind, the profile says so and NetworkPolicies stand alone", func(w *world) {
		w.settled(shop, 3)
		c := w.condition(shop, v1alpha1.ConditionGuarded, "False", v1alpha1.ReasonAPIMissing)
		w.Expect(c.Message).To(ContainSubstring("the NetworkPolicies stand alone"))
	})
	w.run("once it is installed, guardrails are written", func(w *world) {
		definition = w.installGuardrails()
		w.isGuarded(shop)
		w.settled(shop, 3)
		pods := w.guardrails(shop)[4]
		w.Expect(w.guardrails(shop)).To(Equal([]string{"all", "deny", "tier.api", "tier.web", pods}))
		w.Expect(pods).To(HavePrefix("tier.web.pods-"))
		w.finds(shop, v1alpha1.ReasonGuardrailWider)
	})
	w.run("at rest nothing is asked of the API server", func(w *world) {
		start := now(w)
		w.Consistently(func() []string {
			return requests(w, start, func(e cluster.AuditEvent) bool { return !strings.Contains(e.String(), "watch") })
		}, "1s", "200ms").Should(BeEmpty())
	})
	w.run("what somebody changes or removes is mended", func(w *world) {
		deny := &policyv1alpha2.ClusterNetworkPolicy{}
		deny.Name = guardrail.DenyName(shop.Name)
		w.Expect(env.admin.Delete(w.ctx(), deny)).To(Succeed())
		w.Eventually(func() []string { return w.guardrails(shop) }, soon, tick).Should(ContainElement("deny"))
		tier := &policyv1alpha2.ClusterNetworkPolicy{}
		w.Expect(env.admin.Get(w.ctx(), client.ObjectKey{Name: "segmentation." + shop.Name + ".tier.web"}, tier)).To(Succeed())
		want := tier.Spec.DeepCopy()
		tier.Spec.Egress[0].Action = policyv1alpha2.ClusterNetworkPolicyRuleActionAccept
		tier.Labels["mine"] = "yes"
		w.Expect(env.admin.Update(w.ctx(), tier)).To(Succeed())
		w.Eventually(func() policyv1alpha2.ClusterNetworkPolicySpec {
			w.Expect(env.admin.Get(w.ctx(), client.ObjectKeyFromObject(tier), tier)).To(Succeed())
			return tier.Spec
		}, soon, tick).Should(Equal(*want))
		w.Expect(tier.Labels).To(HaveKeyWithValue("mine", "yes"), "what is not the operator's stays")
	})
	w.run("who moves is exempt before its labels change, and not after", func(w *world) { guardedMove(w, shop) })
	w.run("one that arrives costs no write of guardrails", func(w *world) {
		w.isGuarded(shop)
		start := now(w)
		w.namespace("w3", "web")
		w.settled(shop, 4)
		w.Expect(requests(w, start, func(e cluster.AuditEvent) bool { return e.IsWrite() && e.Resource == "clusternetworkpolicies" })).To(BeEmpty())
	})
	w.run("a baseline is written and removed", func(w *world) {
		w.change(shop, func(s *v1alpha1.SegmentationProfileSpec) { s.Guardrails.Baseline = v1alpha1.BaselineDeny })
		w.Eventually(func() []string { return w.guardrails(shop) }, soon, tick).Should(ContainElement("baseline"))
		w.change(shop, func(s *v1alpha1.SegmentationProfileSpec) { s.Guardrails.Baseline = v1alpha1.BaselineNone })
		w.Eventually(func() []string { return w.guardrails(shop) }, soon, tick).ShouldNot(ContainElement("baseline"))
	})
	w.run("a policy of somebody else with one of their priorities is told of", func(w *world) {
		other := &policyv1alpha2.ClusterNetworkPolicy{}
		other.Name = w.ns("other")
		other.Spec.Tier, other.Spec.Priority = policyv1alpha2.AdminTier, 500
		other.Spec.Subject.Namespaces = &metav1.LabelSelector{}
		w.Expect(env.admin.Create(w.ctx(), other)).To(Succeed())
		c := w.condition(shop, v1alpha1.ConditionGuarded, "False", v1alpha1.ReasonPriorityCollision)
		w.Expect(c.Message).To(ContainSubstring(other.Name))
		w.Expect(env.admin.Delete(w.ctx(), other)).To(Succeed())
		w.isGuarded(shop)
	})
	w.run("the kind is removed and installed again", func(w *world) {
		w.removeGuardrails(w.ctx(), definition)
		w.condition(shop, v1alpha1.ConditionGuarded, "False", v1alpha1.ReasonAPIMissing)
		w.settled(shop, 4)
		definition = w.installGuardrails()
		w.isGuarded(shop)
		w.Expect(w.guardrails(shop)).To(HaveLen(5))
	})
	w.run("guardrails that nobody wants go, first what denies", func(w *world) {
		seen := w.watching(&policyv1alpha2.ClusterNetworkPolicyList{})
		w.change(shop, func(s *v1alpha1.SegmentationProfileSpec) { s.Guardrails = nil })
		w.Eventually(func() []string { return w.guardrails(shop) }, soon, tick).Should(BeEmpty())
		w.Expect(seen.until(w, deletions, "deleted tier.api")[0]).To(Equal("deleted deny"))
		w.settled(shop, 4)
		w.Expect(meta.FindStatusCondition(shop.Status.Conditions, v1alpha1.ConditionGuarded)).To(BeNil())
	})
	w.run("so they do when the profile is deleted", func(w *world) {
		w.change(shop, func(s *v1alpha1.SegmentationProfileSpec) { s.Guardrails = &v1alpha1.Guardrails{} })
		w.isGuarded(shop)
		seen := w.watching(&policyv1alpha2.ClusterNetworkPolicyList{})
		w.Expect(env.admin.Delete(w.ctx(), shop)).To(Succeed())
		w.Eventually(func() []string { return w.guardrails(shop) }, soon, tick).Should(BeEmpty())
		w.Expect(seen.until(w, deletions, "deleted tier.api")[0]).To(Equal("deleted deny"))
		w.eventuallyBare("a1")
	})
}

// deletions describes deletions of guardrails, by the end of their names.
func deletions(e watch.Event) string {
	o, ok := e.Object.(*policyv1alpha2.ClusterNetworkPolicy)
	if !ok || e.Type != watch.Deleted {
		return ""
	}
	_, name, _ := strings.Cut(strings.TrimPrefix(o.Name, "segmentation."), ".")
	return "deleted " + name
}

// guardedMove has a namespace move to another tier, and looks at the order of writes.
func guardedMove(w *world, shop *v1alpha1.SegmentationProfile) {
	w.isGuarded(shop)
	seen := w.watching(&policyv1alpha2.ClusterNetworkPolicyList{}, &corev1.NamespaceList{})
	w.relabel("w2", map[string]string{"layer": "api"})
	w.eventuallyHas(shop, "w2", "api")
	order := seen.until(w, func(e watch.Event) string {
		switch o := e.Object.(type) {
		case *policyv1alpha2.ClusterNetworkPolicy:
			if o.Name == guardrail.DenyName(shop.Name) && e.Type == watch.Modified {
				return fmt.Sprintf("%d exempt", len(o.Spec.Subject.Namespaces.MatchExpressions))
			}
		case *corev1.Namespace:
			if o.Name == w.ns("w2") {
				return "in tier " + o.Labels[v1alpha1.TierLabel]
			}
		}
		return ""
	}, "0 exempt")
	w.Expect(order).To(Equal([]string{"in tier web", "1 exempt", "in tier api", "0 exempt"}))
	w.relabel("w2", map[string]string{"layer": "web"})
	w.eventuallyHas(shop, "w2", "web")
	w.Eventually(func() []metav1.LabelSelectorRequirement {
		deny := &policyv1alpha2.ClusterNetworkPolicy{}
		w.Expect(env.admin.Get(w.ctx(), client.ObjectKey{Name: guardrail.DenyName(shop.Name)}, deny)).To(Succeed())
		return deny.Spec.Subject.Namespaces.MatchExpressions
	}, soon, tick).Should(BeEmpty())
}
