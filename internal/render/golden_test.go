package render_test

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/addresses"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

var update = flag.Bool("update", false, "write testdata/*.golden.yaml anew")

// The golden files are for a person to read: what a profile becomes, in full. To see what a
// change does to them: go test ./internal/render -update, and git diff.
func TestGoldenShop(t *testing.T) {
	t.Parallel()
	checkGolden(t, "shop", plan.Usual(), nil)
}

// The same for a profile that depends on what the cluster says.
func TestGoldenMarket(t *testing.T) {
	t.Parallel()
	scales := frontOf("scales", "10.96.0.20", intstr.FromString("web"))
	scales.Ports[0].Name = "http"
	another := frontOf("old-scales", "10.96.0.21", intstr.FromInt32(8081))
	another.Ports[0].Name = "http"
	gateway := frontOf("gateway", "10.96.0.30", intstr.FromInt32(8443))
	bank := resolvedPlan(t, builders.MakeProfile("bank").Tier(builders.MakeTier("counters").Selector(map[string]string{"team": "bank"}).Obj()).
		Dependency(builders.MakeDependency("market-counters").FromProfile("market", "stalls").ToTier("counters").Port(7000).Obj()).Obj(), plan.Usual())
	facts := &plan.Facts{
		DNS: map[types.NamespacedName]plan.Service{{Namespace: "kube-system", Name: "kube-dns"}: plan.ServiceOf(&corev1.Service{
			Spec: corev1.ServiceSpec{Selector: map[string]string{"k8s-app": "kube-dns"}, ClusterIPs: []string{"10.96.0.10"}, Ports: []corev1.ServicePort{
				{Port: 53, Protocol: corev1.ProtocolUDP, TargetPort: intstr.FromInt32(1053)}, {Port: 53, TargetPort: intstr.FromInt32(1053)},
			}},
		})},
		APIServer: []addresses.Endpoints{{
			Blocks: []networkingv1.IPBlock{{CIDR: "192.0.2.1/32"}, {CIDR: "192.0.2.2/32"}},
			Ports:  []networkingv1.NetworkPolicyPort{{Protocol: new(corev1.ProtocolTCP), Port: new(intstr.FromInt32(6443))}},
		}},
		Addresses: addresses.Cluster{
			Pods: []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16")}, Services: []netip.Prefix{netip.MustParsePrefix("10.96.0.0/12")},
			Nodes: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("192.0.2.2/32")},
		},
		Called: map[plan.Called][]plan.Variant{
			{Profile: "market", Tier: "scales", Service: "scales"}: {
				{Service: another, Namespaces: []string{"market-old"}}, {Service: scales, Namespaces: []string{"market-scales"}},
			},
			{Profile: "market", Peer: "gateway", Service: "gateway"}: {{Service: gateway, Namespaces: []string{"gateway-eu", "gateway-us"}}},
		},
		Others: map[string]*plan.Plan{"bank": bank},
	}
	checkGolden(t, "market", facts, map[string]plan.Service{"scales": scales})
}

func checkGolden(t *testing.T, name string, facts *plan.Facts, services map[string]plan.Service) {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("testdata", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	profile := &v1alpha1.SegmentationProfile{}
	if err := yaml.UnmarshalStrict(source, profile); err != nil {
		t.Fatal(err)
	}
	p := resolvedPlan(t, profile, facts)
	var got strings.Builder
	got.WriteString("# What " + name + ".yaml becomes in a namespace of each tier. Written by: go test ./internal/render -update\n")
	for i := range p.Tiers {
		for _, object := range list(render.Tier(p, p.Tiers[i].With(services)).In(name + "-" + p.Tiers[i].Name)) {
			document, err := yaml.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			got.WriteString("---\n" + string(document))
		}
	}

	golden := filepath.Join("testdata", name+".golden.yaml")
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s is not what is rendered; if it should be, run with -update (-want +got):\n%s", golden, diff)
	}
}

// list puts objects of all kinds into one list.
func list(objects render.Objects) []any {
	out := make([]any, 0, len(objects.Policies)+len(objects.Roles)+len(objects.Bindings))
	for _, p := range objects.Policies {
		out = append(out, p)
	}
	for _, r := range objects.Roles {
		out = append(out, r)
	}
	for _, b := range objects.Bindings {
		out = append(out, b)
	}
	return out
}
