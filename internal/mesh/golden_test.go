package mesh_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

var update = flag.Bool("update", false, "write testdata/*.golden.yaml anew")

// The golden file is for a person to read: what a profile becomes, in full, and what is found. To see what a change does to
// it: go test ./internal/mesh -update, and git diff.
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
	p := mustCompile(t, profile)
	members := map[string][]string{"web": {"shop-web-eu", "shop-web-us"}, "api": {"shop-api"}, "data": {"shop-postgres"}}
	facts := mesh.Facts{
		Members: func(of plan.TierOf) []string { return members[of.Tier] },
		Chosen:  map[string][]string{"gateways": {"mesh-gateways", "mesh-gateways-eu"}},
	}
	var got strings.Builder
	got.WriteString("# What shop.yaml becomes in a namespace of each tier. Written by: go test ./internal/mesh -update\n#\n# What is found:\n")
	for _, f := range mesh.Findings(p, nil) {
		got.WriteString("# - " + f.Reason + ": " + f.Message + "\n")
	}
	for i := range p.Tiers {
		objects := mesh.Render(p, &p.Tiers[i], members[p.Tiers[i].Name][0], &facts).Objects
		for _, policy := range objects.Policies {
			got.WriteString("---\n" + asYAML(t, policy))
		}
		for _, authentication := range objects.Authentications {
			got.WriteString("---\n" + asYAML(t, authentication))
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
		t.Errorf("%s is not what is rendered; if it should be, run with -update (-want +got):\n%s", golden, diff)
	}
}

func asYAML(t *testing.T, object any) string {
	t.Helper()
	document, err := yaml.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(document)
}
