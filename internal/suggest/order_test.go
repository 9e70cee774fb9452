package suggest_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/internal/observed"
	"github.com/segmentation-dev/segmentation-operator/internal/offline"
	"github.com/segmentation-dev/segmentation-operator/internal/suggest"
)

// TestTheOrderDoesNotMatter of anything that a suggestion is made from: it is to be the same tomorrow.
func TestTheOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawnWorld(t)
		for i := range w.Policies {
			w.Policies[i].Name = fmt.Sprint("theirs-", i)
		}
		named := map[string]bool{}
		w.Services = slices.DeleteFunc(w.Services, func(s corev1.Service) bool {
			key := s.Namespace + "/" + s.Name
			defer func() { named[key] = true }()
			return named[key]
		})
		for i := range w.Pods {
			// Pods of one Service need not agree on the number of a port.
			w.Pods[i].Spec.Containers[0].Ports[0].ContainerPort = rapid.SampledFrom([]int32{8080, 9090}).Draw(t, "http")
		}
		flows := drawnFlows(t, w)
		want := suggested(t, w, suggest.Options{Name: "shop", Flows: flows})
		other := &offline.World{
			Protected: w.Protected, Profiles: w.Profiles, Nodes: w.Nodes, EndpointSlices: w.EndpointSlices,
			Namespaces: rapid.Permutation(w.Namespaces).Draw(t, "namespaces"), Pods: rapid.Permutation(w.Pods).Draw(t, "pods"),
			Services: rapid.Permutation(w.Services).Draw(t, "services"), Policies: rapid.Permutation(w.Policies).Draw(t, "policies"),
		}
		got, err := suggest.From(other, suggest.Options{Name: "shop", Flows: rapid.Permutation(flows).Draw(t, "flows")})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Fatalf("-want +got:\n%s", diff)
		}
	})
}

// TestTheOrderOfPodsAndPoliciesDoesNotMatter where one of several decides.
func TestTheOrderOfPodsAndPoliciesDoesNotMatter(t *testing.T) {
	w := shop()
	other := pod("shop-api", "orders-2", map[string]string{"app": "orders"}, "10.1.0.9")
	other.Spec.Containers[0].Ports[0].ContainerPort = 9090
	w.Pods = append(w.Pods, other)
	// Without the Service, so that it is numbers of ports that are declared.
	w.Namespaces = append(w.Namespaces, namespace("shop-api-2", map[string]string{"team": "shop", "layer": "api"}))
	for _, name := range []string{"a", "b"} {
		p := ingressPolicy("shop-data", networkingv1.NetworkPolicyPeer{}, 5432)
		p.Name, p.Spec.Ingress[0].From = name, nil
		w.Policies = append(w.Policies, p)
	}
	options := suggest.Options{
		Name: "shop", Select: selecting(t, "team=shop"), Flows: []observed.Flow{calls(at("shop-web", "front"), ip("10.96.0.10"), 80)},
	}
	for _, turn := range []func(){func() { slices.Reverse(w.Pods) }, func() { slices.Reverse(w.Policies) }} {
		want, err := suggest.From(w, options)
		if err != nil {
			t.Fatal(err)
		}
		turn()
		got, err := suggest.From(w, options)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}

// TestManyPoliciesAreOneRemark for each reason why they are not taken over.
func TestManyPoliciesAreOneRemark(t *testing.T) {
	w := shop()
	for i := range 9 {
		p := ingressPolicy("shop-data", networkingv1.NetworkPolicyPeer{NamespaceSelector: &metav1.LabelSelector{}}, 5432)
		p.Name = fmt.Sprint("open-", i)
		w.Policies = append(w.Policies, p)
	}
	got, err := suggest.From(w, suggest.Options{Name: "shop", Select: selecting(t, "team=shop")})
	if err != nil {
		t.Fatal(err)
	}
	want := "not taken over from 9 NetworkPolicies shop-data/open-0, shop-data/open-1, shop-data/open-2, shop-data/open-3, " +
		"shop-data/open-4, shop-data/open-5 and 3 more: a rule for all namespaces, which tells nothing of who is meant; declare who is"
	if len(got.About) != 2 || got.About[1].Text != want {
		t.Errorf("%+v", got.About)
	}
}

// TestWideningDoesNotOpenTheCluster by ranges around many addresses of private networks.
func TestWideningDoesNotOpenTheCluster(t *testing.T) {
	w := shop()
	flows := make([]observed.Flow, 200)
	for i := range flows {
		flows[i] = calls(at("shop-api", "orders"), ip(fmt.Sprintf("10.%d.0.77", i+1)), 5432)
	}
	got, err := suggest.From(w, suggest.Options{Name: "shop", Select: selecting(t, "team=shop"), Flows: flows})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Unmet) > 0 {
		t.Errorf("not allowed: %v", got.Unmet)
	}
	for _, own := range []string{"10.1.0.3", "10.96.0.10"} {
		for _, block := range got.Profile.Spec.Peers[0].CIDRs {
			in := func(text string) bool { return netip.MustParsePrefix(text).Contains(netip.MustParseAddr(own)) }
			isExcepted := false
			for _, except := range block.Except {
				isExcepted = isExcepted || in(string(except))
			}
			if in(string(block.CIDR)) && !isExcepted {
				t.Errorf("%s is of the cluster, and was not observed: %+v", own, block)
			}
		}
	}
}

func TestThePortOfASidecarHasANumber(t *testing.T) {
	w := shop()
	orders := &w.Pods[slices.IndexFunc(w.Pods, func(p corev1.Pod) bool { return p.Name == "orders" })]
	orders.Spec.InitContainers = []corev1.Container{{
		Name: "proxy", RestartPolicy: new(corev1.ContainerRestartPolicyAlways), Ports: orders.Spec.Containers[0].Ports,
	}}
	orders.Spec.Containers[0].Ports = nil
	got, err := suggest.From(w, suggest.Options{
		Name: "shop", Select: selecting(t, "team=shop"), Flows: []observed.Flow{calls(at("shop-web", "front"), ip("10.96.0.10"), 80)},
	})
	if err != nil || len(got.Unmet) > 0 {
		t.Errorf("%v %+v", err, got)
	}
}

func TestAPeerThatIsNotThereIsAMistake(t *testing.T) {
	_, err := suggest.From(shop(), suggest.Options{Name: "shop", Peers: []string{"ingres"}})
	if err == nil || !strings.Contains(err.Error(), "there is no namespace ingres") {
		t.Errorf("got %v", err)
	}
}
