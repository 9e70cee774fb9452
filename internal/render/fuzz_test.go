package render_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan/plantest"
)

// What compiles becomes objects that the API server takes, whatever the CRD's rules let
// through: profiles are drawn, and then a few of their fields replaced.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{"", "a", strings.Repeat("\x00\x01\x02\x03", 256), strings.Repeat("shop", 512), strings.Repeat("\xff", 4096)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(rapid.MakeFuzz(checkWhatCompiles))
}

func TestWhatCompilesIsAccepted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, checkWhatCompiles)
}

func checkWhatCompiles(t *rapid.T) {
	profile := plantest.Profile().Draw(t, "profile")
	plantest.Corrupt(t, profile)
	objects, errs := rendered(profile)
	if len(errs) > 0 {
		_ = errs.ToAggregate().Error()
		return
	}
	for tier, of := range objects {
		checkAccepted(t, tier, of)
	}
}

// The same for profiles as text, in whatever form they come.
func FuzzCompileYAML(f *testing.F) {
	for _, pattern := range []string{"../../config/samples/*.yaml", "testdata/shop.yaml", "testdata/market.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("no seeds in %s: %v", pattern, err)
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			for document := range strings.SplitSeq(string(source), "\n---\n") {
				f.Add([]byte(document))
			}
		}
	}
	f.Add([]byte("spec: {tiers: [{name: a, namespaces: {names: [a, A, '']}}], dependencies: [{name: d, from: {tier: a}, to: {}}]}"))
	f.Fuzz(func(t *testing.T, document []byte) {
		profile := &v1alpha1.SegmentationProfile{}
		if err := yaml.Unmarshal(document, profile); err != nil {
			t.Skip("no profile")
		}
		objects, errs := rendered(profile)
		if len(errs) > 0 {
			_ = errs.ToAggregate().Error()
			return
		}
		for tier, of := range objects {
			placed := of.In("some-namespace")
			if errs := refusals(placed); len(errs) > 0 {
				t.Errorf("tier %s: the API server would refuse: %v", tier, errs.ToAggregate())
			}
			if missing := undefaulted(placed); len(missing) > 0 {
				t.Errorf("tier %s: the API server would fill in: %v", tier, missing)
			}
		}
	})
}
