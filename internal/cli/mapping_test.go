package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/segmentation-dev/segmentation-operator/internal/cli"
)

// mapped runs the command map.
func mapped(t *testing.T, args ...string) (code int, out, told string) {
	t.Helper()
	streams, _, stdout, stderr := genericiooptions.NewTestIOStreams()
	code = cli.Run(t.Context(), append([]string{"map"}, args...), streams, "test")
	return code, stdout.String(), stderr.String()
}

func TestMapIsUsedWrongly(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.yaml")
	if err := os.WriteFile(empty, []byte("apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"an unknown format": {[]string{"-f", empty, "-o", "pdf"}, `error: unknown output format "pdf": -o takes mermaid, dot, svg, png or html`},
		"an argument":       {[]string{"shop.yaml"}, `error: unexpected argument "shop.yaml": files are given by -f; see kubectl segmentation map --help`},
		"no profile":        {[]string{"-f", empty}, "error: no profile: none of the files given by -f has a SegmentationProfile"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if code, out, told := mapped(t, c.args...); code != cli.ExitFailed || out != "" || told != c.want+"\n" {
				t.Errorf("exit code %d, output %q, said %q; want 1, nothing and %q", code, out, told, c.want)
			}
		})
	}
}

func TestMapDrawsFiles(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{
		"": "flowchart LR\n", "mermaid": "flowchart LR\n", "dot": "digraph ", "svg": "<svg ", "png": "\x89PNG", "html": "<!DOCTYPE html>",
	} {
		args := []string{"-f", "../picture/testdata/town.yaml"}
		if format != "" {
			args = append(args, "-o", format)
		}
		code, out, told := mapped(t, args...)
		if code != cli.ExitDone || !strings.HasPrefix(out, want) {
			t.Errorf("-o %s: exit code %d, output %.20q; want 0 and %q; said %s", format, code, out, want, told)
		}
		if !strings.Contains(told, "finding PendingConsent of profile market: dependency stalls-mint: ") {
			t.Errorf("-o %s does not tell of the findings: %s", format, told)
		}
		if _, again, _ := mapped(t, args...); !bytes.Equal([]byte(again), []byte(out)) {
			t.Errorf("-o %s draws the same otherwise", format)
		}
	}
}
