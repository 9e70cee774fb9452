package suggest_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/observed"
	"github.com/segmentation-dev/segmentation-operator/internal/offline"
	"github.com/segmentation-dev/segmentation-operator/internal/suggest"
)

// many are namespaces with labels, each given as a format with the number of the namespace.
func many(n int, of map[string]string) []corev1.Namespace {
	out := make([]corev1.Namespace, 0, n)
	for i := range n {
		set := map[string]string{}
		for key, format := range of {
			set[key] = strings.ReplaceAll(format, "%", strconv.Itoa(i))
		}
		out = append(out, namespace(fmt.Sprintf("n%03d", i), set))
	}
	return out
}

func TestTiers(t *testing.T) {
	layers := func(namespaces []corev1.Namespace) []corev1.Namespace {
		for i := range namespaces {
			namespaces[i].Labels["layer"] = []string{"web", "api"}[i%2]
		}
		return namespaces
	}
	cases := map[string]struct {
		namespaces []corev1.Namespace
		options    suggest.Options
		want       []string
	}{
		"by what tells them apart, and not by what programs set": {
			namespaces: layers(many(4, map[string]string{"pod-security.kubernetes.io/enforce": "v%", "argocd.argoproj.io/instance": "a%"})),
			want:       []string{"tier api {selector:{matchLabels:{layer:api}}}", "tier web {selector:{matchLabels:{layer:web}}}"},
		},
		"not by what tells each from all others": {
			namespaces: many(3, map[string]string{"cost-center": "c%"}),
			want:       []string{"tier n000 {names:[n000]}", "tier n001 {names:[n001]}", "tier n002 {names:[n002]}"},
		},
		"by labels that are asked for": {
			namespaces: layers(many(2, map[string]string{"cost-center": "c%"})),
			options:    suggest.Options{GroupBy: []string{"cost-center"}},
			want:       []string{"tier c0 {selector:{matchLabels:{cost-center:c0}}}", "tier c1 {selector:{matchLabels:{cost-center:c1}}}"},
		},
		"those that lack the label by name": {
			namespaces: append(layers(many(2, map[string]string{})), namespace("z", nil)),
			want: []string{
				"tier api {selector:{matchLabels:{layer:api}}}", "tier web {selector:{matchLabels:{layer:web}}}", "tier z {names:[z]}",
			},
		},
		"coarser if there would be too many": {
			namespaces: layers(many(200, map[string]string{"team": "t%"})),
			want:       []string{"tier api {selector:{matchLabels:{layer:api}}}", "tier web {selector:{matchLabels:{layer:web}}}"},
		},
		"all others together if a tier for each would be too many": {
			namespaces: many(65, nil),
			want: []string{func() string {
				names := make([]string, 0, 65)
				for i := range 65 {
					names = append(names, fmt.Sprintf("n%03d", i))
				}
				return "tier others {names:[" + strings.Join(names, ",") + "]}"
			}()},
		},
		"without protected ones, those that are to be peers, and those on their way out": {
			namespaces: []corev1.Namespace{namespace("a", nil), namespace("b", nil), namespace("kube-system", nil), func() corev1.Namespace {
				out := namespace("c", nil)
				out.DeletionTimestamp = new(metav1.Now())
				return out
			}()},
			options: suggest.Options{Peers: []string{"b"}},
			want:    []string{"tier a {names:[a]}"},
		},
		"by name, where labels would choose others, too": {
			namespaces: append(layers(many(4, map[string]string{})), namespace("taken", map[string]string{"layer": "web"})),
			options:    suggest.Options{Peers: []string{"taken"}},
			want:       []string{"tier api {selector:{matchLabels:{layer:api}}}", "tier web {names:[n000,n002]}"},
		},
		"within what is selected": {
			namespaces: append(layers(many(2, map[string]string{"team": "shop"})), namespace("z", map[string]string{"layer": "web", "team": "bank"})),
			options:    suggest.Options{Select: selecting(t, "team in (shop, shop2),!legacy")},
			want: []string{
				"tier api {selector:{matchLabels:{layer:api},matchExpressions:[{key:legacy,operator:DoesNotExist},{key:team,operator:In,values:[shop,shop2]}]}}",
				"tier web {selector:{matchLabels:{layer:web},matchExpressions:[{key:legacy,operator:DoesNotExist},{key:team,operator:In,values:[shop,shop2]}]}}",
			},
		},
		"names that are no DNS labels, or the same, are made so": {
			namespaces: []corev1.Namespace{
				namespace("a", map[string]string{"tier": "Web_1"}), namespace("b", map[string]string{"tier": "web.1"}),
				namespace("c", map[string]string{"tier": ""}), namespace("d", map[string]string{"tier": strings.Repeat("x", 63)}),
			},
			options: suggest.Options{GroupBy: []string{"tier"}},
			want: []string{
				"tier none {selector:{matchLabels:{tier:}}}", "tier web-1 {selector:{matchLabels:{tier:Web_1}}}",
				"tier web-1-2 {selector:{matchLabels:{tier:web.1}}}",
				"tier " + strings.Repeat("x", 63) + " {selector:{matchLabels:{tier:" + strings.Repeat("x", 63) + "}}}",
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			c.options.Name = "shop"
			got, err := suggest.From(&offline.World{Namespaces: c.namespaces, Protected: claim.Protected{"kube-*"}}, c.options)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, lines(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestNamespacesOfAnotherProfileStayThere is told of where flows cross: the other profile has to declare them, too.
func TestNamespacesOfAnotherProfileStayThere(t *testing.T) {
	w := shop()
	w.Profiles = []v1alpha1.SegmentationProfile{{
		ObjectMeta: metav1.ObjectMeta{Name: "older"},
		Spec: v1alpha1.SegmentationProfileSpec{Tiers: []v1alpha1.Tier{
			{Name: "db", Namespaces: v1alpha1.NamespaceSet{Names: []v1alpha1.NamespaceName{"shop-data"}}},
		}},
	}}
	got, err := suggest.From(w, suggest.Options{
		Name: "shop", Select: selecting(t, "team=shop"),
		Flows: []observed.Flow{calls(at("shop-api", "orders"), at("shop-data", "postgres"), 5432)},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"tier api {selector:{matchLabels:{layer:api,team:shop}}}", "tier web {selector:{matchLabels:{layer:web,team:shop}}}",
		"api-db: {tier:api} to {tier:db,profile:older} [{protocol:TCP,port:5432}]",
	}
	if diff := cmp.Diff(want, lines(got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	why := "tier db is of profile older, which has to declare the path from its side, too"
	if len(got.Unmet) != 1 || got.Unmet[0].Why != why {
		t.Errorf("got %v\nwant %s", got.Unmet, why)
	}
}

// TestWhatCannotBeAllowed says why.
func TestWhatCannotBeAllowed(t *testing.T) {
	front := at("shop-web", "front")
	cases := map[string]struct {
		flow observed.Flow
		want string
	}{
		"a namespace that is gone":   {calls(front, at("gone", "x"), 80), "there is no namespace gone any more"},
		"a pod that is gone":         {calls(front, ip("10.1.0.99"), 80), "10.1.0.99 is in a range of pods, and no pod has it: give the pods of that time by -f"},
		"a Service that is gone":     {calls(front, ip("10.96.0.99"), 80), "10.96.0.99 is in a range of Services, and none has it: give the Services of that time by -f"},
		"a port of a Service":        {calls(front, ip("10.96.0.10"), 81), "Service shop-api/orders has no port 81/TCP any more"},
		"a named port of nobody":     {calls(front, ip("10.96.0.11"), 80), "port web of Service shop-api/other has a name, and no pod is known that says its number: give pods by -f"},
		"a Service without selector": {calls(front, ip("10.96.0.12"), 80), "Service shop-api/bare selects no pods itself, and what is behind it is not known"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := shop()
			w.Nodes = []corev1.Node{{Spec: corev1.NodeSpec{PodCIDR: "10.1.0.0/24"}}}
			w.ServiceCIDRs = append(w.ServiceCIDRs, serviceCIDR("10.96.0.0/16"))
			w.Services = append(w.Services,
				service("shop-api", "other", "10.96.0.11", map[string]string{"app": "other"}, named("web")),
				service("shop-api", "bare", "10.96.0.12", nil, named("web")))
			got, err := suggest.From(w, suggest.Options{Name: "shop", Select: selecting(t, "team=shop"), Flows: []observed.Flow{c.flow}})
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Unmet) != 1 || got.Unmet[0].Why != c.want {
				t.Errorf("got %v\nwant %s", got.Unmet, c.want)
			}
		})
	}
}

// TestTooMuchForAProfile says what to choose instead.
func TestTooMuchForAProfile(t *testing.T) {
	cases := map[string]struct {
		world   *offline.World
		options suggest.Options
		want    string
	}{
		"nothing is left":        {&offline.World{Namespaces: many(1, nil)}, suggest.Options{Peers: []string{"n000"}}, "no namespace is left to make tiers of"},
		"namespaces without any": {&offline.World{Namespaces: many(129, nil)}, suggest.Options{}, "129 namespaces cannot be grouped by labels"},
		"labels that are asked for": {
			&offline.World{Namespaces: many(65, map[string]string{"x": "v%"})},
			suggest.Options{GroupBy: []string{"x"}},
			"grouped by x there would be 65 tiers, and a profile has 64 at most: choose namespaces by -l, or other labels by --group-by",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			c.options.Name = "shop"
			if _, err := suggest.From(c.world, c.options); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

// TestServicesThatNobodyCalls are asked about.
func TestServicesThatNobodyCalls(t *testing.T) {
	w := shop()
	options := suggest.Options{Name: "shop", Select: selecting(t, "team=shop")}
	got, err := suggest.From(w, options)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"shop-api/orders in tier api (80/TCP)"}, got.Asks); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	options.Flows = []observed.Flow{calls(at("shop-web", "front"), at("shop-api", "orders"), 8080)}
	if got, err = suggest.From(w, options); err != nil || len(got.Asks) > 0 {
		t.Errorf("got %v, %v, want nothing, as it is called", got.Asks, err)
	}
}
