package gitops

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/argoproj/argo-cd/v3/util/lua"
	"github.com/argoproj/gitops-engine/pkg/health"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// healthKey is where argocd-cm has the health script of profiles.
const healthKey = "resource.customizations.health.segmentation.dev_SegmentationProfile"

// customization is the directory of the health script, laid out as in Argo CD's repository.
var customization = filepath.Join(root, "config", "argocd", "resource_customizations", "segmentation.dev", "SegmentationProfile")

// healthTests is what Argo CD's own test of its scripts reads from health_test.yaml.
type healthTests struct {
	Tests []struct {
		InputPath    string              `json:"inputPath"`
		HealthStatus health.HealthStatus `json:"healthStatus"`
	} `json:"tests"`
}

func readHealthTests(t *testing.T) healthTests {
	t.Helper()
	var tests healthTests
	if err := yaml.UnmarshalStrict(read(t, filepath.Join(customization, "health_test.yaml")), &tests); err != nil {
		t.Fatal(err)
	}
	return tests
}

// TestHealthScript does what Argo CD's repository does with each script and its testdata. There a script has Lua's
// libraries; one in argocd-cm has none of them.
func TestHealthScript(t *testing.T) {
	script := string(read(t, filepath.Join(customization, "health.lua")))
	for name, vm := range map[string]lua.VM{"built in": {UseOpenLibs: true}, "in argocd-cm": {}} {
		for _, test := range readHealthTests(t).Tests {
			t.Run(name+"/"+test.InputPath, func(t *testing.T) {
				got, err := vm.ExecuteHealthLua(object(t, filepath.Join(customization, test.InputPath)), script)
				if err != nil {
					t.Fatal(err)
				}
				if *got != test.HealthStatus {
					t.Errorf("got  %s: %s\nwant %s: %s", got.Status, got.Message, test.HealthStatus.Status, test.HealthStatus.Message)
				}
			})
		}
	}
}

func TestEveryTestdataIsTested(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(customization, "testdata", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	tests := readHealthTests(t).Tests
	if len(files) < 8 || len(files) != len(tests) {
		t.Errorf("%d files of testdata, %d tests in health_test.yaml", len(files), len(tests))
	}
	for _, test := range tests {
		if !slices.Contains(files, filepath.Join(customization, test.InputPath)) {
			t.Errorf("health_test.yaml names %s, which is not there", test.InputPath)
		}
	}
}

// TestHealthOfWhatNeverWas has states that no API server would return, and that must not be taken for healthy.
func TestHealthOfWhatNeverWas(t *testing.T) {
	script := string(read(t, filepath.Join(customization, "health.lua")))
	metadata := map[string]any{"name": "shop", "generation": int64(2)}
	condition := func(kind, status string) any {
		return map[string]any{"type": kind, "status": status, "reason": "Reason", "message": kind + " is " + status}
	}
	status := func(generation int64, conditions ...any) any {
		return map[string]any{"observedGeneration": generation, "conditions": conditions}
	}
	for name, test := range map[string]struct {
		status any
		want   health.HealthStatusCode
	}{
		"no status":                            {nil, health.HealthStatusProgressing},
		"a status without conditions":          {map[string]any{"observedGeneration": int64(2)}, health.HealthStatusProgressing},
		"an empty list of conditions":          {status(2), health.HealthStatusProgressing},
		"ready, of the generation before":      {status(1, condition("Ready", "True")), health.HealthStatusProgressing},
		"stalled, of the generation before":    {status(1, condition("Stalled", "True")), health.HealthStatusProgressing},
		"ready, of this generation":            {status(2, condition("Ready", "True")), health.HealthStatusHealthy},
		"not ready, and nothing says why":      {status(2, condition("Ready", "False")), health.HealthStatusProgressing},
		"ready is unknown":                     {status(2, condition("Ready", "Unknown")), health.HealthStatusProgressing},
		"stalled in one place, going on else":  {status(2, condition("Reconciling", "True"), condition("Stalled", "True")), health.HealthStatusDegraded},
		"ready and, against kstatus, at work":  {status(2, condition("Ready", "True"), condition("Reconciling", "True")), health.HealthStatusProgressing},
		"ready and no longer stalled":          {status(2, condition("Ready", "True"), condition("Stalled", "False")), health.HealthStatusHealthy},
		"a condition that is not known so far": {status(2, condition("Other", "True")), health.HealthStatusProgressing},
	} {
		t.Run(name, func(t *testing.T) {
			obj := map[string]any{"metadata": metadata}
			if test.status != nil {
				obj["status"] = test.status
			}
			got, err := lua.VM{}.ExecuteHealthLua(&unstructured.Unstructured{Object: obj}, script)
			if err != nil {
				t.Fatal(err)
			}
			if got.Status != test.want || got.Message == "" {
				t.Errorf("got %s: %q, want %s and a message", got.Status, got.Message, test.want)
			}
		})
	}
}

// TestComponentInstallsTheScript builds the component over the argocd-cm that Argo CD is installed with.
func TestComponentInstallsTheScript(t *testing.T) {
	script := string(read(t, filepath.Join(customization, "health.lua")))
	released := map[string]any{}
	if err := yaml.Unmarshal(releasedConfig(t), &released); err != nil {
		t.Fatal(err)
	}
	before, _, err := unstructured.NestedStringMap(released, "data")
	if err != nil || len(before) == 0 {
		t.Fatalf("argocd-cm as released has no data: %v", err)
	}
	for _, namespace := range []string{"", "argocd"} {
		t.Run("in namespace '"+namespace+"'", func(t *testing.T) {
			after, _, err := unstructured.NestedStringMap(configWithHealth(t, namespace).Object, "data")
			if err != nil {
				t.Fatal(err)
			}
			if after[healthKey] != script {
				t.Errorf("argocd-cm has another script than health.lua:\n%s", after[healthKey])
			}
			for key, value := range before {
				if after[key] != value {
					t.Errorf("the component changes %s", key)
				}
			}
			if len(after) != len(before)+1 {
				t.Errorf("argocd-cm had %d keys and has %d; one is to be added", len(before), len(after))
			}
		})
	}
}

func object(t *testing.T, file string) *unstructured.Unstructured {
	t.Helper()
	obj := &unstructured.Unstructured{}
	if err := yaml.UnmarshalStrict(read(t, file), &obj.Object); err != nil {
		t.Fatal(err)
	}
	return obj
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
