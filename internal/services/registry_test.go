package services_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/services"
)

var (
	// front is a Service in a tier, and gateway one in the namespaces of a peer.
	front   = plan.Called{Profile: "shop", Tier: "api", Service: "front"}
	gateway = plan.Called{Profile: "shop", Peer: "ops", Service: "gateway"}
)

// form is a Service of the pods of an app.
func form(app, address string) plan.Service {
	return plan.ServiceOf(&corev1.Service{Spec: corev1.ServiceSpec{
		Selector: map[string]string{"app": app}, ClusterIPs: []string{address}, Ports: []corev1.ServicePort{{Port: 80}},
	}})
}

var byText = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

// step puts the Services of a namespace.
type step struct {
	namespace string
	has       map[plan.Called]plan.Service
	matters   bool
}

func TestWhatMattersToOthers(t *testing.T) {
	t.Parallel()
	at := func(service plan.Service) map[plan.Called]plan.Service {
		return map[plan.Called]plan.Service{front: service}
	}
	peers := func(service plan.Service) map[plan.Called]plan.Service {
		return map[plan.Called]plan.Service{gateway: service}
	}
	a, b, host := form("a", "10.96.0.1"), form("b", "10.96.0.2"), plan.Service{Problem: plan.ExternalName}
	moved := form("a", "10.96.0.9")
	tests := map[string]struct {
		byAddress bool
		steps     []step
	}{
		"the first with a form, and the last": {steps: []step{{"x", at(a), true}, {"x", nil, true}}},
		"one more with a form that is known":  {steps: []step{{"x", at(a), true}, {"y", at(a), false}, {"x", nil, false}, {"y", nil, true}}},
		"a form changes to one that is new":   {steps: []step{{"x", at(a), true}, {"y", at(a), false}, {"y", at(b), true}}},
		"a form changes between two that are known": {
			steps: []step{{"x", at(a), true}, {"y", at(b), true}, {"z", at(a), false}, {"z", at(b), false}},
		},
		"the last of a form changes to one that is known": {steps: []step{{"x", at(a), true}, {"y", at(b), true}, {"x", at(b), true}}},
		"nothing changes":                               {steps: []step{{"x", at(a), true}, {"x", at(a), false}, {"y", nil, false}, {"y", nil, false}}},
		"an address changes, by which nobody goes":      {steps: []step{{"x", at(a), true}, {"x", at(moved), false}}},
		"an address changes, and the plugin goes by it": {byAddress: true, steps: []step{{"x", at(a), true}, {"x", at(a), false}, {"x", at(moved), true}}},
		"one more has an address":                       {byAddress: true, steps: []step{{"x", at(a), true}, {"y", at(moved), true}, {"y", nil, true}}},
		"one more is found in which it stands for nothing": {
			steps: []step{{"x", at(host), true}, {"y", at(host), true}, {"y", at(host), false}, {"x", nil, true}},
		},
		"namespaces of a peer are named one by one": {
			steps: []step{{"x", peers(a), true}, {"y", peers(a), true}, {"y", peers(a), false}, {"x", nil, true}},
		},
		"one of several Services": {
			steps: []step{
				{"x", map[plan.Called]plan.Service{front: a, gateway: b}, true},
				{"y", at(a), false},
				{"x", at(a), true},
				{"x", map[plan.Called]plan.Service{front: b}, true},
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := services.NewRegistry(tc.byAddress)
			for i, s := range tc.steps {
				if got := r.Put(s.namespace, s.has); got != s.matters {
					t.Errorf("step %d: matters %t, want %t", i+1, got, s.matters)
				}
			}
		})
	}
}

func TestVariants(t *testing.T) {
	t.Parallel()
	a, b := form("a", "10.96.0.1"), form("b", "10.96.0.2")
	fill := func(byAddress bool, order ...int) *services.Registry {
		r := services.NewRegistry(byAddress)
		puts := []func(){
			func() { r.Put("y", map[plan.Called]plan.Service{front: a, gateway: b}) },
			func() { r.Put("x", map[plan.Called]plan.Service{front: form("a", "10.96.0.9")}) },
			func() { r.Put("z", map[plan.Called]plan.Service{front: b}) },
		}
		for _, i := range order {
			puts[i]()
		}
		return r
	}
	address := netip.MustParseAddr
	in := func(service plan.Service, addresses []netip.Addr, namespaces ...string) plan.Variant {
		service.Addresses = addresses
		return plan.Variant{Service: service, Namespaces: namespaces}
	}
	for name, byAddress := range map[string]bool{"without addresses": false, "by addresses": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addresses := func(all ...netip.Addr) []netip.Addr {
				if !byAddress {
					return nil
				}
				return all
			}
			want := map[plan.Called][]plan.Variant{
				front: {
					in(a, addresses(address("10.96.0.1"), address("10.96.0.9")), "x", "y"), in(b, addresses(address("10.96.0.2")), "z"),
				},
				gateway: {in(b, addresses(address("10.96.0.2")), "y")},
			}
			for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2, 1}} {
				if diff := cmp.Diff(want, fill(byAddress, order...).Variants(), byText); diff != "" {
					t.Errorf("in the order %v (-want +got):\n%s", order, diff)
				}
			}
		})
	}
	r := fill(true, 0, 1, 2)
	for _, namespace := range []string{"x", "y", "z"} {
		r.Put(namespace, nil)
	}
	if got := r.Variants(); len(got) > 0 {
		t.Errorf("all namespaces are gone, and it knows %v still", got)
	}
}

// A caller may go on with the list that it was given.
func TestVariantsAreACopy(t *testing.T) {
	t.Parallel()
	r := services.NewRegistry(false)
	r.Put("x", map[plan.Called]plan.Service{front: form("a", "10.96.0.1")})
	before := r.Variants()
	r.Put("y", map[plan.Called]plan.Service{front: form("a", "10.96.0.1")})
	if got := before[front][0].Namespaces; !slices.Equal(got, []string{"x"}) {
		t.Errorf("what was returned before has the namespaces %v by now", got)
	}
}

func ExampleRegistry() {
	r := services.NewRegistry(false)
	service := map[plan.Called]plan.Service{front: form("a", "10.96.0.1")}
	fmt.Println(r.Put("shop-1", service), r.Put("shop-2", service), r.Put("shop-1", nil), r.Put("shop-2", nil))
	// Output: true false false true
}
