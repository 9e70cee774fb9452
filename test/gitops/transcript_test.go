package gitops

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/google/go-cmp/cmp"
)

// page is the page that shows what a sync looks like.
var page = filepath.Join(root, "docs", "argocd.md")

// transcript prints a sync, the health of all resources, and the tree below a profile, and compares that with the page.
func transcript(t *testing.T, app *application, o operation, c comparison) {
	t.Helper()
	var text bytes.Buffer
	fmt.Fprintf(&text, "Application %s: %s, %s; the sync %s: %s\n\n", app.spec.Name, c.status(), c.health,
		strings.ToLower(string(o.phase)), o.message)
	table := tabwriter.NewWriter(&text, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "WAVE\tKIND\tNAMESPACE\tNAME\tSTATUS\tHEALTH")
	for _, r := range c.resources {
		state, healthy := "OutOfSync", ""
		if r.synced {
			state = "Synced"
		}
		if r.health != nil {
			healthy = string(r.health.Status)
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\n", r.wave, r.key.Kind, r.key.Namespace, r.key.Name, state, healthy)
	}
	check(t, table.Flush())
	compareWithPage(t, "sync", text.String())
	compareWithPage(t, "tree", app.tree(t, c, "shop")+app.tree(t, c, "warehouse"))
}

// compareWithPage compares a text with the block of the page that is marked for it, or writes it there.
func compareWithPage(t *testing.T, mark, text string) {
	t.Helper()
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	text = strings.Join(lines, "\n") + "\n"
	t.Log("\n" + text)
	content := string(read(t, page))
	head := "<!-- " + mark + ": printed by test/gitops -->\n\n```\n"
	before, rest, found := strings.Cut(content, head)
	block, after, closed := strings.Cut(rest, "```\n")
	if !found || !closed {
		t.Fatalf("docs/argocd.md has no block %q", mark)
	}
	if *update {
		check(t, os.WriteFile(page, []byte(before+head+text+"```\n"+after), 0o600))
		return
	}
	if diff := cmp.Diff(block, text); diff != "" {
		t.Errorf("docs/argocd.md shows another %s than there is; write it anew by -update (-page +now):\n%s", mark, diff)
	}
}
