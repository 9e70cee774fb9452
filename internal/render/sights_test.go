package render_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// sights are all ways to tell which namespaces belong to another tier.
func sights() []render.Sight {
	return []render.Sight{render.ByLabels, render.BySelection, render.ByChoice, render.ByEither}
}

// sighted renders the policies of a tier by a sight.
func sighted(t *testing.T, profile *v1alpha1.SegmentationProfile, tier string, sight render.Sight, except *render.Exceptions) render.Objects {
	t.Helper()
	p, errs := plan.Compile(profile)
	if len(errs) > 0 {
		t.Fatal(errs.ToAggregate())
	}
	return render.Objects{Policies: render.Policies(p, p.Tier(tier), sight, except)}
}

// selectorText writes a selector, with short words for the labels of the operator.
func selectorText(s *metav1.LabelSelector) string {
	if s == nil {
		return "own namespace"
	}
	text := metav1.FormatLabelSelector(s)
	for long, short := range map[string]string{"segmentation.dev/": "", "kubernetes.io/metadata.": ""} {
		text = strings.ReplaceAll(text, long, short)
	}
	return text
}

func egressOf(objects render.Objects) []string {
	var out []string
	for _, r := range objects.Policies[0].Spec.Egress {
		for _, peer := range r.To {
			out = append(out, selectorText(peer.NamespaceSelector))
		}
	}
	return out
}

func TestHowATierIsSeen(t *testing.T) {
	byName, bySelector := "api", "web"
	mistaken := &render.Exceptions{Mistaken: map[string][]string{"web": {"x", "y"}, "api": {"shop-api"}}}
	kept := &render.Exceptions{Kept: map[string][]string{"web": {"k"}, "api": {"k", "l"}}}
	cases := map[string]struct {
		tier   string
		sight  render.Sight
		except *render.Exceptions
		want   []string
	}{
		"by labels": {bySelector, render.ByLabels, nil, []string{"profile=shop,tier=web"}},
		"by labels, which have no exceptions": {bySelector, render.ByLabels, &render.Exceptions{
			Mistaken: mistaken.Mistaken, Kept: kept.Kept,
		}, []string{"profile=shop,tier=web"}},
		"by selection, among members":            {bySelector, render.BySelection, nil, []string{"layer=web,profile in (shop)"}},
		"by selection, of names":                 {byName, render.BySelection, nil, []string{"name=shop-api,profile in (shop)"}},
		"by selection, less what is mistaken":    {bySelector, render.BySelection, mistaken, []string{"name notin (x,y),layer=web,profile in (shop)"}},
		"by selection, of names, less the same":  {byName, render.BySelection, mistaken, []string{"name=shop-api,name notin (shop-api),profile in (shop)"}},
		"by selection, and what is kept":         {bySelector, render.BySelection, kept, []string{"layer=web,profile in (shop)", "name=k,profile in (shop)"}},
		"by selection, and several that are":     {byName, render.BySelection, kept, []string{"name=shop-api,profile in (shop)", "name in (k,l),profile in (shop)"}},
		"by choice, members or not":              {bySelector, render.ByChoice, nil, []string{"layer=web"}},
		"by choice, less what is mistaken":       {bySelector, render.ByChoice, mistaken, []string{"name notin (x,y),layer=web"}},
		"by choice, and what is kept of members": {bySelector, render.ByChoice, kept, []string{"layer=web", "name=k,profile in (shop)"}},
		"by either":                              {bySelector, render.ByEither, nil, []string{"profile=shop,tier=web", "layer=web"}},
		"by either, less what is mistaken":       {bySelector, render.ByEither, mistaken, []string{"profile=shop,tier=web", "name notin (x,y),layer=web"}},
		"by either, and what is kept":            {bySelector, render.ByEither, kept, []string{"profile=shop,tier=web", "layer=web", "name=k,profile in (shop)"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			profile := shop().NoDNS().
				Tier(builders.MakeTier("from").Names("from").InternalTraffic(v1alpha1.InternalTrafficDeny).Obj()).
				Dependency(builders.MakeDependency("d").FromTier("from").ToTier(c.tier).Obj()).Obj()
			if c.except == nil {
				c.except = &render.Exceptions{}
			}
			if diff := cmp.Diff(c.want, egressOf(sighted(t, profile, "from", c.sight, c.except))); diff != "" {
				t.Errorf("peers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHowNamespacesOutsideAreSeenThatAreAboutToBe(t *testing.T) {
	leaving := &render.Exceptions{Leaving: []string{"gone-1", "gone-2"}}
	unsegmented := builders.LabelSelector(map[string]string{"team": "ops"}, builders.DoesNotExist(v1alpha1.ProfileLabel))
	notShop := builders.LabelSelector(nil, builders.NotIn(v1alpha1.ProfileLabel, "wiki"), builders.Exists("team"))
	noTier := builders.LabelSelector(nil, builders.DoesNotExist(v1alpha1.TierLabel))
	cases := map[string]struct {
		selector *v1alpha1.LabelSelector
		sight    render.Sight
		except   *render.Exceptions
		want     []string
	}{
		"by choice":                           {unsegmented, render.ByChoice, leaving, []string{"!profile,team=ops", "name in (gone-1,gone-2),team=ops"}},
		"by either":                           {unsegmented, render.ByEither, leaving, []string{"!profile,team=ops", "name in (gone-1,gone-2),team=ops"}},
		"by labels, which they still have":    {unsegmented, render.ByLabels, leaving, []string{"!profile,team=ops"}},
		"by selection, which is of members":   {unsegmented, render.BySelection, leaving, []string{"!profile,team=ops"}},
		"by choice, while nobody leaves":      {unsegmented, render.ByChoice, &render.Exceptions{}, []string{"!profile,team=ops"}},
		"by choice, as no members of another": {notShop, render.ByChoice, leaving, []string{"profile notin (wiki),team", "name in (gone-1,gone-2),team"}},
		"by choice, as members of no tier":    {noTier, render.ByChoice, leaving, []string{"!tier", "name in (gone-1,gone-2)"}},
		"by choice, where labels of members do not matter": {
			builders.LabelSelector(nil, builders.DoesNotExist("team")), render.ByChoice, leaving, []string{"!team"},
		},
		"by choice, where they have to be there": {
			builders.LabelSelector(nil, builders.Exists(v1alpha1.ProfileLabel)), render.ByChoice, leaving, []string{"profile"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			profile := shop().NoDNS().
				Peer(v1alpha1.Peer{Name: "outside", Namespaces: &v1alpha1.NamespaceSet{Selector: c.selector}}).
				Dependency(builders.MakeDependency("d").FromTier("web").ToPeer("outside").Obj()).Obj()
			got := egressOf(sighted(t, profile, "web", c.sight, c.except))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("peers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestATiersOwnNamespaceIsChosenWithoutLabels(t *testing.T) {
	own := networkingv1.NetworkPolicyPeer{PodSelector: &metav1.LabelSelector{}}
	some := networkingv1.NetworkPolicyPeer{PodSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "a"}}}
	cases := map[string]struct {
		tier       *builders.TierBuilder
		dependency *builders.DependencyBuilder
		want       networkingv1.NetworkPolicyPeer
	}{
		"by internal traffic of the tier": {
			tier:       builders.MakeTier("data").InternalTraffic(v1alpha1.InternalTrafficSameTier),
			dependency: builders.MakeDependency("d").FromTier("web").ToTier("api"),
			want:       own,
		},
		"by a dependency of the tier on itself": {
			tier:       builders.MakeTier("data").InternalTraffic(v1alpha1.InternalTrafficDeny),
			dependency: builders.MakeDependency("d").FromTier("data").ToTier("data"),
			want:       own,
		},
		"by a dependency of the tier on some of its pods": {
			tier:       builders.MakeTier("data").InternalTraffic(v1alpha1.InternalTrafficDeny),
			dependency: builders.MakeDependency("d").FromTier("data").ToTier("data").ToPods(map[string]string{"app": "a"}),
			want:       some,
		},
	}
	for name, c := range cases {
		for _, sight := range sights() {
			t.Run(fmt.Sprint(name, ", ", sight), func(t *testing.T) {
				profile := shop().NoDNS().Tier(c.tier.Names("db").Obj()).Dependency(c.dependency.Obj()).Obj()
				rules := sighted(t, profile, "data", sight, &render.Exceptions{}).Policies[0].Spec.Egress
				found := slices.ContainsFunc(rules, func(r networkingv1.NetworkPolicyEgressRule) bool {
					return slices.ContainsFunc(r.To, func(p networkingv1.NetworkPolicyPeer) bool { return cmp.Equal(p, c.want) })
				})
				if !found {
					t.Errorf("no peer is %+v in %+v", c.want, rules)
				}
			})
		}
	}
}

func TestHowATierOfAnotherProfileIsSeen(t *testing.T) {
	wiki := func(tier *builders.TierBuilder) *plan.Plan {
		return resolvedPlan(t, builders.MakeProfile("wiki").Tier(tier.Obj()).
			Dependency(builders.MakeDependency("d").FromProfile("shop", "web").ToTier("pages").Obj()).Obj(), &plan.Facts{})
	}
	bySelector := wiki(builders.MakeTier("pages").Selector(map[string]string{"layer": "pages"}))
	byName := wiki(builders.MakeTier("pages").Names("wiki-1"))
	// What is known of a tier of that name in the own profile has nothing to do with it.
	mistaken := &render.Exceptions{
		Mistaken: map[string][]string{"pages": {"own"}}, Kept: map[string][]string{"pages": {"own"}},
		Others: map[string]*render.Exceptions{"wiki": {Mistaken: map[string][]string{"pages": {"x"}}}},
	}
	kept := &render.Exceptions{Others: map[string]*render.Exceptions{"wiki": {Kept: map[string][]string{"pages": {"k", "l"}}}}}
	another := &render.Exceptions{Others: map[string]*render.Exceptions{"blog": {Kept: map[string][]string{"pages": {"k"}}}}}
	const labels = "profile=wiki,tier=pages"
	cases := map[string]struct {
		other  *plan.Plan
		sight  render.Sight
		except *render.Exceptions
		want   []string
	}{
		"by labels":                       {bySelector, render.ByLabels, mistaken, []string{labels}},
		"by selection, among its members": {bySelector, render.BySelection, nil, []string{"layer=pages,profile in (wiki)"}},
		"by selection, of names":          {byName, render.BySelection, nil, []string{"name=wiki-1,profile in (wiki)"}},
		"by selection, less what is mistaken": {
			bySelector, render.BySelection, mistaken, []string{"name notin (x),layer=pages,profile in (shop,wiki)"},
		},
		"by selection, and what is kept": {
			bySelector, render.BySelection, kept, []string{"layer=pages,profile in (shop,wiki)", "name in (k,l),profile in (wiki)"},
		},
		"by choice, members or not":             {bySelector, render.ByChoice, another, []string{"layer=pages"}},
		"by either":                             {byName, render.ByEither, nil, []string{labels, "name=wiki-1"}},
		"by either, and what is kept":           {byName, render.ByEither, kept, []string{labels, "name=wiki-1", "name in (k,l),profile in (wiki)"}},
		"one that cannot be read, by selection": {nil, render.BySelection, nil, []string{labels}},
		"one that cannot be read, by either":    {nil, render.ByEither, kept, []string{labels}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p := resolvedPlan(t, shop().NoDNS().Dependency(builders.MakeDependency("d").FromTier("web").ToProfile("wiki", "pages").Obj()).Obj(),
				&plan.Facts{Others: map[string]*plan.Plan{"wiki": c.other}})
			if c.except == nil {
				c.except = &render.Exceptions{}
			}
			got := egressOf(render.Objects{Policies: render.Policies(p, p.Tier("web"), c.sight, c.except)})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("peers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHowAllTiersAreSeen(t *testing.T) {
	except := &render.Exceptions{Mistaken: map[string][]string{"api": {"x"}}}
	const own = "own namespace"
	for sight, want := range map[render.Sight][]string{
		render.ByLabels:    {"profile=shop,tier=api", own, "profile=shop,tier=web"},
		render.BySelection: {"name=shop-api,name notin (x),profile in (shop)", own, "layer=web,profile in (shop)"},
		render.ByChoice:    {"name=shop-api,name notin (x)", own, "layer=web"},
		render.ByEither:    {"profile=shop,tier=api", "name=shop-api,name notin (x)", own, "profile=shop,tier=web", "layer=web"},
	} {
		t.Run(string(sight), func(t *testing.T) {
			profile := shop().NoDNS().Dependency(builders.MakeDependency("d").FromTier("web").ToAllTiers().Obj()).Obj()
			if diff := cmp.Diff(want, egressOf(sighted(t, profile, "web", sight, except))); diff != "" {
				t.Errorf("peers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestExceptionsAreEqual(t *testing.T) {
	full := func() *render.Exceptions {
		return &render.Exceptions{
			Mistaken: map[string][]string{"web": {"a"}}, Kept: map[string][]string{"api": {"b"}}, Leaving: []string{"c"},
			Others: map[string]*render.Exceptions{"wiki": {Kept: map[string][]string{"pages": {"d"}}}},
		}
	}
	cases := map[string]struct {
		change func(*render.Exceptions)
		want   bool
	}{
		"the same":                           {func(*render.Exceptions) {}, true},
		"others are mistaken":                {func(e *render.Exceptions) { e.Mistaken["web"] = nil }, false},
		"others are kept":                    {func(e *render.Exceptions) { e.Kept["web"] = []string{"b"} }, false},
		"others leave":                       {func(e *render.Exceptions) { e.Leaving = nil }, false},
		"others are kept in another profile": {func(e *render.Exceptions) { e.Others["wiki"].Kept = nil }, false},
		"another profile has none":           {func(e *render.Exceptions) { e.Others["wiki"] = &render.Exceptions{} }, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			other := full()
			c.change(other)
			if got := full().Equal(other); got != c.want {
				t.Errorf("equal: %t, want %t", got, c.want)
			}
		})
	}
}
