package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTranscriptsInTheDocs runs the commands that docs/cli.md shows, on the files of testdata. A line of three dots stands
// for the rest.
func TestTranscriptsInTheDocs(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "cli.md"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("testdata")
	const prompt = "$ kubectl segmentation "
	count := 0
	for i, block := range strings.Split(string(text), "```") {
		if i%2 == 0 || !strings.Contains(block, "\n"+prompt) {
			continue
		}
		for _, shown := range strings.Split(block, "\n"+prompt)[1:] {
			command, want, _ := strings.Cut(shown, "\n")
			count++
			got := run(t, command).out
			if kept, _, isCut := strings.Cut(want, "\n..."); isCut {
				want, got = kept, strings.Join(strings.SplitAfterN(got, "\n", strings.Count(kept, "\n")+2)[:strings.Count(kept, "\n")+1], "")
			}
			if diff := cmp.Diff(strings.TrimSpace(want), strings.TrimSpace(got)); diff != "" {
				t.Errorf("%s (-docs +printed):\n%s", command, diff)
			}
		}
	}
	if count < 6 {
		t.Errorf("only %d transcripts", count)
	}
}
