package api

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	segv1alpha1 "github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// testCase is a profile and what the API server says to it. In YAML, the keys that are not
// the case's own are the profile's.
type testCase struct {
	// Name says what is special about the profile.
	Name string `json:"name"`
	// RawOnly says why the Go types cannot express the profile, if they cannot.
	RawOnly string `json:"rawOnly"`

	// Field is the path that the API server names when it refuses the profile.
	Field string `json:"field"`
	// Says is a part of what the API server says about that field.
	Says string `json:"says"`
	// Also are the paths of further complaints, for a mistake that causes several.
	Also []string `json:"also"`

	// Stored is the spec that the API server stores, if that is worth spelling out.
	Stored map[string]any `json:"stored"`

	object map[string]any
}

// UnmarshalJSON reads the case's own keys and leaves the others to the profile.
func (c *testCase) UnmarshalJSON(data []byte) error {
	type plain testCase
	if err := json.Unmarshal(data, (*plain)(c)); err != nil {
		return err
	}
	if err := json.Unmarshal(data, &c.object); err != nil {
		return err
	}
	for _, own := range []string{"name", "rawOnly", "field", "says", "also", "stored"} {
		delete(c.object, own)
	}
	return nil
}

// loadCases reads the cases of every file in a directory of testdata, by theme.
func loadCases(t *testing.T, directory string) map[string][]testCase {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", directory, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("testdata/%s has no cases: %v", directory, err)
	}
	cases := map[string][]testCase{}
	for _, file := range files {
		theme := strings.TrimSuffix(filepath.Base(file), ".yaml")
		cases[theme] = loadFile(t, file)
	}
	return cases
}

func loadFile(t *testing.T, file string) []testCase {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// Duplicate keys are mistakes in a case, so they are not overlooked.
	converted, err := yaml.YAMLToJSONStrict(content)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	var cases []testCase
	if err := json.Unmarshal(converted, &cases); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return cases
}

// raw is the profile as YAML holds it, under its own name or else the given one.
func (c *testCase) raw(name string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(c.object)}
	u.SetGroupVersionKind(segv1alpha1.GroupVersion.WithKind("SegmentationProfile"))
	if u.GetName() == "" {
		u.SetName(name)
	}
	return u
}

// typed is the profile in the Go types. It fails when it is said that they cannot express it
// and they can, or the other way round.
func (c *testCase) typed(t *testing.T, name string) (profile *segv1alpha1.SegmentationProfile, ok bool) {
	t.Helper()
	raw := c.raw(name)
	profile = &segv1alpha1.SegmentationProfile{}
	loss := convert(raw, profile)
	if loss == nil && c.RawOnly != "" {
		t.Fatalf("rawOnly says %q, but the Go types can express this: leave rawOnly out", c.RawOnly)
	}
	if loss != nil && c.RawOnly == "" {
		t.Fatalf("the Go types cannot express this: say why in rawOnly: %v", loss)
	}
	return profile, loss == nil
}

// convert fills the Go types, and returns an error if that loses something.
func convert(raw *unstructured.Unstructured, profile *segv1alpha1.SegmentationProfile) error {
	if err := fromRaw(raw, profile); err != nil {
		return err
	}
	back, err := runtime.DefaultUnstructuredConverter.ToUnstructured(profile)
	if err != nil {
		return err
	}
	if diff := cmp.Diff(raw.Object["spec"], back["spec"]); diff != "" {
		return fmt.Errorf("the spec changes on the way (-raw +typed):\n%s", diff)
	}
	return nil
}

// fromRaw fills the Go types, whatever that loses. Unknown fields are errors.
func fromRaw(raw *unstructured.Unstructured, profile *segv1alpha1.SegmentationProfile) error {
	return runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(raw.Object, profile, true)
}
