package tutorial

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSteps(t *testing.T) {
	page := "# Title\n```sh\nls\n```\n\n```\nfile\n```\ntext\n```sh\ncd\n```\ntext\n```\nnot its output\n```\n```yaml\na: b\n```\n"
	want := []Step{{Commands: "ls\n", Shown: "file\n"}, {Commands: "cd\n"}}
	if diff := cmp.Diff(want, Steps(page)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestMatches(t *testing.T) {
	cases := map[string]struct {
		shown, printed string
		want           bool
	}{
		"the same":                   {"a\nb\n", "a\nb\n", true},
		"with other blanks":          {"a   b\n", "  a b  \n", true},
		"another line":               {"a\n", "b\n", false},
		"one line more":              {"a\n", "a\nb\n", false},
		"one line less":              {"a\nb\n", "a\n", false},
		"dots for lines":             {"a\n...\nc\n", "a\nb\nd\nc\n", true},
		"dots for no line":           {"a\n...\n", "a\n", true},
		"dots for a part of a line":  {"a ... c\n", "a b d c\n", true},
		"dots at the end of a line":  {"a...\n", "abc\n", true},
		"dots that do not help":      {"a ... c\n", "a b\n", false},
		"what means something else":  {"a.c (d)\n", "abc (d)\n", false},
		"dots are not for two lines": {"a ... c\n", "a\nc\n", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := Matches(c.shown, c.printed); got != c.want {
				t.Errorf("%q as %q: got %t", c.printed, c.shown, got)
			}
		})
	}
}
