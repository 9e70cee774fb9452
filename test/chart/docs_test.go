package chart

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// row is a line of the table of values: | `path` | `default` | meaning |.
var row = regexp.MustCompile("^\\| `([A-Za-z.]+)` \\| `([^`]*)` \\| .+ \\|$")

// TestTheTableOfValuesIsComplete compares docs/helm.md with values.yaml. What is too long for a table is "...".
func TestTheTableOfValuesIsComplete(t *testing.T) {
	want := defaults(t)
	for path, value := range want {
		if value != `""` {
			want[path] = strings.Trim(value, `"`)
		}
		if strings.ContainsAny(value, "{[") && len(value) > len("[]") {
			want[path] = "..."
		}
	}
	got := map[string]string{}
	for line := range strings.Lines(string(must(os.ReadFile(repository(t, "docs", "helm.md")))(t))) {
		if found := row.FindStringSubmatch(strings.TrimSpace(line)); found != nil {
			got[found[1]] = found[2]
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values.yaml and the table in docs/helm.md differ (-values +docs):\n%s", diff)
	}
}
