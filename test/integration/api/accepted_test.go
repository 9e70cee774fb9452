package api

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	segv1alpha1 "github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

func TestGoodProfilesAreAcceptedAndDefaultedAsDocumented(t *testing.T) {
	for theme, cases := range loadCases(t, "accepted") {
		t.Run(theme, func(t *testing.T) {
			for i, c := range cases {
				t.Run(c.Name, func(t *testing.T) {
					t.Parallel()
					c.accepted(t, fmt.Sprintf("%s-%d", theme, i))
				})
			}
		})
	}
}

// accepted creates the profile in both forms and compares what is stored.
func (c *testCase) accepted(t *testing.T, name string) {
	t.Helper()
	t.Run("raw", func(t *testing.T) {
		profile := c.raw(name)
		create(t, profile)
		c.checkStored(t, profile.GetName())
	})
	profile, ok := c.typed(t, name)
	if !ok {
		return
	}
	t.Run("typed", func(t *testing.T) {
		create(t, profile)
		c.checkStored(t, profile.GetName())
	})
}

func (c *testCase) checkStored(t *testing.T, name string) {
	t.Helper()
	stored := c.raw(name)
	if err := server.Get(t.Context(), client.ObjectKey{Name: name}, stored); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c.Stored, stored.Object["spec"]); c.Stored != nil && diff != "" {
		t.Errorf("the stored spec (-want +got):\n%s", diff)
	}
	// The builders promise the same defaults to tests that have no API server.
	want := builders.MakeProfile(name).Spec(specOf(t, c.raw(name))).Defaulted().Obj().Spec
	if diff := cmp.Diff(want, specOf(t, stored)); diff != "" {
		t.Errorf("builders and API server differ in their defaults (-builders +API server):\n%s", diff)
	}
}

// specOf reads a spec into the Go types, whatever that loses.
func specOf(t *testing.T, raw *unstructured.Unstructured) segv1alpha1.SegmentationProfileSpec {
	t.Helper()
	profile := &segv1alpha1.SegmentationProfile{}
	if err := fromRaw(raw, profile); err != nil {
		t.Fatal(err)
	}
	return profile.Spec
}
