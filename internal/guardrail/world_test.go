package guardrail_test

import (
	"maps"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/addresses"
	"github.com/segmentation-dev/segmentation-operator/internal/guardrail"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// fataler is what tests and property tests have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func compiled(t fataler, profile *v1alpha1.SegmentationProfile) *plan.Plan {
	t.Helper()
	profile = profile.DeepCopy()
	if profile.Spec.Guardrails == nil {
		profile.Spec.Guardrails = &v1alpha1.Guardrails{}
	}
	p, errs := plan.Compile(profile)
	if len(errs) > 0 {
		t.Fatalf("%v", errs)
	}
	return p
}

func guardOf(p *plan.Plan, exempt ...string) *guardrail.Guard {
	return guardrail.New(p, addresses.Cluster{}, exempt)
}

// cluster is a cluster as far as guardrails are concerned.
type cluster struct {
	t       fataler
	objects map[string]*policyv1alpha2.ClusterNetworkPolicy
	writes  int
	// after is called after each write.
	after func(what string)
	// order is the order of writes that are decided on together, as far as they are made: the others fail.
	order func(n int) []int
}

func newCluster(t fataler) *cluster {
	return &cluster{t: t, objects: map[string]*policyv1alpha2.ClusterNetworkPolicy{}, after: func(string) {}, order: inOrder}
}

func (c *cluster) list() []*policyv1alpha2.ClusterNetworkPolicy {
	out := make([]*policyv1alpha2.ClusterNetworkPolicy, 0, len(c.objects))
	for _, o := range c.objects {
		out = append(out, o)
	}
	return out
}

// settle makes writes until there are none left, and returns what is known in the end.
func (c *cluster) settle(band guardrail.Band, guards ...*guardrail.Guard) *guardrail.Next {
	c.t.Helper()
	for range 100 {
		next := guardrail.Plan(&guardrail.Input{Observed: c.list(), Guards: guards, Band: band})
		if len(next.Writes)+len(next.Deletes) == 0 {
			return next
		}
		for _, i := range c.order(len(next.Writes) + len(next.Deletes)) {
			if i < len(next.Writes) {
				c.put(next.Writes[i])
			} else {
				c.delete(next.Deletes[i-len(next.Writes)].Name)
			}
		}
	}
	c.t.Fatalf("there is no end of writes")
	return nil
}

// inOrder makes all writes, one after the other.
func inOrder(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// inAnyOrder makes some of the writes, at least one, in an order that is drawn.
func inAnyOrder(t *rapid.T) func(n int) []int {
	return func(n int) []int {
		order := rapid.Permutation(inOrder(n)).Draw(t, "order of writes")
		return order[:rapid.IntRange(1, n).Draw(t, "writes that are made")]
	}
}

func (c *cluster) put(o *policyv1alpha2.ClusterNetworkPolicy) {
	written := o.DeepCopy()
	if have := c.objects[o.Name]; have != nil {
		written = guardrail.Onto(o, have)
	}
	written.UID = types.UID(o.Name)
	c.objects[o.Name] = written
	c.wrote("writing " + o.Name)
}

func (c *cluster) delete(name string) {
	delete(c.objects, name)
	c.wrote("deleting " + name)
}

func (c *cluster) wrote(what string) {
	c.writes++
	c.after(what)
}

// both judges both sides of a flow.
func (c *cluster) both(from, to pod, p port) bool {
	return passes(c.list(), from, to, true, p) && passes(c.list(), to, from, false, p)
}

// pods are pods of each kind in each namespace of a profile's tiers, and in others.
func pods(profile *v1alpha1.SegmentationProfile) []pod {
	kinds := []map[string]string{
		{}, {"app": "a"}, {"app": "b", "role": "db"}, {"app": "b"}, {"role": "x"}, {"example.com/App_1.x": ""}, {"k8s-app": "kube-dns"},
	}
	var out []pod
	add := func(namespace string, labels map[string]string, isOutside bool) {
		labels[corev1.LabelMetadataName] = namespace
		for i, kind := range kinds {
			p := pod{namespace: namespace, namespaceLabels: labels, labels: kind, isOutsideProfiles: isOutside}
			if i%2 == 1 {
				p.named = "http"
			}
			out = append(out, p)
		}
	}
	for i := range profile.Spec.Tiers {
		tier := &profile.Spec.Tiers[i]
		names := []string{string(tier.Name) + "-x", string(tier.Name) + "-y"}
		if tier.Namespaces.Selector == nil {
			names = nil
			for _, name := range tier.Namespaces.Names {
				names = append(names, string(name))
			}
		}
		for _, name := range names {
			labels := render.MembershipLabels(profile.Name, string(tier.Name))
			labels["tier"] = string(tier.Name)
			add(name, labels, false)
		}
	}
	add("outside", map[string]string{"team": "ops"}, true)
	add("ops", map[string]string{}, true)
	add("kube-system", map[string]string{}, true)
	return out
}

func ports() []port {
	return []port{{corev1.ProtocolTCP, 80}, {corev1.ProtocolTCP, 85}, {corev1.ProtocolTCP, 443}, {corev1.ProtocolUDP, 53}, {corev1.ProtocolSCTP, 7}}
}

// networkPolicies are the operator's NetworkPolicies in the namespaces of pods.
func networkPolicies(t fataler, p *plan.Plan, all []pod) *reach.Cluster {
	t.Helper()
	var policies []*networkingv1.NetworkPolicy
	var namespaces []reach.Namespace
	for i := range all {
		one := &all[i]
		if slices.ContainsFunc(namespaces, func(n reach.Namespace) bool { return n.Name == one.namespace }) {
			continue
		}
		namespaces = append(namespaces, reach.Namespace{Name: one.namespace, Labels: one.namespaceLabels})
		if tier := p.Tier(one.namespaceLabels[v1alpha1.TierLabel]); tier != nil {
			policies = append(policies, render.Tier(p, tier).In(one.namespace).Policies...)
		}
	}
	c, err := reach.New(namespaces, policies)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return c
}

func flow(from, to pod, p port) reach.Flow {
	return reach.Flow{
		From: reach.Endpoint{Pod: reachPod(from, "from")}, To: reach.Endpoint{Pod: reachPod(to, "to")}, Protocol: p.protocol, Port: p.number,
	}
}

func reachPod(p pod, name string) *reach.Pod {
	out := &reach.Pod{Namespace: p.namespace, Name: name, Labels: p.labels}
	if p.named != "" {
		out.Ports = []reach.NamedPort{{Name: p.named, Number: 80}}
	}
	return out
}

var _ fataler = (*testing.T)(nil)

func sortedNames(c *cluster) []string {
	return slices.Sorted(maps.Keys(c.objects))
}

// profileOf is a profile of tiers that are chosen by a label.
func profileOf(names ...string) *v1alpha1.SegmentationProfile {
	b := builders.MakeProfile("shop").UID("u")
	for _, name := range names {
		b.Tier(builders.MakeTier(name).Selector(map[string]string{"tier": name}).Obj())
	}
	return b.Obj()
}
