package guardrail_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/guardrail"
)

var update = flag.Bool("update", false, "write testdata/*.golden.yaml anew")

// TestGoldenShop is for a person to read: what the guardrails of a profile are, in full. To see what a change does to them:
// go test ./internal/guardrail -update, and git diff.
func TestGoldenShop(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile(filepath.Join("..", "render", "testdata", "shop.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	profile := &v1alpha1.SegmentationProfile{}
	if err := yaml.UnmarshalStrict(source, profile); err != nil {
		t.Fatal(err)
	}
	profile.Spec.Guardrails = &v1alpha1.Guardrails{Baseline: v1alpha1.BaselineDeny}
	c := newCluster(t)
	next := c.settle(guardrail.UsualBand(), guardOf(compiled(t, profile)))
	var got strings.Builder
	for _, name := range sortedNames(c) {
		object := c.objects[name].DeepCopy()
		object.UID = ""
		text, err := yaml.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		got.WriteString("---\n" + strings.Replace(string(text), "status:\n  conditions: null\n", "", 1))
	}
	for _, f := range next.Profiles["shop"].Findings {
		got.WriteString("# " + f.Reason + ": " + f.Message + "\n")
	}
	golden := filepath.Join("testdata", "shop.golden.yaml")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
