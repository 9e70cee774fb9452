package transition

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// mentions returns where in a value, through pointers, structs, maps and slices, a text has a prefix.
func mentions(v reflect.Value, path, prefix string) []string {
	var found []string
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			found = mentions(v.Elem(), path, prefix)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			found = append(found, mentions(v.Field(i), path+"."+v.Type().Field(i).Name, prefix)...)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			found = append(found, mentions(key, path+"[key]", prefix)...)
			found = append(found, mentions(v.MapIndex(key), path+"[]", prefix)...)
		}
	case reflect.Slice:
		for i := range v.Len() {
			found = append(found, mentions(v.Index(i), path+"[]", prefix)...)
		}
	case reflect.String:
		if strings.HasPrefix(v.String(), prefix) {
			found = append(found, path)
		}
	default:
	}
	return found
}

// TestForgetsWhoIsGone draws what happens to namespaces, lets all of them go, and looks for their names in
// everything that the census consists of.
func TestForgetsWhoIsGone(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := NewCensus()
		tiers := []string{"", "shop/web", "shop/api", "wiki/web"}
		draw := func(rt *rapid.T) Place {
			p := at(rapid.SampledFrom(tiers).Draw(rt, "has"), rapid.SampledFrom(tiers).Draw(rt, "due"))
			p.Vouched, p.Isolated = rapid.Bool().Draw(rt, "vouched"), rapid.Bool().Draw(rt, "isolated") && p.Has == Membership{}
			p.Kept = rapid.Bool().Draw(rt, "kept") && p.Due != Membership{}
			if rapid.Bool().Draw(rt, "mistaken") {
				p.Mistaken = []Membership{in("shop/web")}
			}
			return p
		}
		c.Called(map[Membership][]Membership{in("shop/web"): {in("shop/api")}, in("shop/api"): {in("shop/web")}})
		names, serial := []string{"gone-1", "gone-2", "gone-3", "gone-4"}, int64(1)
		places := map[string]Place{}
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			name := rapid.SampledFrom(names).Draw(rt, "name")
			switch rapid.IntRange(0, 5).Draw(rt, "step") {
			case 0:
				serial++
				c.Take(serial, map[string]Place{name: draw(rt)})
			case 1:
				c.NoteCalled(in("shop/api"), []Membership{in("shop/web")})
			case 2:
				c.Labelled(name, in(rapid.SampledFrom(tiers).Draw(rt, "labels")), rapid.Bool().Draw(rt, "sure"))
			case 3:
				if c.Begin(serial) && !c.Halt() {
					c.Await(name)
				}
			default:
				places[name] = draw(rt)
				if view, current := c.Enter(serial, name, places[name]); current {
					progress := Progress{Reached: Reach(rapid.IntRange(0, 4).Draw(rt, "reached")), Waiting: rapid.Bool().Draw(rt, "waiting")}
					c.Report(serial, name, view, progress, time.Unix(0, 0))
				}
				c.Callers(in("shop/web"))
			}
		}
		for _, name := range names {
			c.Forget(name)
		}
		c.Callers(in("shop/web")) // A list that is out of date is made anew when it is asked for.
		c.Callers(in("shop/api"))
		if found := mentions(reflect.ValueOf(c), "census", "gone-"); len(found) > 0 {
			rt.Fatal(fmt.Sprint("namespaces that are gone are remembered in ", found))
		}
	})
}
