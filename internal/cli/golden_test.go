package cli

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

var update = flag.Bool("update", false, "write the golden files anew")

// ran is what came of a command.
type ran struct {
	code     int
	out, err string
}

// run runs a command as a user types it, in a directory of files to read.
func run(t *testing.T, command string) ran {
	t.Helper()
	// There is no cluster: a command that asks one after all fails at once.
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	streams, _, out, errOut := genericiooptions.NewTestIOStreams()
	code := Run(t.Context(), strings.Fields(command), streams, "test")
	return ran{code, out.String(), errOut.String()}
}

// plannedPods is a plan with a list of pods.
const plannedPods = "plan -f testdata/widened.yaml -f testdata/cluster.yaml -f testdata/pods.yaml --against testdata/shop.yaml"

// TestGolden runs commands whose output a person reads: testdata/golden.
func TestGolden(t *testing.T) {
	cases := map[string]struct {
		command string
		code    int
	}{
		"render":                   {"render -f testdata/shop.yaml -f testdata/cluster.yaml", ExitDone},
		"render-meshed":            {"render -f testdata/meshed.yaml -f testdata/cluster.yaml", ExitDone},
		"plan-meshed":              {"plan -f testdata/meshed.yaml -f testdata/cluster.yaml --against testdata/shop.yaml", ExitFound},
		"render-names":             {"render -f testdata/shop.yaml -f testdata/cluster.yaml -o name", ExitDone},
		"render-without-a-cluster": {"render -f testdata/shop.yaml -o name", ExitDone},
		"render-guarded":           {"render -f testdata/guarded.yaml -f testdata/cluster.yaml -o name", ExitDone},
		"plan-guardrails": {
			"plan -f testdata/guarded.yaml -f testdata/cluster.yaml -f testdata/foreign.yaml --against testdata/shop.yaml", ExitFound,
		},
		"plan":               {"plan -f testdata/changed.yaml -f testdata/cluster.yaml --against testdata/shop.yaml", ExitFound},
		"plan-markdown":      {"plan -f testdata/changed.yaml -f testdata/cluster.yaml --against testdata/shop.yaml -o markdown", ExitFound},
		"plan-json":          {"plan -f testdata/changed.yaml -f testdata/cluster.yaml --against testdata/shop.yaml -o json", ExitFound},
		"plan-nothing":       {"plan -f testdata/shop.yaml -f testdata/cluster.yaml --against testdata/shop.yaml", ExitDone},
		"plan-new":           {"plan -f testdata/shop.yaml -f testdata/cluster.yaml --against testdata/cluster.yaml", ExitFound},
		"plan-pods":          {plannedPods, ExitFound},
		"plan-pods-markdown": {plannedPods + " -o markdown", ExitFound},
		"plan-pods-json":     {plannedPods + " -o json", ExitFound},
		"plan-pods-yaml":     {plannedPods + " -o yaml", ExitFound},
		"can-not-yaml":       {"can tier/web [2001:db8::1]:443/UDP -f testdata/shop.yaml -f testdata/cluster.yaml -o yaml", ExitFound},
		"can":                {"can tier/web tier/api:9090 -f testdata/shop.yaml -f testdata/cluster.yaml", ExitDone},
		"can-not":            {"can ns/shop-web-1 ns/shop-data:5432 -f testdata/shop.yaml -f testdata/cluster.yaml", ExitFound},
		"can-named-port": {
			"can ns/shop-api pod/shop-data/postgres-0:sql --from-labels app=orders -f testdata/shop.yaml -f testdata/cluster.yaml", ExitDone,
		},
		"can-not-guarded": {"can tier/api 169.254.169.254:80 -f testdata/shop.yaml -f testdata/cluster.yaml -f testdata/guards.yaml", ExitFound},
		"can-guarded-json": {
			"can ns/monitoring tier/api:9100 --to-labels app=orders -f testdata/shop.yaml -f testdata/cluster.yaml -f testdata/guards.yaml -o json", ExitDone,
		},
		"plan-guarded":         {"plan -f testdata/changed.yaml -f testdata/cluster.yaml -f testdata/guards.yaml --against testdata/shop.yaml", ExitFound},
		"can-not-from-outside": {"can 198.51.100.7 tier/web:80 -f testdata/shop.yaml -f testdata/cluster.yaml", ExitFound},
		"can-not-json":         {"can tier/web [2001:db8::1]:443/UDP -f testdata/shop.yaml -f testdata/cluster.yaml -o json", ExitFound},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			checkTranscript(t, filepath.Join("testdata", "golden", name+".txt"), c.command, c.code)
		})
	}
}

// checkTranscript runs a command, and compares its exit code, and all that it prints with a golden file.
func checkTranscript(t *testing.T, file, command string, code int) {
	t.Helper()
	got := run(t, command)
	if got.code != code {
		t.Errorf("exit code %d, want %d", got.code, code)
	}
	text := []byte("$ kubectl segmentation " + command + "\n" + got.out)
	if got.err != "" {
		text = append(text, "--- standard error\n"+got.err...)
	}
	checkGolden(t, file, text)
}

// checkGolden compares an output with a golden file.
func checkGolden(t *testing.T, file string, text []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, text) {
		t.Errorf("%s (-want +got):\n%s", file, cmp.Diff(string(want), string(text)))
	}
}

// TestWrongUsage is answered in one sentence that says what to do.
func TestWrongUsage(t *testing.T) {
	files := " -f testdata/shop.yaml -f testdata/cluster.yaml"
	cases := map[string]struct{ command, want string }{
		"no profile":             {"render", "error: no profile: give one by -f"},
		"a file without one":     {"render -f testdata/cluster.yaml", "error: no profile: none of the files given by -f has a SegmentationProfile"},
		"an argument":            {"render shop.yaml", `error: unexpected argument "shop.yaml": files are given by -f; see kubectl segmentation render --help`},
		"no such file":           {"render -f nowhere.yaml", `error: the path "nowhere.yaml" does not exist`},
		"an unknown command":     {"rendr", `error: unknown command "rendr" for "kubectl segmentation"`},
		"an unknown format":      {"plan -f testdata/shop.yaml -o xml", `error: unknown output format "xml": -o takes text, markdown, json or yaml`},
		"nothing to compare":     {"plan", "error: no profile: give the new one by -f"},
		"who calls whom":         {"can ns/shop-api", "error: give who calls and who is called, such as: can ns/shop-web ns/shop-api:9090"},
		"no port":                {"can tier/web tier/api" + files, "error: tier/api has no port: give one, such as tier/api:8080, and an IPv6 address in brackets"},
		"a port out of range":    {"can tier/web tier/api:70000" + files, `error: "70000" is no port: give a number from 1 to 65535, or the name of a port`},
		"a protocol":             {"can tier/web tier/api:80/ICMP" + files, "error: unknown protocol ICMP: it is TCP, UDP or SCTP"},
		"no party":               {"can web tier/api:80" + files, "error: web is no party: give pod/NAMESPACE/NAME, ns/NAME, tier/NAME, peer/NAME or an address"},
		"no such namespace":      {"can ns/shop tier/api:80" + files, "error: there is no namespace shop"},
		"no such tier":           {"can tier/wbe tier/api:80" + files, "error: no namespace is in tier wbe"},
		"no such pod":            {"can pod/shop-api/a tier/api:80" + files, "error: there is no pod a in namespace shop-api; for a pod that does not exist give ns/shop-api and its labels"},
		"no such port":           {"can tier/api pod/shop-data/postgres-0:http" + files, "error: pod shop-data/postgres-0 has no port named http; give a number"},
		"a name of a profile":    {"suggest --name Shop", `error: --name "Shop" is no name of a profile: lower-case letters, digits and '-', at most 63 of them`},
		"a selector":             {"suggest -l a==b==c", "error: -l: "},
		"observed only":          {"suggest --observed-only", "error: --observed-only without --flows leaves nothing to suggest: give observed flows"},
		"no such flows":          {"suggest -f testdata/cluster.yaml --flows nowhere", "error: --flows nowhere: "},
		"flows that are none":    {"suggest -f testdata/cluster.yaml --flows testdata/cluster.yaml", `error: --flows testdata/cluster.yaml: line 1: no JSON object of a flow: "apiVersion: v1"`},
		"one standard input":     {"suggest -f - --flows -", "error: both -f and --flows are -, and there is one standard input: give one of them as a file"},
		"one for plan":           {"plan -f - --against -", "error: both -f and --against are -, and there is one standard input: give one of them as a file"},
		"no such peer":           {"can peer/x tier/api:80" + files, "error: no dependency of a profile names a peer x; give ns/NAME, pod/NAMESPACE/NAME or an address"},
		"a namespace":            {"map -n shop", "error: unknown shorthand flag: 'n' in -n"},
		"a pattern that is none": {"render --protected-namespaces [ -f testdata/shop.yaml", "error: --protected-namespaces: the pattern"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := run(t, c.command)
			if got.code != ExitFailed || !strings.HasPrefix(got.err, c.want) || strings.Count(got.err, "\n") != 1 {
				t.Errorf("exit code %d, %q\nwant one line: %s", got.code, got.err, c.want)
			}
		})
	}
}

// TestAMistypedPort is a hint: nothing in the tier has it.
func TestAMistypedPort(t *testing.T) {
	file := filepath.Join(t.TempDir(), "typo.yaml")
	text := `{apiVersion: segmentation.dev/v1alpha1, kind: SegmentationProfile, metadata: {name: shop}, spec: {tiers: [
		{name: data, namespaces: {names: [shop-data]}}, {name: api, namespaces: {names: [shop-api]}}],
		dependencies: [{name: d, from: {tier: api}, to: {tier: data}, ports: [{port: 15432}, {port: 5431}]}]}}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got := run(t, "render -o name -f testdata/cluster.yaml -f "+file)
	want := "finding PortNotExposed of profile shop: dependency d: no pod and no Service in tier data has port 5431/TCP; " +
		"if it is not mistyped, nothing needs to be done\n"
	if got.code != ExitDone || got.err != want {
		t.Errorf("exit code %d, %q\nwant %q", got.code, got.err, want)
	}
}

// TestAMistakeInAProfile is told of in the API server's words, for every mistake at once.
func TestAMistakeInAProfile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bad.yaml")
	text := `{apiVersion: segmentation.dev/v1alpha1, kind: SegmentationProfile, metadata: {name: shop}, spec: {tiers: [
		{name: web, namespaces: {names: [a]}, internaltraffic: Deny}], dependencies: [{name: d, from: {tier: web}, to: {tier: apo}}]}}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got := run(t, "render -f "+file)
	for _, want := range []string{
		`SegmentationProfile.segmentation.dev "shop" is invalid`, "spec.tiers[0].internaltraffic: Invalid value: unknown field",
		"to.tier of dependency d names apo, which spec.tiers does not have; add the tier or correct the name",
	} {
		if got.code != ExitFailed || !strings.Contains(got.err, want) {
			t.Errorf("exit code %d, %s\nwant %s", got.code, got.err, want)
		}
	}
}

// TestWhatSaysNothingAboutSegmentation is named as far as it has a name.
func TestWhatSaysNothingAboutSegmentation(t *testing.T) {
	file := filepath.Join(t.TempDir(), "other.yaml")
	text := "{apiVersion: kustomize.config.k8s.io/v1beta1, kind: Kustomization}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got := run(t, "render -o name -f testdata/shop.yaml -f testdata/cluster.yaml -f "+file)
	want := file + ": Kustomization says nothing about segmentation, and is left out\n" +
		file + ": ConfigMap a says nothing about segmentation, and is left out\n"
	if got.code != ExitDone || got.err != want {
		t.Errorf("exit code %d, %q\nwant %q", got.code, got.err, want)
	}
}
