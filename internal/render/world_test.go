package render_test

import (
	"fmt"
	"maps"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// world is a cluster in which a profile is in force: two member namespaces for each tier,
// and namespaces and addresses outside, with pods of each kind that the profile may tell
// from others.
type world struct {
	spec       *v1alpha1.SegmentationProfileSpec
	namespaces []reach.Namespace
	ends       []reach.Endpoint
}

func newWorld(profile *v1alpha1.SegmentationProfile) *world {
	w := &world{spec: &profile.Spec}
	w.add("outside", map[string]string{"team": "ops"})
	w.add("ops", nil)
	w.add("kube-system", map[string]string{"team": "platform"})
	w.add("openshift-dns", map[string]string{"team": "shop"})
	for _, tier := range profile.Spec.Tiers {
		for _, suffix := range []string{"-1", "-2"} {
			w.add(string(tier.Name)+suffix, render.MembershipLabels(profile.Name, string(tier.Name)))
		}
	}
	for _, ip := range []string{"198.51.100.7", "198.51.100.9", "198.51.100.200", "203.0.113.1", "2001:db8::1", "2001:db8:1::1"} {
		w.ends = append(w.ends, reach.Endpoint{IP: netip.MustParseAddr(ip)})
	}
	return w
}

func (w *world) add(namespace string, labels map[string]string) {
	// As the API server does.
	own := map[string]string{corev1.LabelMetadataName: namespace}
	maps.Copy(own, labels)
	w.namespaces = append(w.namespaces, reach.Namespace{Name: namespace, Labels: own})
	for i, podLabels := range []map[string]string{
		{},
		{"app": "a"},
		{"app": "a", "role": "web"},
		{"app": "b", "role": "db"},
		{"role": "db"},
		{"app": "c", "k8s-app": "kube-dns"},
		{"example.com/App_1.x": ""},
	} {
		w.ends = append(w.ends, reach.Endpoint{Pod: &reach.Pod{
			Namespace: namespace,
			Name:      fmt.Sprint("pod-", i),
			Labels:    podLabels,
			IPs:       []netip.Addr{netip.AddrFrom4([4]byte{10, 0, byte(len(w.namespaces)), byte(i)})},
			Ports: []reach.NamedPort{
				{Name: "http", Protocol: corev1.ProtocolTCP, Number: 80 + int32(i)},
				{Name: "http", Protocol: corev1.ProtocolUDP, Number: 53},
			},
		}})
	}
}

// cluster puts what was rendered into the member namespaces.
func (w *world) cluster(t *rapid.T, rendered map[string]render.Objects) *reach.Cluster {
	policies := make([]*networkingv1.NetworkPolicy, 0, len(w.namespaces))
	for _, ns := range w.namespaces {
		policies = append(policies, rendered[ns.Labels[v1alpha1.TierLabel]].In(ns.Name).Policies...)
	}
	cluster, err := reach.New(w.namespaces, policies)
	if err != nil {
		t.Fatal(err)
	}
	return cluster
}

func (w *world) declaration() declaration {
	d := declaration{spec: w.spec, namespaces: map[string]map[string]string{}}
	for _, ns := range w.namespaces {
		d.namespaces[ns.Name] = ns.Labels
	}
	return d
}

// flow draws a flow.
func (w *world) flow(t *rapid.T) reach.Flow {
	return reach.Flow{
		From:     rapid.SampledFrom(w.ends).Draw(t, "from"),
		To:       rapid.SampledFrom(w.ends).Draw(t, "to"),
		Protocol: rapid.SampledFrom([]corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP}).Draw(t, "protocol"),
		Port:     rapid.SampledFrom([]int32{1, 53, 80, 81, 83, 86, 90, 91, 443, 5353, 65535}).Draw(t, "port"),
	}
}

// text says what a flow is.
func text(f reach.Flow) string {
	end := func(e reach.Endpoint) string {
		if e.Pod == nil {
			return e.IP.String()
		}
		return fmt.Sprintf("%s/%s%v", e.Pod.Namespace, e.Pod.Name, e.Pod.Labels)
	}
	return fmt.Sprintf("%s to %s on %d/%s", end(f.From), end(f.To), f.Port, f.Protocol)
}

// rendered compiles and renders all tiers of a profile.
func rendered(profile *v1alpha1.SegmentationProfile) (map[string]render.Objects, field.ErrorList) {
	p, errs := plan.Compile(profile)
	if len(errs) > 0 {
		return nil, errs
	}
	out := map[string]render.Objects{}
	for i := range p.Tiers {
		out[p.Tiers[i].Name] = render.Tier(p, &p.Tiers[i])
	}
	return out, nil
}

// mustRender is rendered for a profile without mistakes.
func mustRender(t rapid.TB, profile *v1alpha1.SegmentationProfile) map[string]render.Objects {
	t.Helper()
	out, errs := rendered(profile)
	if len(errs) > 0 {
		t.Fatalf("the profile does not compile: %v", errs.ToAggregate())
	}
	return out
}
