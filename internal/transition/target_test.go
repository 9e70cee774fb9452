package transition

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

func TestWidened(t *testing.T) {
	type policies = []*networkingv1.NetworkPolicy
	everything := []string{"in web", "in own", "in wiki", "in blog", "in unsegmented", "in ops", "in selected"}
	one := func(openings ...string) policies { return list(base(openings...)) }
	cases := map[string]struct {
		observed, desired policies
		widening          Widening
		want              []string
		retained          []string
	}{
		"what does not go by labels of members stays until the end": {
			observed: one(everything...), desired: one("in api"),
			want: []string{"segmentation: in api, in own, in ops"},
		},
		"while some leave, what was allowed to and from tiers of the profile stays": {
			observed: one(everything...), desired: one("in api"), widening: Widening{Tiers: true},
			want: []string{"segmentation: in api, in web, in own, in ops, in selected"},
		},
		"while some come from a profile before, what was allowed to and from its tiers stays": {
			observed: one(everything...), desired: one("in api"), widening: Widening{Before: true},
			want: []string{"segmentation: in api, in own, in blog, in ops"},
		},
		"while some come from a profile after, what was allowed to and from its tiers stays": {
			observed: one(everything...), desired: one("in api"), widening: Widening{After: true},
			want: []string{"segmentation: in api, in own, in wiki, in ops"},
		},
		"while some join, what was allowed for want of labels stays, and nothing of that kind comes": {
			observed: one(everything...), desired: list(base("in api"), pods("a-egress", "a", "out unsegmented", "out api")),
			widening: Widening{Unsegmented: true},
			want:     []string{"segmentation: in api, in own, in unsegmented, in ops", "segmentation-a-egress of a: out api"},
		},
		"a rule of which no peer stays disappears, and is not for everybody": {
			observed: one("in web+wiki 80", "in web+ops 80"), desired: one("in api"),
			want: []string{"segmentation: in api, in ops 80"},
		},
		"a rule for everybody does not stay: the namespace was to leave, and is not": {
			observed: one("in *", "in web", "out *"), desired: one("in api"), widening: Widening{Tiers: true},
			want: []string{"segmentation: in api, in web"},
		},
		"a policy of pods that would only be for want of labels is not written while some join": {
			observed: one("in api"), desired: list(base("in api"), pods("a-egress", "a", "out unsegmented")), widening: Widening{Unsegmented: true},
			want: []string{"segmentation: in api"},
		},
		"the base policy is written all the same": {
			desired: one("in unsegmented"), widening: Widening{Unsegmented: true},
			want: []string{"segmentation: nothing"},
		},
		"a policy that allows nothing is written": {
			desired: list(base(), pods("a-egress", "a")), widening: Widening{Unsegmented: true},
			want: []string{"segmentation: nothing", "segmentation-a-egress of a: nothing"},
		},
		"one that allows all that has to stay already is not written another way": {
			observed: one("in web 80", "in web 81", "in api"), desired: one("in api"), widening: Widening{Tiers: true},
			want: []string{"segmentation: in web 80, in web 81, in api"},
		},
		"one that is as declared stays so": {
			observed: one("in web"), desired: one("in web"), widening: Widening{Tiers: true},
			want: []string{"segmentation: in web"},
		},
		"a policy whose pods change stays, and its stand-in comes": {
			observed: list(base(), pods("a-egress", "a", "out web")), desired: list(base(), pods("a-egress", "b", "out web")),
			widening: Widening{Tiers: true},
			want:     []string{"segmentation: nothing", "segmentation-a-egress-* of b: out web"}, retained: []string{"segmentation-a-egress"},
		},
		"a policy whose pods change loses what need not stay": {
			observed: list(base(), pods("a-egress", "a", "out web+wiki")), desired: list(base(), pods("a-egress", "b", "out api")),
			widening: Widening{Tiers: true},
			want: []string{
				"segmentation: nothing", "segmentation-a-egress of a: out web", "segmentation-a-egress-* of b: out api",
			},
		},
		"a stand-in that is there keeps what has to stay of it": {
			observed: list(base(), pods("a-egress", "a", "out web"), standIn(pods("a-egress", "b", "out web+ops+wiki"))),
			desired:  list(base(), pods("a-egress", "b", "out api")),
			widening: Widening{Tiers: true},
			want:     []string{"segmentation: nothing", "segmentation-a-egress-* of b: out api, out web+ops"},
			retained: []string{"segmentation-a-egress"},
		},
		"a policy whose pods change and of which nothing has to stay is changed": {
			observed: list(base(), pods("a-egress", "a", "out web")), desired: list(base(), pods("a-egress", "b", "out web")),
			want: []string{"segmentation: nothing", "segmentation-a-egress of b: out web"},
		},
		"a policy that is not declared stays as it is, if all of it has to": {
			observed: list(base(), pods("a-egress", "a", "out web")), desired: one(), widening: Widening{Tiers: true},
			want: []string{"segmentation: nothing"}, retained: []string{"segmentation-a-egress"},
		},
		"a policy that is not declared loses what need not stay": {
			observed: list(base(), pods("a-egress", "a", "out web+wiki")), desired: one(), widening: Widening{Tiers: true},
			want: []string{"segmentation: nothing", "segmentation-a-egress of a: out web"},
		},
		"tiers of a linked profile stay like the profile's own": {
			observed: one("in web", "in wiki", "in blog"), desired: one("in api"), widening: Widening{Tiers: true, Linked: []string{"wiki"}},
			want: []string{"segmentation: in api, in web, in wiki"},
		},
		"and go like them, whatever stays of profiles after this one": {
			observed: one("in wiki", "in blog"), desired: one("in api"), widening: Widening{After: true, Linked: []string{"wiki"}},
			want: []string{"segmentation: in api"},
		},
		"a policy that is not declared goes if nothing of it has to stay": {
			observed: list(base(), pods("a-egress", "a", "out web")), desired: one(),
			want: []string{"segmentation: nothing"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			c.widening.Profile = "shop"
			got := Widened(c.desired, c.observed, c.widening)
			if diff := cmp.Diff(c.want, describeAll(got.Policies)); diff != "" {
				t.Errorf("policies (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.retained, slices.Sorted(maps.Keys(got.Retained))); diff != "" {
				t.Errorf("retained (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatIsKeptOfAPolicyHasNothingForeign(t *testing.T) {
	t.Parallel()
	profile := builders.MakeProfile("shop").UID("u").Obj()
	have := pods("a-egress", "a", "out web+wiki")
	have.Labels["team"], have.Labels[v1alpha1.TierLabel] = "ops", "web"
	have.Annotations = map[string]string{"note": "x", v1alpha1.DeclaredByAnnotation: "tier/web"}
	have.OwnerReferences = []metav1.OwnerReference{
		{APIVersion: "v1", Kind: "ConfigMap", Name: "x", UID: "x"},
		{APIVersion: v1alpha1.GroupVersion.String(), Kind: "SegmentationProfile", Name: profile.Name, UID: profile.UID},
	}
	have.UID, have.ResourceVersion, have.Generation = "uid", "7", 3
	have.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}
	have.Finalizers = []string{"example.com/keep"}
	have.CreationTimestamp = metav1.Now()
	before := have.DeepCopy()

	want := pods("a-egress", "a", "out web")
	want.Labels[v1alpha1.TierLabel] = "web"
	want.Annotations = map[string]string{v1alpha1.DeclaredByAnnotation: "tier/web"}
	want.OwnerReferences = have.OwnerReferences[1:]
	got := Widened(nil, list(have), Widening{Profile: "shop", Tiers: true})
	if diff := cmp.Diff(list(want), got.Policies); diff != "" {
		t.Errorf("policies (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, have); diff != "" {
		t.Errorf("the cache's object was changed (-before +after):\n%s", diff)
	}
}

func TestSameAcross(t *testing.T) {
	type policies = []*networkingv1.NetworkPolicy
	cases := map[string]struct {
		desired, observed policies
		want              bool
	}{
		"nothing and nothing": {want: true},
		"what goes by labels of the profile itself is left out": {list(base("in web", "in wiki")), list(base("in wiki", "in selected")), true},
		"what goes by no labels of members is left out":         {list(base("in ops", "in own")), nil, true},
		"the same in other rules":                               {list(base("in wiki+blog")), list(base("in blog", "in wiki")), true},
		"a tier of another profile comes":                       {list(base("in wiki")), list(base()), false},
		"a tier of another profile goes":                        {list(base()), list(base("in wiki")), false},
		"on another port":                                       {list(base("in wiki 80")), list(base("in wiki 81")), false},
		"in another direction":                                  {list(base("in wiki")), list(base("out wiki")), false},
		"what goes by the want of labels comes":                 {list(base("in unsegmented")), list(base()), false},
		"a rule for everybody goes":                             {list(base()), list(base("in *")), false},
		"from the base policy to one of some pods":              {list(base(), pods("a-egress", "a", "out wiki")), list(base("out wiki")), false},
		"the same for other pods":                               {list(base(), pods("a-egress", "a", "out wiki")), list(base(), pods("a-egress", "b", "out wiki")), false},
		"other pods of a policy that has nothing to do with it": {list(base(), pods("a-egress", "a", "out web")), list(base(), pods("a-egress", "b", "out web")), true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := SameAcross("shop", c.desired, c.observed); got != c.want {
				t.Errorf("the same: %t, want %t", got, c.want)
			}
		})
	}
}

func TestSameAcrossLeavesOutLinkedProfiles(t *testing.T) {
	for name, c := range map[string]struct {
		linked []string
		want   bool
	}{"one that is not linked": {nil, false}, "another is linked": {[]string{"blog"}, false}, "it is linked": {[]string{"blog", "wiki"}, true}} {
		t.Run(name, func(t *testing.T) {
			if got := SameAcross("shop", list(base("in wiki")), list(base()), c.linked...); got != c.want {
				t.Errorf("the same: %t, want %t", got, c.want)
			}
		})
	}
}

func TestGoBy(t *testing.T) {
	web := Membership{Profile: "shop", Tier: "web"}
	cases := map[string]struct {
		policies []*networkingv1.NetworkPolicy
		want     bool
	}{
		"the tier, in":                        {list(base("in ops", "in ops+web")), true},
		"the tier, out, of some pods":         {list(base(), pods("a-egress", "a", "out web")), true},
		"another tier":                        {list(base("in api")), false},
		"a tier of that name elsewhere":       {list(base("in wiki")), false},
		"the selection, which no label tells": {list(base("in selected")), false},
		"everybody, or those in between":      {list(base("in *", "in own", "in unsegmented")), false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := GoBy(c.policies, web); got != c.want {
				t.Errorf("go by it: %t, want %t", got, c.want)
			}
		})
	}
}
