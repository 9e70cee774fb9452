package plan_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// wiki is another profile, with the one tier pages.
func wiki() *builders.ProfileBuilder {
	return builders.MakeProfile("wiki").Tier(builders.MakeTier("pages").Names("wiki-1", "wiki-2").Obj())
}

// sides are what becomes of a path between the tier web of shop and the tier pages of wiki, and what is found on each
// side. Facts are those of both.
type sides struct {
	shop, wiki           []string
	foundShop, foundWiki []string
}

func bothSides(t *testing.T, shop, wiki *builders.ProfileBuilder, facts plan.Facts) sides {
	t.Helper()
	ours, theirs := compiled(t, shop.NoDNS()), compiled(t, wiki.NoDNS())
	facts.Others = map[string]*plan.Plan{"shop": ours, "wiki": theirs}
	a, b := ours.Resolve(&facts), theirs.Resolve(&facts)
	return sides{saying(a.Plan.Tier("web").Rules), saying(b.Plan.Tier("pages").Rules), found(a.Findings), found(b.Findings)}
}

func TestAPathBetweenProfilesOpensWhenBothDeclareIt(t *testing.T) {
	t.Parallel()
	named, other := intstr.FromString("http"), intstr.FromString("admin")
	to := func(ports ...v1alpha1.Port) v1alpha1.Dependency {
		return builders.MakeDependency("to-wiki").FromTier("web").ToProfile("wiki", "pages").Ports(ports...).Obj()
	}
	from := func(ports ...v1alpha1.Port) v1alpha1.Dependency {
		return builders.MakeDependency("from-shop").FromProfile("shop", "web").ToTier("pages").Ports(ports...).Obj()
	}
	port := func(number, last int32) v1alpha1.Port {
		return v1alpha1.Port{Port: new(intstr.FromInt32(number)), EndPort: last}
	}
	udp := v1alpha1.Port{Protocol: corev1.ProtocolUDP}
	tests := map[string]struct {
		shop, wiki v1alpha1.Dependency
		opens      bool
	}{
		"on every port":                           {to(), from(), true},
		"on one port of all":                      {to(port(80, 0)), from(), true},
		"on the same port":                        {to(port(80, 0), udp), from(port(443, 0), port(80, 0)), true},
		"on another port":                         {to(port(80, 0)), from(port(81, 0)), false},
		"on a port of a range":                    {to(port(80, 90)), from(port(90, 0)), true},
		"beside a range":                          {to(port(80, 90)), from(port(91, 99)), false},
		"on a port of a protocol":                 {to(v1alpha1.Port{}), from(port(80, 0)), true},
		"on a port of another protocol":           {to(udp), from(port(80, 0)), false},
		"on the same name":                        {to(v1alpha1.Port{Port: &named}), from(v1alpha1.Port{Port: &named}), true},
		"on another name":                         {to(v1alpha1.Port{Port: &named}), from(v1alpha1.Port{Port: &other}), false},
		"on a name, which may be that number":     {to(v1alpha1.Port{Port: &named}), from(port(80, 0)), true},
		"in the other direction":                  {to(), builders.MakeDependency("d").FromTier("pages").ToProfile("shop", "web").Obj(), false},
		"with another tier":                       {to(), builders.MakeDependency("d").FromProfile("shop", "api").ToTier("pages").Obj(), false},
		"with another profile":                    {to(), builders.MakeDependency("d").FromProfile("blog", "web").ToTier("pages").Obj(), false},
		"the other side has all its tiers called": {to(), builders.MakeDependency("d").FromProfile("shop", "web").ToAllTiers().Obj(), true},
		"whichever pods of its own each side says": {to(), func() v1alpha1.Dependency {
			d := from()
			d.To.Pods = builders.LabelSelector(map[string]string{"app": "a"})
			return d
		}(), true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := bothSides(t, shop().Dependency(tc.shop), wiki().Dependency(tc.wiki), plan.Facts{})
			if opens := len(got.shop) > 0; opens != tc.opens || opens != (len(got.wiki) > 0) {
				t.Errorf("got %q and %q, want open: %t", got.shop, got.wiki, tc.opens)
			}
			isFound := func(all []string) bool {
				return slices.ContainsFunc(all, func(f string) bool { return f[:14] == "PendingConsent" })
			}
			if isFound(got.foundShop) == tc.opens || !tc.opens && !isFound(got.foundWiki) {
				t.Errorf("open: %t, found %q and %q", tc.opens, got.foundShop, got.foundWiki)
			}
		})
	}
}

func TestAnOpenPathKnowsWhichNamespacesAreOnTheOtherSide(t *testing.T) {
	t.Parallel()
	ours := compiled(t, shop().NoDNS().Dependency(builders.MakeDependency("d").FromTier("web").ToProfile("wiki", "pages").Obj()))
	theirs := compiled(t, wiki().Dependency(builders.MakeDependency("d").FromProfile("shop", "web").ToTier("pages").Obj()))
	if linked := ours.Linked(); len(linked) > 0 {
		t.Errorf("it is linked with %v before anything is known of them", linked)
	}
	got := ours.Resolve(&plan.Facts{Others: map[string]*plan.Plan{"wiki": theirs}}).Plan
	want := plan.Party{Profile: "wiki", Tier: "pages", Chosen: &plan.NamespaceSet{Names: []string{"wiki-1", "wiki-2"}}}
	if diff := cmp.Diff(want, got.Tier("web").Rules[0].Remote); diff != "" {
		t.Errorf("the other side (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"wiki"}, got.Linked()); diff != "" {
		t.Errorf("linked with (-want +got):\n%s", diff)
	}
	withdrawn := got.Resolve(&plan.Facts{Others: map[string]*plan.Plan{"wiki": compiled(t, wiki())}})
	if rules := withdrawn.Plan.Tier("web").Rules; len(rules) > 0 || len(withdrawn.Plan.Linked()) > 0 || len(withdrawn.Findings) != 1 {
		t.Errorf("the other side has withdrawn: rules %q, linked with %v, found %v", saying(rules), withdrawn.Plan.Linked(), withdrawn.Findings)
	}
}

// What one side alone declares is found on both, with the line that would open it.
func TestConsentThatIsMissing(t *testing.T) {
	t.Parallel()
	ports := []v1alpha1.Port{{Port: new(intstr.FromInt32(80)), EndPort: 90}, {Port: new(intstr.FromString("http"))}, {Protocol: corev1.ProtocolUDP}}
	to := builders.MakeDependency("d").FromTier("web").ToProfile("wiki", "pages").Ports(ports...).Obj()
	from := builders.MakeDependency("d").FromProfile("wiki", "pages").ToTier("web").Obj()
	const toLine = `{name: d, from: {profile: shop, tier: web}, to: {tier: pages}, ` +
		`ports: [{protocol: TCP, port: 80, endPort: 90}, {protocol: TCP, port: "http"}, {protocol: UDP}]}`
	const fromLine = `{name: d, from: {tier: pages}, to: {profile: shop, tier: web}}`
	const ours, theirs = "PendingConsent: dependency d: profile wiki does not declare this path from its side; it opens nothing until its owner adds ",
		"PendingConsent: profile shop declares dependency d with tier pages of this profile, which does not declare it from its side; to open it, add "
	tests := map[string]struct {
		declared v1alpha1.Dependency
		want     sides
	}{
		"to it":   {to, sides{foundShop: []string{ours + toLine}, foundWiki: []string{theirs + toLine}}},
		"from it": {from, sides{foundShop: []string{ours + fromLine}, foundWiki: []string{theirs + fromLine}}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := bothSides(t, shop().Dependency(tc.declared), wiki(), plan.Facts{})
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(sides{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestOthersThatAreNotThere(t *testing.T) {
	t.Parallel()
	profile := func() *builders.ProfileBuilder {
		return shop().Dependency(builders.MakeDependency("d").FromTier("web").ToProfile("wiki", "pages").Obj())
	}
	const line = "it opens nothing until its owner adds {name: d, from: {profile: shop, tier: web}, to: {tier: pages}}"
	tests := map[string]struct {
		others       map[string]*plan.Plan
		rules, found []string
	}{
		"it does not exist, or is in Preview": {
			nil, nil, []string{"PendingConsent: dependency d: profile wiki is not there, or declares nothing as long as it is in Preview; " + line},
		},
		"it cannot be read: what it wrote stays, and so does this": {map[string]*plan.Plan{"wiki": nil}, []string{"out d tier wiki/pages"}, nil},
		"another one cannot be read": {
			map[string]*plan.Plan{"wiki": compiled(t, wiki()), "blog": nil},
			nil,
			[]string{"PendingConsent: dependency d: profile wiki does not declare this path from its side; " + line},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkResolved(t, profile(), "web", &plan.Facts{Others: tc.others}, tc.rules, tc.found)
		})
	}
}

// The ports of a Service are not those that the other profile calls: consent goes by those of its pods.
func TestConsentThroughAServiceOfTheOwnSide(t *testing.T) {
	t.Parallel()
	const pending = "PendingConsent: profile wiki declares dependency d with tier web of this profile, which does not declare it from its side; " +
		"to open it, add {name: d, from: {profile: wiki, tier: pages}, to: {tier: web}, ports: [{protocol: TCP, port: 80}]}"
	ours := func() *builders.ProfileBuilder {
		return shop().Dependency(builders.MakeDependency("d").FromProfile("wiki", "pages").ToService("web", "front").Port(80).Obj())
	}
	theirs := func(port int32) *builders.ProfileBuilder {
		return wiki().Dependency(builders.MakeDependency("d").FromTier("pages").ToProfile("shop", "web").Port(port).Obj())
	}
	front := plan.Called{Profile: "shop", Tier: "web", Service: "front"}
	facts := plan.Facts{Called: map[plan.Called][]plan.Variant{front: {
		in(serviceAt("10.96.0.7", "a", 8080), "x"), in(serviceAt("10.96.0.7", "b", 8080), "y"), in(plan.Service{Problem: plan.NoSelector}, "z"),
	}}}
	unusable := "ServiceUnusable z: dependency d: the Service front has no selector, and stands for no pods; it opens nothing"
	opened := bothSides(t, ours(), theirs(8080), facts)
	want := sides{
		shop: []string{"in d tier wiki/pages TCP/80 of own Service front"}, wiki: []string{"out d tier shop/web TCP/8080"},
		foundShop: []string{unusable},
	}
	if diff := cmp.Diff(want, opened, cmp.AllowUnexported(sides{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("on the target port (-want +got):\n%s", diff)
	}
	got := bothSides(t, ours(), theirs(80), facts)
	const line = "{name: d, from: {tier: pages}, to: {profile: shop, tier: web}, ports: [{protocol: TCP, port: 8080}]}"
	want = sides{foundShop: []string{
		unusable, "PendingConsent: dependency d: profile wiki does not declare this path from its side; it opens nothing until its owner adds " + line, pending,
	}, foundWiki: []string{
		"PendingConsent: dependency d: profile shop does not declare this path from its side; it opens nothing until its owner adds " +
			"{name: d, from: {profile: wiki, tier: pages}, to: {tier: web}, ports: [{protocol: TCP, port: 80}]}",
		"PendingConsent: profile shop declares dependency d with tier pages of this profile, which does not declare it from its side; " +
			"to open it, add " + line,
	}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(sides{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("on the Service's port (-want +got):\n%s", diff)
	}
}
