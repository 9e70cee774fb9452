package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/segmentation-dev/segmentation-operator/internal/engine"
)

const (
	engineFiles = " -f testdata/engine/shop.yaml -f testdata/engine/cluster.yaml"
	weaveFiles  = engineFiles + " -f testdata/engine/weave.yaml"
)

func TestAuditOfWhatAnEngineMakesOfProfiles(t *testing.T) {
	cases := map[string]struct {
		command string
		code    int
	}{
		"found":    {"audit" + weaveFiles, ExitFound},
		"sarif":    {"audit" + weaveFiles + " -o sarif", ExitFound},
		"given":    {"audit" + engineFiles + " --network-engine=ovn-kubernetes -o yaml", ExitFound},
		"overrule": {"audit" + weaveFiles + " --network-engine=calico", ExitDone},
		"none":     {"audit" + engineFiles + " --network-engine=none", ExitFound},
		// The addresses of the API server are looked up, and are those of a node.
		"api-server": {
			"audit -f testdata/engine/api.yaml -f testdata/engine/cluster.yaml --network-engine=cilium", ExitFound,
		},
		// Pods and nodes are known, and nothing that enforces policies is among them.
		"unknown": {"audit" + engineFiles, ExitFound},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			checkAudit(t, filepath.Join("testdata", "engine", "golden", name+".txt"), c.command, c.code)
		})
	}
}

// TestEngineIsFoundForRenderAndPlan among the pods in files, and nothing is said where it does as declared, or is not known.
func TestEngineIsFoundForRenderAndPlan(t *testing.T) {
	const want = "finding EngineNarrower of profile shop: dependency batch-web becomes narrower by the ports 8000-8999/TCP: weave-net knows no " +
		"port ranges, and opens only the first port; list the ports one by one\n"
	for command, says := range map[string]string{
		"render -o name" + weaveFiles:                                            want,
		"plan --against testdata/engine/cluster.yaml" + weaveFiles:               want,
		"render -o name" + engineFiles + " --network-engine=weave-net":           want,
		"render -o name" + weaveFiles + " --network-engine=antrea":               "",
		"render -o name" + engineFiles:                                           "",
		"render -o name -f testdata/engine/shop.yaml --network-engine=none":      "finding EngineWider of profile shop: nothing is isolated",
		"render -o name -f testdata/engine/shop.yaml --network-engine=weave-net": want,
	} {
		t.Run(command, func(t *testing.T) {
			got := run(t, command).err
			if !strings.Contains(got, says) || says == "" && strings.Contains(got, "finding Engine") {
				t.Errorf("said %q, want %q", got, says)
			}
		})
	}
}

// TestFormsThatAnEngineTakesAreWritten in place of those that it does not take.
func TestFormsThatAnEngineTakesAreWritten(t *testing.T) {
	const numbered, named = "- port: 9090\n", "- port: metrics\n"
	const listed, ranged = "- port: 9000\n      protocol: TCP\n    - port: 9001\n      protocol: TCP\n    - port: 9002\n", "- endPort: 9002\n"
	for command, want := range map[string][]string{
		"render" + weaveFiles: {numbered, listed},
		"render" + engineFiles + " --network-engine=cilium@1.15":    {named, listed},
		"render" + engineFiles + " --network-engine=cilium":         {named, ranged},
		"render" + engineFiles + " --network-engine=ovn-kubernetes": {numbered, ranged},
		"render" + engineFiles + " --network-engine=aws-vpc-cni":    {numbered, ranged, "- port: sql\n"},
		"render" + engineFiles: {named, ranged, "- port: sql\n"},
	} {
		t.Run(command, func(t *testing.T) {
			got := run(t, command)
			for _, form := range want {
				if !strings.Contains(got.out, form) {
					t.Errorf("%q is not written:\n%s", form, got.out)
				}
			}
			if strings.Contains(command, weaveFiles) && strings.Contains(got.out, "sql") {
				t.Errorf("a name is written that has no one number:\n%s", got.out)
			}
		})
	}
}

// TestEngineIsNothingToAProfileInPreview: nothing of it is written, and so there is nothing to enforce.
func TestEngineIsNothingToAProfileInPreview(t *testing.T) {
	profile, err := os.ReadFile(filepath.Join("testdata", "engine", "shop.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "preview.yaml")
	if err := os.WriteFile(file, bytes.Replace(profile, []byte("spec:\n"), []byte("spec:\n  mode: Preview\n"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	const engines = " -f testdata/engine/cluster.yaml -f testdata/engine/weave.yaml -f "
	code, out, _ := audited(t, "audit"+engines+file)
	if code != ExitFound || !strings.Contains(out, "profile shop selects it and is in Preview") || strings.Contains(out, "becomes narrower") {
		t.Errorf("exit code %d: %s", code, out)
	}
}

func TestEngineThatThereIsNot(t *testing.T) {
	for _, command := range []string{"audit", "render -f testdata/shop.yaml", "plan -f testdata/shop.yaml"} {
		got := run(t, command+" --network-engine=iptables")
		if got.code != ExitFailed || !strings.Contains(got.err, `unknown engine "iptables": --network-engine takes auto, or one of [calico`) {
			t.Errorf("%s: exit code %d, %s", command, got.code, got.err)
		}
	}
	if engine.IsName(engine.Unknown) || engine.IsName(engine.Auto) {
		t.Error("they are the names of no engine")
	}
}
