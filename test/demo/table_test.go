package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTable(t *testing.T) {
	cases := map[string]struct {
		colour bool
		header []cell
		rows   [][]cell
		want   []string
	}{
		"columns are as wide as their widest text": {
			header: row("NAME", "TIER"),
			rows:   [][]cell{row("shop-web", "web"), row("x", "monitoring")},
			want: []string{
				"NAME      TIER",
				"shop-web  web",
				"x         monitoring",
			},
		},
		"numbers stand at the right": {
			header: []cell{{text: "NAME"}, {text: "ROLES", right: true}},
			rows:   [][]cell{{{text: "shop-web"}, {text: "7", right: true}}},
			want: []string{
				"NAME      ROLES",
				"shop-web      7",
			},
		},
		"no space at the end, whatever is missing there": {
			rows: [][]cell{row("a", "b", "c"), row("long", "", "")},
			want: []string{
				"a     b  c",
				"long",
			},
		},
		"letters count, not bytes": {
			rows: [][]cell{row("größer", "b"), row("kleiner", "b")},
			want: []string{
				"größer   b",
				"kleiner  b",
			},
		},
		"a cell of several lines": {
			rows: [][]cell{row("api", "5432,\n9200", "x"), row("web", "-", "y")},
			want: []string{
				"api  5432,  x",
				"     9200",
				"web  -      y",
			},
		},
		"colour takes no room": {
			colour: true,
			header: row("WHO", "ANSWER"),
			rows:   [][]cell{{{text: "a"}, {text: "yes", style: green}}},
			want: []string{
				"\x1b[2mWHO\x1b[0m  \x1b[2mANSWER\x1b[0m",
				"a    \x1b[32myes\x1b[0m",
			},
		},
		"nothing": {},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := palette{colour: tc.colour}.table(tc.header, tc.rows)
			want := ""
			if len(tc.want) > 0 {
				want = strings.Join(tc.want, "\n") + "\n"
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("table (-want +got):\n%s", diff)
			}
		})
	}
}
