package mesh_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// world is a mesh in which a profile is in force: two member namespaces for each tier, namespaces outside, and addresses.
// Every pod has a part in the mesh. The label sa of a pod is its service account, for NetworkPolicies to see.
type world struct {
	plan       *plan.Plan
	namespaces []reach.Namespace
	members    map[plan.TierOf][]string
	facts      mesh.Facts
	ends       []reach.Endpoint
}

const accountLabel = "sa"

func newWorld(p *plan.Plan) *world {
	w := &world{plan: p, members: map[plan.TierOf][]string{}}
	w.add("outside", map[string]string{"team": "ops"})
	w.add("ops", nil)
	w.add("kube-system", map[string]string{"team": "platform"})
	for i := range p.Tiers {
		tier := p.Tiers[i].Name
		for _, suffix := range []string{"-1", "-2"} {
			name := tier + suffix
			w.add(name, render.MembershipLabels(p.Profile, tier))
			of := plan.TierOf{Profile: p.Profile, Tier: tier}
			w.members[of] = append(w.members[of], name)
		}
	}
	for _, ip := range []string{"198.51.100.7", "198.51.100.9", "203.0.113.1", "10.200.0.1", "2001:db8::1", "2001:db8:1::1"} {
		w.ends = append(w.ends, reach.Endpoint{IP: netip.MustParseAddr(ip)})
	}
	w.facts = mesh.Facts{Members: func(of plan.TierOf) []string { return w.members[of] }, Chosen: w.chosen()}
	return w
}

func (w *world) add(namespace string, of map[string]string) {
	w.namespaces = append(w.namespaces, reach.Namespace{Name: namespace, Labels: of})
	for i, one := range []map[string]string{
		{accountLabel: "default"},
		{"app": "a", accountLabel: "robot"},
		{"app": "b", "role": "db", accountLabel: "a.b-c"},
		{"role": "db", accountLabel: "default"},
		{"example.com/App_1.x": "", "app": "c", accountLabel: "someone"},
	} {
		w.ends = append(w.ends, reach.Endpoint{Pod: &reach.Pod{
			Namespace: namespace, Name: fmt.Sprint("pod-", i), Labels: one,
			IPs: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, byte(len(w.namespaces)), byte(i)})},
		}})
	}
}

// chosen are the namespaces that peers choose by their labels.
func (w *world) chosen() map[string][]string {
	out := map[string][]string{}
	for _, peer := range w.plan.Peers() {
		if peer.Selector == nil {
			continue
		}
		for _, ns := range w.namespaces {
			set := labels.Set{corev1.LabelMetadataName: ns.Name}
			maps.Copy(set, ns.Labels)
			if peer.Selector.Matches(set) {
				out[peer.Name] = append(out[peer.Name], ns.Name)
			}
		}
		slices.Sort(out[peer.Name])
	}
	return out
}

// render renders all namespaces, and returns what is found.
func (w *world) render() (*mesh.Mesh, []plan.Finding) {
	var policies []*mesh.AuthorizationPolicy
	var authentications []*mesh.PeerAuthentication
	var findings []plan.Finding
	for i := range w.plan.Tiers {
		tier := &w.plan.Tiers[i]
		for _, namespace := range w.members[plan.TierOf{Profile: w.plan.Profile, Tier: tier.Name}] {
			rendered := mesh.Render(w.plan, tier, namespace, &w.facts)
			policies = append(policies, rendered.Policies...)
			authentications = append(authentications, rendered.Authentications...)
			findings = append(findings, rendered.Findings...)
		}
	}
	return mesh.New("istio-system", policies, authentications), findings
}

// cluster has the NetworkPolicies of a plan in the same namespaces.
func (w *world) cluster(t rapid.TB, p *plan.Plan) *reach.Cluster {
	t.Helper()
	var policies []*networkingv1.NetworkPolicy
	for i := range p.Tiers {
		objects := render.Tier(p, &p.Tiers[i])
		for _, namespace := range w.members[plan.TierOf{Profile: p.Profile, Tier: p.Tiers[i].Name}] {
			policies = append(policies, objects.In(namespace).Policies...)
		}
	}
	out, err := reach.New(w.namespaces, policies)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// caller is an end as the mesh sees it.
func (w *world) caller(e reach.Endpoint) mesh.Caller {
	if e.Pod == nil {
		return mesh.Caller{IP: e.IP}
	}
	return mesh.Caller{
		Namespace: e.Pod.Namespace, ServiceAccount: e.Pod.Labels[accountLabel], TrustDomain: w.plan.Istio.TrustDomain, IP: e.Pod.IPs[0],
	}
}

func text(f reach.Flow) string {
	end := func(e reach.Endpoint) string {
		if e.Pod == nil {
			return e.IP.String()
		}
		return fmt.Sprintf("%s/%s%v", e.Pod.Namespace, e.Pod.Name, e.Pod.Labels)
	}
	return fmt.Sprintf("%s to %s on %d", end(f.From), end(f.To), f.Port)
}

func mustCompile(t rapid.TB, profile *v1alpha1.SegmentationProfile) *plan.Plan {
	t.Helper()
	p, errs := plan.Compile(profile)
	if len(errs) > 0 {
		t.Fatalf("it does not compile: %v", errs.ToAggregate())
	}
	return p
}
