package offline_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/offline"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// guardedShop is a cluster in which all is as a guarded profile declares.
func guardedShop() *offline.World {
	profile := builders.MakeProfile("shop").UID("u").Tier(builders.MakeTier("web").Names("shop-web").Obj()).Obj()
	profile.Spec.Guardrails = &v1alpha1.Guardrails{}
	w := &offline.World{
		Profiles:   []v1alpha1.SegmentationProfile{*profile},
		Namespaces: []corev1.Namespace{*builders.MakeNamespace("shop-web").Member("shop", "web").Obj()},
	}
	rendered := offline.Render(w)
	for i := range rendered.Namespaces {
		for _, p := range rendered.Namespaces[i].Objects.Policies {
			w.Policies = append(w.Policies, *p)
		}
	}
	for _, o := range rendered.Guardrails("shop") {
		w.ClusterPolicies = append(w.ClusterPolicies, *o)
	}
	return w
}

func TestDriftOfGuardrailsIsToldOf(t *testing.T) {
	is := func(name string) func(policyv1alpha2.ClusterNetworkPolicy) bool {
		return func(p policyv1alpha2.ClusterNetworkPolicy) bool { return p.Name == name }
	}
	cases := map[string]struct {
		change func(*offline.World)
		want   []string
	}{
		"nothing": {change: func(*offline.World) {}},
		"one is missing": {
			change: func(w *offline.World) {
				w.ClusterPolicies = slices.DeleteFunc(w.ClusterPolicies, is("segmentation.shop.deny"))
			},
			want: []string{"ClusterNetworkPolicy segmentation.shop.deny is declared and not there"},
		},
		"one denies nothing any more": {
			change: func(w *offline.World) {
				w.ClusterPolicies[slices.IndexFunc(w.ClusterPolicies, is("segmentation.shop.deny"))].Spec.Ingress = nil
			},
			want: []string{"ClusterNetworkPolicy segmentation.shop.deny is not as declared"},
		},
		"nobody wants them any more": {
			change: func(w *offline.World) { w.Profiles[0].Spec.Guardrails = nil },
			want: []string{
				"ClusterNetworkPolicy segmentation.shop.all is the operator's, and is not declared any more",
				"ClusterNetworkPolicy segmentation.shop.deny is the operator's, and is not declared any more",
				"ClusterNetworkPolicy segmentation.shop.tier.web is the operator's, and is not declared any more",
			},
		},
		"the cluster does not have the kind": {
			change: func(w *offline.World) { w.ClusterPolicies, w.Missing = nil, []offline.Kind{offline.ClusterPolicies} },
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := guardedShop()
			c.change(w)
			found, _, err := offline.Audit(w)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range found {
				if f.Rule == offline.Drift {
					got = append(got, f.Message)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
