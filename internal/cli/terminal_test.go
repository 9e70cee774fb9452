package cli

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// TestNoColourWithoutATerminal has no escape byte in what is printed to a pipe or a file.
func TestNoColourWithoutATerminal(t *testing.T) {
	file, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = read.Close(); _ = write.Close() }()
	commands := []string{
		plannedPods, "can ns/shop-web-1 ns/shop-data:5432 -f testdata/shop.yaml -f testdata/cluster.yaml",
		"can tier/web tier/api:9090 -f testdata/shop.yaml -f testdata/cluster.yaml", allFiles,
	}
	for _, command := range commands {
		streams := genericiooptions.IOStreams{In: strings.NewReader(""), Out: file, ErrOut: file}
		if code := Run(t.Context(), strings.Fields(command), streams, "test"); code == ExitFailed {
			t.Errorf("%s failed", command)
		}
	}
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	if len(text) == 0 || bytes.ContainsRune(text, '\x1b') {
		t.Errorf("%d bytes, with escapes: %s", len(text), text)
	}
	if newPainter(write).isOn || newPainter(&bytes.Buffer{}).isOn {
		t.Error("a pipe and a buffer are no terminals")
	}
}

func TestLinesAreColouredByTheirSigns(t *testing.T) {
	s := &sections{painter: painter{isOn: true}}
	s.section("Heading", []string{"+ more\n    concerns 1 pod", "- less", "! other", "plain"})
	want := "\x1b[1mHeading: 4\x1b[0m\n  \x1b[32m+ more\x1b[0m\n      concerns 1 pod\n  \x1b[31m- less\x1b[0m\n  \x1b[33m! other\x1b[0m\n  plain\n"
	if diff := cmp.Diff(want, s.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCompletion(t *testing.T) {
	cases := map[string]struct {
		command string
		want    []string
	}{
		"formats of plan":     {"__complete plan -o ", planFormats()},
		"formats of can":      {"__complete can -o ", canFormats()},
		"formats of audit":    {"__complete audit --output=", auditFormats()},
		"formats of map":      {"__complete map -o ", mapFormats()},
		"formats of render":   {"__complete render -o ", []string{"name", "json", "yaml"}},
		"formats that begin":  {"__complete audit -o s", []string{"sarif"}},
		"commands":            {"__complete ", []string{"audit", "can", "completion", "map", "plan", "render"}},
		"scripts for bash":    {"completion bash", []string{"bash completion V2 for kubectl-segmentation"}},
		"scripts for zsh":     {"completion zsh", []string{"#compdef kubectl-segmentation"}},
		"scripts for fish":    {"completion fish", []string{"fish completion for kubectl-segmentation"}},
		"no files for can":    {"__complete can ", []string{":4"}},
		"files where they go": {"__complete plan -f ", []string{":0"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			streams, _, out, errOut := genericiooptions.NewTestIOStreams()
			// What is to be completed may be empty.
			if code := Run(t.Context(), strings.Split(c.command, " "), streams, "test"); code != ExitDone {
				t.Errorf("exit code %d: %s", code, errOut)
			}
			for _, want := range c.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in\n%s", want, out)
				}
			}
		})
	}
}
