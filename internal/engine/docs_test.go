package engine_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/segmentation-dev/segmentation-operator/internal/engine"
)

var update = flag.Bool("update", false, "write the tables of docs/engines.md anew")

// TestTheDocsSayTheSame holds docs/engines.md equal to the table.
func TestTheDocsSayTheSame(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "docs", "engines.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- from internal/engine -->\n", "<!-- until here -->\n"
	before, rest, found := strings.Cut(string(text), begin)
	got, after, foundEnd := strings.Cut(rest, end)
	if !found || !foundEnd {
		t.Fatalf("no tables between %q and %q", begin, end)
	}
	want := "\n" + tables() + "\n"
	if *update {
		if err := os.WriteFile(path, []byte(before+begin+want+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("go test ./internal/engine -update writes it (-code +docs):\n%s", diff)
	}
}

// tables are the table, and for each engine what its cells come from.
func tables() string {
	var b strings.Builder
	b.WriteString("| engine |")
	for _, f := range engine.Features() {
		fmt.Fprintf(&b, " %s |", f)
	}
	b.WriteString("\n|" + strings.Repeat(" --- |", len(engine.Features())+1) + "\n")
	for _, name := range engine.Names() {
		fmt.Fprintf(&b, "| `%s` |", name)
		for _, f := range engine.Features() {
			cell := engine.Of(name, f)
			fmt.Fprintf(&b, " %s |", reading(&cell))
		}
		b.WriteString("\n")
	}
	for _, name := range engine.Names() {
		fmt.Fprintf(&b, "\n### %s\n\n| feature | what it does | read in |\n| --- | --- | --- |\n", name)
		for _, f := range engine.Features() {
			cell := engine.Of(name, f)
			says := slices.DeleteFunc([]string{reading(&cell), cell.What, cell.BeforeWhat}, func(s string) bool { return s == "" })
			fmt.Fprintf(&b, "| %s | %s | %s |\n", f, strings.Join(says, "; "), strings.Join(cell.Sources, "; "))
		}
	}
	return b.String()
}

func reading(cell *engine.Cell) string {
	if cell.Since == "" {
		return string(cell.Reading)
	}
	return string(cell.Reading) + " since " + cell.Since
}
