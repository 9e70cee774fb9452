package guardrail_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/guardrail"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// largest is a profile of 64 tiers and 512 dependencies, the most that the CRD takes.
func largest(dependency func(i int, from, to string) v1alpha1.Dependency) *v1alpha1.SegmentationProfile {
	b := builders.MakeProfile("shop").UID("u")
	name := func(i int) string { return fmt.Sprintf("tier-%d", i%64) }
	for i := range 64 {
		b.Tier(builders.MakeTier(name(i)).Selector(map[string]string{"tier": name(i)}).Obj())
	}
	for i := range 512 {
		b.Dependency(dependency(i, name(i), name(i*7+i/64+1)))
	}
	return b.Obj()
}

// labelsOf are labels that no other number has.
func labelsOf(i int) map[string]string { return map[string]string{"app": fmt.Sprintf("app-%d", i)} }

func TestTheLargestProfileStaysInsideEveryLimit(t *testing.T) {
	t.Parallel()
	one := func(i int) *builders.DependencyBuilder { return builders.MakeDependency(fmt.Sprintf("d-%d", i)) }
	cases := map[string]struct {
		dependency func(i int, from, to string) v1alpha1.Dependency
		want       int
	}{
		"dependencies all over": {func(i int, from, to string) v1alpha1.Dependency {
			return one(i).FromTier(from).ToTier(to).Port(int32(i + 1)).Obj()
		}, 66},
		"all of one tier": {func(i int, _, to string) v1alpha1.Dependency {
			return one(i).FromTier("tier-0").ToTier(to).Port(int32(i + 1)).Obj()
		}, 86},
		"all inside of one tier": {func(i int, _, _ string) v1alpha1.Dependency {
			return one(i).FromTier("tier-0").ToTier("tier-0").Port(int32(i + 1)).Obj()
		}, 86},
		"all of all tiers": {func(i int, _, _ string) v1alpha1.Dependency {
			return one(i).FromAllTiers().ToAllTiers().Port(int32(i + 1)).Obj()
		}, 86},
		"other pods in each, at both sides": {func(i int, from, to string) v1alpha1.Dependency {
			return one(i).FromTier(from).FromPods(labelsOf(i)).ToTier(to).ToPods(labelsOf(-i)).Port(int32(i + 1)).Obj()
		}, 578},
		"32 ports with numbers and names": {func(i int, from, to string) v1alpha1.Dependency {
			d := one(i).FromTier(from).ToTier(to)
			for k := range 16 {
				d.Port(int32(1000*k + i + 1)).NamedPort(fmt.Sprintf("p-%d", k))
			}
			return d.Obj()
		}, 66},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster(t)
			next := cluster.settle(guardrail.UsualBand(), guardOf(compiled(t, largest(c.dependency))))
			if p := next.Profiles["shop"]; p.Closed || p.Objects != len(cluster.objects) {
				t.Errorf("it is not whole: %+v", p)
			}
			if len(cluster.objects) != c.want {
				t.Errorf("%d objects, want %d", len(cluster.objects), c.want)
			}
			checkLimits(t, cluster)
		})
	}
}

func checkLimits(t *testing.T, c *cluster) {
	t.Helper()
	priorities := map[string]string{}
	for name, o := range c.objects {
		key := fmt.Sprint(o.Spec.Tier, o.Spec.Priority)
		if other := priorities[key]; other != "" || o.Spec.Priority < 0 || o.Spec.Priority > 1000 {
			t.Errorf("%s has priority %d, and so has %q", name, o.Spec.Priority, other)
		}
		priorities[key] = name
		if len(name) > 253 || len(o.Spec.Ingress) > 25 || len(o.Spec.Egress) > 25 {
			t.Errorf("%s has %d and %d rules", name, len(o.Spec.Ingress), len(o.Spec.Egress))
		}
		for _, r := range o.Spec.Ingress {
			if len(r.Name) > 100 || len(r.From) == 0 || len(r.From) > 25 || len(r.Protocols) > 25 {
				t.Errorf("%s has a rule of %d peers and %d protocols", name, len(r.From), len(r.Protocols))
			}
		}
		for _, r := range o.Spec.Egress {
			if len(r.Name) > 100 || len(r.To) == 0 || len(r.To) > 25 || len(r.Protocols) > 25 {
				t.Errorf("%s has a rule of %d peers and %d protocols", name, len(r.To), len(r.Protocols))
			}
		}
	}
}

// TestAChangeTouchesNothingElse adds and removes dependencies of a tier that has rules in several objects.
func TestAChangeTouchesNothingElse(t *testing.T) {
	t.Parallel()
	calling := func(names ...int) *v1alpha1.SegmentationProfile {
		b := builders.MakeProfile("shop").UID("u").Tier(builders.MakeTier("web").Names("web").Obj(), builders.MakeTier("api").Names("api").Obj())
		for _, i := range names {
			b.Dependency(builders.MakeDependency(fmt.Sprintf("d-%03d", i)).FromTier("web").ToTier("api").Port(int32(i)).Obj())
		}
		return b.Obj()
	}
	all := make([]int, 60)
	for i := range all {
		all[i] = 10*i + 10
	}
	c := newCluster(t)
	c.settle(guardrail.UsualBand(), guardOf(compiled(t, calling(all...))))
	before := maps.Clone(c.objects)

	c.writes = 0
	c.settle(guardrail.UsualBand(), guardOf(compiled(t, calling(append(slices.Clone(all), 5)...)))) // It comes first by its name.
	if c.writes != 2 {
		t.Errorf("one more dependency took %d writes, want one at each side", c.writes)
	}
	c.settle(guardrail.UsualBand(), guardOf(compiled(t, calling(all...))))
	for name, o := range c.objects {
		if !equality.Semantic.DeepEqual(o, before[name]) {
			t.Errorf("%s is not as it was", name)
		}
	}
	c.writes = 0
	c.settle(guardrail.UsualBand(), guardOf(compiled(t, calling(all[1:]...))))
	if c.writes != 2 {
		t.Errorf("one dependency less took %d writes, want one at each side", c.writes)
	}
	c.writes = 0
	c.settle(guardrail.UsualBand(), guardOf(compiled(t, calling(all[1:]...))))
	if c.writes != 0 {
		t.Errorf("no change took %d writes", c.writes)
	}
}

func TestPriorities(t *testing.T) {
	t.Parallel()
	profile := builders.MakeProfile("shop").UID("u").Tier(builders.MakeTier("web").Names("web").Obj()).Obj()
	foreign := func(name string, priority int32) *policyv1alpha2.ClusterNetworkPolicy {
		return &policyv1alpha2.ClusterNetworkPolicy{
			ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: policyv1alpha2.ClusterNetworkPolicySpec{Tier: policyv1alpha2.AdminTier, Priority: priority},
		}
	}
	cases := map[string]struct {
		band    guardrail.Band
		others  []*policyv1alpha2.ClusterNetworkPolicy
		want    map[string]int32
		reasons []string
	}{
		"what passes from the beginning, what denies from the end": {
			band: guardrail.Band{From: 10, To: 20},
			want: map[string]int32{"segmentation.shop.all": 10, "segmentation.shop.tier.web": 11, "segmentation.shop.deny": 20},
		},
		"out of the way of others": {
			band: guardrail.Band{From: 10, To: 20}, others: []*policyv1alpha2.ClusterNetworkPolicy{foreign("a", 10), foreign("b", 20), foreign("c", 9)},
			want:    map[string]int32{"segmentation.shop.all": 11, "segmentation.shop.tier.web": 12, "segmentation.shop.deny": 19},
			reasons: []string{v1alpha1.ReasonGuardrailWider, v1alpha1.ReasonPriorityCollision, v1alpha1.ReasonPriorityCollision}[1:],
		},
		"nothing is denied where not all passes": {
			band: guardrail.Band{From: 10, To: 11}, others: []*policyv1alpha2.ClusterNetworkPolicy{foreign("a", 10)},
			want:    map[string]int32{"segmentation.shop.all": 11},
			reasons: []string{v1alpha1.ReasonPriorityCollision, v1alpha1.ReasonGuardrailsFull},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster(t)
			for _, o := range c.others {
				cluster.objects[o.Name] = o
			}
			next := cluster.settle(c.band, guardOf(compiled(t, profile)))
			got := map[string]int32{}
			for name, o := range cluster.objects {
				if guardrail.IsOurs(o) {
					got[name] = o.Spec.Priority
				}
			}
			if !maps.Equal(c.want, got) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			reasons := make([]string, 0, len(next.Profiles["shop"].Findings))
			for _, f := range next.Profiles["shop"].Findings {
				reasons = append(reasons, f.Reason)
			}
			if !slices.Equal(c.reasons, reasons) {
				t.Errorf("found %v, want %v", reasons, c.reasons)
			}
		})
	}
}

func TestPrioritiesStayAsTheyAreUntilSomebodyTakesThem(t *testing.T) {
	t.Parallel()
	shop := builders.MakeProfile("shop").UID("u").Tier(builders.MakeTier("web").Names("web").Obj()).Obj()
	wiki := builders.MakeProfile("blog").UID("w").Tier(builders.MakeTier("web").Names("blog").Obj()).Obj()
	c, b := newCluster(t), guardrail.Band{From: 10, To: 20}
	c.settle(b, guardOf(compiled(t, shop)))
	c.settle(b, guardOf(compiled(t, wiki)), guardOf(compiled(t, shop)))
	if got := c.objects["segmentation.shop.all"].Spec.Priority; got != 10 {
		t.Errorf("another profile, which is before it by name, moved it to %d", got)
	}
	taker := c.objects["segmentation.shop.all"].DeepCopy()
	taker.Name, taker.Labels = "mine", nil
	c.objects["mine"] = taker
	c.settle(b, guardOf(compiled(t, wiki)), guardOf(compiled(t, shop)))
	if got := c.objects["segmentation.shop.all"].Spec.Priority; got == 10 {
		t.Error("it has the same priority as somebody else's")
	}
	checkLimits(t, c)
}

func TestBands(t *testing.T) {
	t.Parallel()
	for text, isGood := range map[string]bool{
		"100-999": true, "0-1000": true, "5-6": true, "": false, "5": false, "6-5": false, "5-5": false, "-1-5": false, "0-1001": false, "a-b": false,
	} {
		got, err := guardrail.ParseBand(text)
		if (err == nil) != isGood || isGood && got.String() != text {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
