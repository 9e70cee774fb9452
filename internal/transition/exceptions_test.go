package transition

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

func TestExceptions(t *testing.T) {
	many := func(n int, place Place) map[string]Place {
		out := map[string]Place{}
		for i := range n {
			out[fmt.Sprintf("n%03d", i)] = place
		}
		return out
	}
	mistaken := func(place Place, of ...string) Place {
		for _, tier := range of {
			place.Mistaken = append(place.Mistaken, in(tier))
		}
		return place
	}
	kept := at("shop/web", "shop/web")
	kept.Kept = true
	cases := map[string]struct {
		places map[string]Place
		want   *render.Exceptions
	}{
		"members that a tier selects and is not to have, of whatever profile": {
			places: map[string]Place{
				"b": mistaken(at("blog/web", "blog/web"), "shop/web", "shop/api"),
				"a": mistaken(at("shop/web", "shop/web"), "shop/api", "blog/web"),
				"c": mistaken(at("", ""), "shop/web"),
			},
			want: &render.Exceptions{Mistaken: map[string][]string{"web": {"b"}, "api": {"a", "b"}}},
		},
		"members that stay in a tier that does not select them": {
			places: map[string]Place{"a": kept, "b": at("shop/web", "shop/web")},
			want:   &render.Exceptions{Kept: map[string][]string{"web": {"a"}}},
		},
		"those that leave, of whatever profile": {
			places: map[string]Place{"b": at("blog/web", ""), "a": at("shop/web", ""), "c": at("shop/web", "blog/web")},
			want:   &render.Exceptions{Leaving: []string{"a", "b"}},
		},
		"as many as fit into a policy": {
			places: many(maxListed, kept),
			want:   &render.Exceptions{Kept: map[string][]string{"web": slices.Sorted(maps.Keys(many(maxListed, kept)))}},
		},
		"too many to fit into a policy are left out": {
			places: many(maxListed+1, mistaken(at("blog/web", ""), "shop/web")),
			want:   &render.Exceptions{Mistaken: map[string][]string{"web": nil}},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := open(t, c.places)
			got := o.Exceptions("shop")
			if !got.Equal(c.want) {
				t.Errorf("exceptions (-want +got):\n%s", cmp.Diff(c.want, got))
			}
			for namespace := range c.places {
				o.Forget(namespace)
			}
			if got := o.Exceptions("shop"); !got.Equal(&render.Exceptions{}) {
				t.Errorf("with all namespaces gone: %+v", got)
			}
		})
	}
}
