package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func audited(t *testing.T, command string) (code int, out, errOut string) {
	t.Helper()
	got := run(t, command)
	return got.code, got.out, got.err
}

const (
	declaredFiles = "audit -f testdata/audit/shop.yaml -f testdata/audit/cluster.yaml"
	allFiles      = declaredFiles + " -f testdata/audit/found.yaml"
)

// checkAudit runs an audit that has nothing to say on standard error, and compares its exit code, and what it prints with a
// golden file.
func checkAudit(t *testing.T, file, command string, code int) {
	t.Helper()
	got, out, errOut := audited(t, command)
	if got != code || errOut != "" {
		t.Errorf("exit code %d, want %d; standard error: %s", got, code, errOut)
	}
	checkGolden(t, file, []byte(out))
}

func TestAuditGolden(t *testing.T) {
	cases := map[string]struct {
		command string
		code    int
	}{
		"nothing":  {declaredFiles, ExitDone},
		"text":     {allFiles, ExitFound},
		"guarded":  {declaredFiles + " -f testdata/guards.yaml", ExitFound},
		"markdown": {allFiles + " -o markdown", ExitFound},
		"json":     {allFiles + " -o json", ExitFound},
		"yaml":     {allFiles + " -o yaml", ExitFound},
		// What is printed as SARIF is validated in test/sarif.
		"sarif":         {allFiles + " -o sarif", ExitFound},
		"sarif-nothing": {declaredFiles + " -o sarif", ExitDone},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			checkAudit(t, filepath.Join("testdata", "audit", "golden", name+".txt"), c.command, c.code)
		})
	}
}

// TestAuditSaysWhatItIsNotGiven says so on standard error and in each format.
func TestAuditSaysWhatItIsNotGiven(t *testing.T) {
	for _, format := range auditFormats() {
		t.Run(format, func(t *testing.T) {
			code, out, errOut := audited(t, declaredFiles+" -f testdata/audit/unread.yaml -o "+format)
			const what = "ClusterRoles: what RoleBindings grant by ClusterRoles, and drift of those of the operator's, are not judged"
			if code != ExitDone || errOut != "not given, and left out: "+what+"\n" || !strings.Contains(out, what[:40]) {
				t.Errorf("exit code %d, %q, %s", code, errOut, out)
			}
			if format == "sarif" {
				checkGolden(t, filepath.Join("testdata", "audit", "golden", "sarif-unread.txt"), []byte(out))
			}
		})
	}
}

// TestAuditOfWhatIsRendered finds nothing that is not as declared, but that namespaces are not labelled yet.
func TestAuditOfWhatIsRendered(t *testing.T) {
	_, rendered, _ := audited(t, "render"+strings.TrimPrefix(declaredFiles, "audit"))
	var objects []string
	for object := range strings.SplitSeq(rendered, "---\n") {
		if !strings.Contains(object, "kind: Namespace\n") || strings.Contains(object, "kind: NetworkPolicy\n") {
			objects = append(objects, object)
		}
	}
	file := filepath.Join(t.TempDir(), "written.yaml")
	if err := os.WriteFile(file, []byte(strings.Join(objects, "---\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, _ := audited(t, declaredFiles+" -f "+file)
	want := `NetworkPolicies are taken to be enforced by: unknown (no pods are known).

Objects that are not as declared: 2
  shop-api: Namespace shop-api is not labelled as a member of tier api: no tier reaches it, and it reaches none
  shop-web: Namespace shop-web is not labelled as a member of tier web: no tier reaches it, and it reaches none
`
	if diff := cmp.Diff(want, out); code != ExitFound || diff != "" {
		t.Errorf("exit code %d (-want +got):\n%s", code, diff)
	}
}

// TestAuditSARIF checks what the standard asks for beyond the names of fields.
func TestAuditSARIF(t *testing.T) {
	for _, files := range []string{declaredFiles, allFiles} {
		_, out, _ := audited(t, files+" -o sarif")
		var log sarifLog
		if err := json.Unmarshal([]byte(out), &log); err != nil {
			t.Fatal(err)
		}
		run := log.Runs[0]
		if log.Version != "2.1.0" || len(log.Runs) != 1 || run.Results == nil || run.Tool.Driver.Name == "" {
			t.Errorf("log: %+v", log)
		}
		for _, r := range run.Results {
			if run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID || r.Message.Text == "" ||
				!slices.Contains([]string{"note", "warning", "error"}, r.Level) {
				t.Errorf("result: %+v", r)
			}
		}
	}
}

func TestAuditIsUsedWrongly(t *testing.T) {
	cases := map[string]struct{ command, want string }{
		"an argument":       {"audit shop", "error: unexpected argument"},
		"an unknown format": {"audit -o xml", `error: unknown output format "xml": -o takes text, markdown, json, yaml or sarif`},
		"no such file":      {"audit -f nowhere.yaml", `error: the path "nowhere.yaml" does not exist`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			code, _, errOut := audited(t, c.command)
			if code != ExitFailed || !strings.HasPrefix(errOut, c.want) || strings.Count(errOut, "\n") != 1 {
				t.Errorf("exit code %d, %q", code, errOut)
			}
		})
	}
}
