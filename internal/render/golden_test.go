package render_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

var update = flag.Bool("update", false, "write testdata/*.golden.yaml anew")

// The golden file is for a person to read: what a profile becomes, in full. To see what a
// change does to it: go test ./internal/render -update, and git diff.
func TestGoldenShop(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile(filepath.Join("testdata", "shop.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	profile := &v1alpha1.SegmentationProfile{}
	if err := yaml.UnmarshalStrict(source, profile); err != nil {
		t.Fatal(err)
	}
	p, errs := plan.Compile(profile)
	if len(errs) > 0 {
		t.Fatal(errs.ToAggregate())
	}

	var got strings.Builder
	got.WriteString("# What shop.yaml becomes in a namespace of each tier. Written by: go test ./internal/render -update\n")
	for i := range p.Tiers {
		for _, object := range list(render.Tier(p, &p.Tiers[i]).In("shop-" + p.Tiers[i].Name)) {
			document, err := yaml.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			got.WriteString("---\n" + string(document))
		}
	}

	golden := filepath.Join("testdata", "shop.golden.yaml")
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("testdata/shop.golden.yaml is not what is rendered; if it should be, run with -update (-want +got):\n%s", diff)
	}
}

// list puts objects of all kinds into one list.
func list(objects render.Objects) []any {
	out := make([]any, 0, len(objects.Policies)+len(objects.Roles)+len(objects.Bindings))
	for _, p := range objects.Policies {
		out = append(out, p)
	}
	for _, r := range objects.Roles {
		out = append(out, r)
	}
	for _, b := range objects.Bindings {
		out = append(out, b)
	}
	return out
}
