package services_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/services"
)

func sql() plan.Named { return plan.Named{Profile: "shop", Tier: "data", Protocol: "TCP", Name: "sql"} }

func TestWhenANameStandsForSomethingElse(t *testing.T) {
	t.Parallel()
	type step struct {
		namespace string
		has       plan.Numbers
		matters   bool
	}
	one, two := plan.Numbers{Given: []int32{1}}, plan.Numbers{Given: []int32{2}}
	tests := map[string]struct {
		steps []step
		want  int32
	}{
		"the first, and one more":                 {[]step{{"a", one, true}, {"b", one, false}}, 1},
		"one that differs":                        {[]step{{"a", one, true}, {"b", two, true}}, 0},
		"one more that differs":                   {[]step{{"a", one, true}, {"b", two, true}, {"c", plan.Numbers{Given: []int32{3}}, false}}, 0},
		"the one that differed is gone":           {[]step{{"a", one, true}, {"b", two, true}, {"b", plan.Numbers{}, true}}, 1},
		"all change, one after the other":         {[]step{{"a", one, true}, {"b", one, false}, {"a", two, true}, {"b", two, true}}, 2},
		"two in one namespace":                    {[]step{{"a", plan.Numbers{Given: []int32{1, 2}}, false}}, 0},
		"a pod without the name has the number":   {[]step{{"a", one, true}, {"b", plan.Numbers{Others: []int32{1}}, true}}, 0},
		"a pod without the name has another one":  {[]step{{"a", one, true}, {"b", plan.Numbers{Others: []int32{7}}, false}}, 1},
		"the last pod is gone":                    {[]step{{"a", one, true}, {"a", plan.Numbers{}, true}}, 0},
		"nothing changes, and a namespace is new": {[]step{{"a", one, true}, {"a", one, false}, {"b", plan.Numbers{}, false}}, 1},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := services.NewNames()
			for i, s := range tc.steps {
				has := map[plan.Named]plan.Numbers{}
				if !s.has.IsEmpty() {
					has[sql()] = s.has
				}
				if got := n.Put(s.namespace, has); got != s.matters {
					t.Errorf("step %d: matters %t, want %t", i+1, got, s.matters)
				}
			}
			if got := n.Numbers()[sql()]; got != tc.want {
				t.Errorf("it stands for %d, want %d", got, tc.want)
			}
		})
	}
}

// Names kept say the same as names made anew from what all namespaces have, and it matters exactly when that changes.
func TestNamesAreKeptAsTheyAre(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n, model := services.NewNames(), map[string]map[plan.Named]plan.Numbers{}
		anew := func() map[plan.Named]int32 {
			all := map[plan.Named]plan.Numbers{}
			for _, has := range model {
				for named, numbers := range has {
					sum := all[named]
					sum.Given = slices.Compact(slices.Sorted(slices.Values(slices.Concat(sum.Given, numbers.Given))))
					sum.Others = slices.Concat(sum.Others, numbers.Others)
					all[named] = sum
				}
			}
			out := map[plan.Named]int32{}
			for named, numbers := range all {
				if number, found := numbers.Number(); found {
					out[named] = number
				}
			}
			return out
		}
		named := rapid.SampledFrom([]plan.Named{sql(), {Profile: "shop", AllTiers: true, Protocol: "TCP", Name: "sql"}})
		numbers := rapid.Custom(func(t *rapid.T) plan.Numbers {
			some := rapid.SliceOfNDistinct(rapid.Int32Range(1, 3), 0, 2, rapid.ID[int32])
			return plan.Numbers{Given: slices.Sorted(slices.Values(some.Draw(t, "given"))), Others: slices.Sorted(slices.Values(some.Draw(t, "others")))}
		})
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			before := anew()
			namespace := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "namespace")
			model[namespace] = rapid.MapOfN(named, numbers, 0, 2).Draw(t, "has")
			matters, after := n.Put(namespace, maps.Clone(model[namespace])), anew()
			if diff := cmp.Diff(after, n.Numbers()); diff != "" {
				t.Fatalf("numbers (-made anew +kept):\n%s", diff)
			}
			if matters == maps.Equal(before, after) {
				t.Fatalf("it matters: %t, before %v, after %v", matters, before, after)
			}
		}
	})
}
