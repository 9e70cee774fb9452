package reach_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// The size at which the package has to be fast: 20 profiles of 8 tiers in 2,000 namespaces,
// with 5 policies and 5 pods in each.
const (
	benchProfiles   = 20
	benchTiers      = 8
	benchNamespaces = 2000
	benchPolicies   = 10000
	benchPods       = 10000
)

// largeCluster is a cluster of that size, with what the operator writes in it. Policies share
// no memory, as those from a cache do not.
type largeCluster struct {
	namespaces []reach.Namespace
	policies   []*networkingv1.NetworkPolicy
	pods       []*reach.Pod
}

func makeLargeCluster(tb testing.TB) *largeCluster {
	tb.Helper()
	out := &largeCluster{}
	for p := range benchProfiles {
		profile := largeProfile(fmt.Sprint("profile-", p))
		compiled, errs := plan.Compile(profile)
		if len(errs) > 0 {
			tb.Fatal(errs.ToAggregate())
		}
		tiers := make([]render.Objects, 0, benchTiers)
		for i := range compiled.Tiers {
			tiers = append(tiers, render.Tier(compiled, &compiled.Tiers[i]))
		}
		for n := range benchNamespaces / benchProfiles {
			t := n % benchTiers
			name := fmt.Sprintf("%s-tier-%d-%d", profile.Name, t, n)
			out.namespaces = append(out.namespaces, reach.Namespace{
				Name: name, Labels: render.MembershipLabels(profile.Name, compiled.Tiers[t].Name),
			})
			for _, policy := range tiers[t].In(name).Policies {
				out.policies = append(out.policies, policy.DeepCopy())
			}
			for k := range benchPods / benchNamespaces {
				out.addPod(name, k)
			}
		}
	}
	for _, name := range []string{"kube-system", "ingress-nginx", "monitoring"} {
		out.namespaces = append(out.namespaces, reach.Namespace{Name: name})
	}
	if len(out.policies) != benchPolicies || len(out.pods) != benchPods || len(out.namespaces) < benchNamespaces {
		tb.Fatalf("%d policies, %d pods, %d namespaces", len(out.policies), len(out.pods), len(out.namespaces))
	}
	return out
}

func (c *largeCluster) addPod(namespace string, i int) {
	c.pods = append(c.pods, &reach.Pod{
		Namespace: namespace, Name: fmt.Sprint("pod-", i),
		Labels: map[string]string{"app": []string{"front", "orders", "worker", "books", "cron"}[i%5], "pod-template-hash": "x"},
		IPs: []netip.Addr{
			netip.AddrFrom4([4]byte{10, byte(len(c.pods) >> 16), byte(len(c.pods) >> 8), byte(len(c.pods))}),
		},
		Ports: []reach.NamedPort{{Name: "http", Number: 8080}, {Name: "metrics", Number: 9090}},
	})
}

// largeProfile is a profile in which each tier calls the next one, once as a whole and twice
// pods to pods, so that each namespace has a base policy and four others.
func largeProfile(name string) *v1alpha1.SegmentationProfile {
	profile := builders.MakeProfile(name)
	profile.Peer(
		builders.MakePeer("ingress").Names("ingress-nginx").Pods(map[string]string{"app.kubernetes.io/name": "ingress-nginx"}).Obj(),
		builders.MakePeer("monitoring").Names("monitoring").Obj(),
		builders.MakePeer("payments").CIDR("198.51.100.0/24", "198.51.100.7/32").CIDR("2001:db8::/32").Obj(),
	)
	tier := func(i int) string { return fmt.Sprint("tier-", i%benchTiers) }
	for i := range benchTiers {
		profile.Tier(builders.MakeTier(tier(i)).Selector(map[string]string{"tier": tier(i)}).Obj())
		profile.Dependency(
			builders.MakeDependency(fmt.Sprint("next-", i)).FromTier(tier(i)).ToTier(tier(i+1)).Port(int32(8000+i)).Obj(),
			builders.MakeDependency(fmt.Sprint("orders-", i)).FromTier(tier(i)).FromPods(map[string]string{"app": "orders"}).
				ToTier(tier(i+1)).ToPods(map[string]string{"app": "books"}).PortRange(9000, int32(9010+i)).Obj(),
			builders.MakeDependency(fmt.Sprint("front-", i)).FromTier(tier(i)).FromPods(map[string]string{"app": "front"}).
				ToTier(tier(i+1)).ToPods(map[string]string{"app": "worker"}).NamedPort("http").Obj(),
			builders.MakeDependency(fmt.Sprint("scrape-", i)).FromPeer("monitoring").ToTier(tier(i)).NamedPort("metrics").Obj(),
		)
	}
	profile.Dependency(
		builders.MakeDependency("in").FromPeer("ingress").ToTier(tier(0)).Port(8080).Obj(),
		builders.MakeDependency("pay").FromTier(tier(7)).ToPeer("payments").Port(443).Obj(),
	)
	return profile.Obj()
}

func (c *largeCluster) index(tb testing.TB) *reach.Cluster {
	tb.Helper()
	out, err := reach.New(c.namespaces, c.policies)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// flows are flows between pods drawn at random, half of them between neighbouring tiers.
func (c *largeCluster) flows(n int) []reach.Flow {
	random := rand.New(rand.NewPCG(1, 2))
	out := make([]reach.Flow, 0, n)
	for i := range n {
		from := random.IntN(len(c.pods))
		to := random.IntN(len(c.pods))
		if i%2 == 0 {
			to = (from + benchPods/benchNamespaces) % len(c.pods)
		}
		out = append(out, reach.Flow{From: pod(c.pods[from]), To: pod(c.pods[to]), Port: []int32{8000, 8080, 9005, 9090}[random.IntN(4)]})
	}
	return out
}

func BenchmarkIndex(b *testing.B) {
	large := makeLargeCluster(b)
	b.ReportAllocs()
	for b.Loop() {
		large.index(b)
	}
}

func BenchmarkFlow(b *testing.B) {
	large := makeLargeCluster(b)
	cluster, flows := large.index(b), large.flows(4096)
	b.ReportAllocs()
	passed, i := 0, 0
	for b.Loop() {
		if cluster.Allowed(flows[i%len(flows)]).Allowed() {
			passed++
		}
		i++
	}
	b.ReportMetric(float64(passed)/float64(i), "passed/op")
}

func BenchmarkExplain(b *testing.B) {
	large := makeLargeCluster(b)
	cluster, flows := large.index(b), large.flows(4096)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		cluster.Explain(flows[i%len(flows)])
		i++
	}
}

func BenchmarkTierMatrix(b *testing.B) {
	large := makeLargeCluster(b)
	for name, of := range map[string]*largeCluster{"alike": large, "all different": large.allDifferent()} {
		cluster := of.index(b)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			groups := 0
			for b.Loop() {
				matrix, err := cluster.Matrix(of.namespaces)
				if err != nil {
					b.Fatal(err)
				}
				groups = len(matrix.Groups)
			}
			b.ReportMetric(float64(groups), "groups")
		})
	}
}

// allDifferent has one more policy in each namespace, which names another namespace, so that
// no two are of one class.
func (c *largeCluster) allDifferent() *largeCluster {
	out := *c
	for i, ns := range c.namespaces[:benchNamespaces] {
		neighbour := c.namespaces[(i+1)%benchNamespaces].Name
		policy := builders.MakeNetworkPolicy(ns.Name, "own").Pods(map[string]string{"app": "orders"}).
			Ingress(networkingv1.NetworkPolicyIngressRule{
				From: []networkingv1.NetworkPolicyPeer{{
					NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: neighbour}},
				}},
				Ports: []networkingv1.NetworkPolicyPort{{Port: new(intstr.FromInt32(int32(10000 + i%1000)))}},
			})
		out.policies = append(out.policies, policy.Obj())
	}
	return &out
}

// The base policies of one tier lose a rule, or all policies are new; both clusters are indexed.
func BenchmarkCompare(b *testing.B) {
	large := makeLargeCluster(b)
	networks := []reach.Option{reach.PodNetworks(netip.MustParsePrefix("10.0.0.0/8")), reach.MaxClasses(20000)}
	different := large.allDifferent()
	for name, tc := range map[string]struct {
		before, after *largeCluster
		with          []reach.Option
	}{
		"alike, no addresses":         {large, large.narrowed(), nil},
		"alike, pod networks":         {large, large.narrowed(), networks},
		"alike, all policies are new": {&largeCluster{namespaces: large.namespaces}, large, networks},
		"all different, pod networks": {different, different.narrowed(), networks},
	} {
		before, after := tc.before.index(b), tc.after.index(b)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var counts reach.Counts
			for b.Loop() {
				difference, err := reach.Compare(before, after, tc.with...)
				if err != nil {
					b.Fatal(err)
				}
				counts = difference.Counts()
			}
			b.ReportMetric(float64(counts.Pairs), "pairs")
			b.ReportMetric(float64(counts.Changed), "changed")
		})
	}
}

func (c *largeCluster) narrowed() *largeCluster {
	out := &largeCluster{namespaces: c.namespaces}
	for _, p := range c.policies {
		if p.Name == render.Prefix && p.Labels[v1alpha1.TierLabel] == "tier-3" && p.Labels[v1alpha1.ProfileLabel] == "profile-7" {
			p = p.DeepCopy()
			p.Spec.Ingress = p.Spec.Ingress[1:]
		}
		out.policies = append(out.policies, p)
	}
	return out
}

// One profile's tier loses a rule, or all policies are new, told pod by pod.
func BenchmarkAmong(b *testing.B) {
	large := makeLargeCluster(b)
	different := large.allDifferent()
	for name, tc := range map[string]struct{ before, after *largeCluster }{
		"alike":                       {large, large.narrowed()},
		"alike, all policies are new": {&largeCluster{namespaces: large.namespaces}, large},
		"all different":               {different, different.narrowed()},
	} {
		difference, err := reach.Compare(tc.before.index(b), tc.after.index(b))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var among *reach.Among
			for b.Loop() {
				among = difference.Among(large.pods)
			}
			b.ReportMetric(float64(len(among.Groups)), "groups")
			b.ReportMetric(float64(among.Opened+among.Closed), "pairs")
		})
	}
}
