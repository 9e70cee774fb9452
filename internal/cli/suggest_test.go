package cli

import (
	"os"
	"path/filepath"
	"testing"
)

// TestGoldenSuggestions runs suggest as a person does: testdata/suggest/golden.
func TestGoldenSuggestions(t *testing.T) {
	const from = "suggest -f testdata/suggest/cluster.yaml"
	cases := map[string]struct {
		command string
		code    int
	}{
		"without-flows": {from, ExitDone},
		"flows":         {from + " --name shop -l team=shop --flows testdata/suggest/flows.jsonl", ExitFound},
		"hubble":        {from + " --name shop -l team=shop --flows testdata/suggest/hubble.jsonl --observed-only", ExitDone},
		"json":          {from + " --name shop -l team=shop --flows testdata/suggest/flows.jsonl -o json", ExitFound},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			checkTranscript(t, filepath.Join("testdata", "suggest", "golden", name+".txt"), c.command, c.code)
		})
	}
}

// TestASuggestionIsAProfile that render takes as it is printed, and that plan compares.
func TestASuggestionIsAProfile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "suggested.yaml")
	got := run(t, "suggest -f testdata/suggest/cluster.yaml --flows testdata/suggest/hubble.jsonl")
	if got.code != ExitDone {
		t.Fatal(got.err)
	}
	if err := os.WriteFile(file, []byte(got.out), 0o600); err != nil {
		t.Fatal(err)
	}
	if rendered := run(t, "render -o name -f testdata/suggest/cluster.yaml -f "+file); rendered.code != ExitDone || rendered.out == "" {
		t.Errorf("exit code %d, %q, %q", rendered.code, rendered.out, rendered.err)
	}
}
