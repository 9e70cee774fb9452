package controllers

import (
	"fmt"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/segmentation-dev/segmentation-operator/internal/apply"
	"github.com/segmentation-dev/segmentation-operator/internal/audit"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

func opensUp(namespace string) networkingv1.NetworkPolicy {
	return *builders.MakeNetworkPolicy(namespace, "open").Ingress(networkingv1.NetworkPolicyIngressRule{}).Obj()
}

// TestNamespacesThatAreAlikeShareAJudgement looks at thousands of namespaces with the same policy of somebody else's.
func TestNamespacesThatAreAlikeShareAJudgement(t *testing.T) {
	c := compile(builders.MakeProfile("shop").UID("u").Tier(builders.MakeTier("web").Selector(nil).Obj()).Obj(), nil, plan.Usual())
	d := claim.Decision{Outcome: claim.Claimed, Profile: "shop", Tier: "web"}
	var n networks
	look := func(name string, policies ...networkingv1.NetworkPolicy) []audit.OpenedPaths {
		namespace := builders.MakeNamespace(name).Label("number", name).Metadata()
		return n.opened(d, c.suit("web", nil), &apply.Observed{Namespace: namespace, Policies: policies}, "u", nil)
	}
	for i := range 2000 {
		name := fmt.Sprintf("web-%d", i)
		if got := look(name, opensUp(name)); len(got) != 1 || got[0].Policy != "open" {
			t.Fatalf("found %+v", got)
		}
	}
	if got := n.judged.Len(); got != 1 {
		t.Errorf("%d judgements, want 1", got)
	}
	if got := look("web-0", *builders.MakeNetworkPolicy("web-0", "open").Ingress().Obj()); len(got) != 0 {
		t.Errorf("after a change to it: %+v", got)
	}
	managed := *builders.MakeNetworkPolicy("web-0", "old").Managed().Ingress(networkingv1.NetworkPolicyIngressRule{}).Obj()
	if got := look("web-0", managed); len(got) != 0 {
		t.Errorf("found of the operator's own, which is pruned: %+v", got)
	}
}

func BenchmarkAlikeNamespace(b *testing.B) {
	c := compile(builders.MakeProfile("shop").UID("u").Tier(builders.MakeTier("web").Selector(nil).Obj()).Obj(), nil, plan.Usual())
	d := claim.Decision{Outcome: claim.Claimed, Profile: "shop", Tier: "web"}
	var n networks
	observed := &apply.Observed{Namespace: builders.MakeNamespace("web").Metadata(), Policies: []networkingv1.NetworkPolicy{opensUp("web")}}
	b.ReportAllocs()
	for b.Loop() {
		n.opened(d, c.suit("web", nil), observed, "u", nil)
	}
}
