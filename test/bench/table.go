package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// printTable prints the rows as a table that is Markdown, too.
func printTable(w io.Writer, rows []result) {
	if len(rows) == 0 {
		return
	}
	table := [][]string{{"measure", "namespaces", "operator", "plain client", "ratio", "target", "met", "remarks"}}
	for i := range rows {
		table = append(table, rows[i].cells())
	}
	widths := make([]int, len(table[0]))
	for _, cells := range table {
		for i, cell := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	dashes := make([]string, len(widths))
	for i, width := range widths {
		dashes[i] = strings.Repeat("-", width)
	}
	for _, cells := range slices.Insert(table, 1, dashes) {
		for i, cell := range cells {
			fmt.Fprintf(w, "| %s%s ", cell, strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)))
		}
		fmt.Fprintln(w, "|")
	}
}

func (r *result) cells() []string {
	ratio, target, met := "", "", ""
	value, compared := r.ratio()
	if compared {
		ratio = fmt.Sprintf("%.2f", value)
	}
	if r.target.set {
		target, met = "≤ "+r.unit.format(r.target.most), "no"
		if compared {
			target = fmt.Sprintf("≤ %.2f", r.target.most)
		}
		if r.isMet() {
			met = "yes"
		}
	}
	return []string{r.measure, strconv.Itoa(r.n), r.unit.spread(r.ours), r.unit.spread(r.plain), ratio, target, met, r.note}
}

// spread prints the median, and the least and the greatest if there are several.
func (u unit) spread(values []float64) string {
	if len(values) == 0 {
		return ""
	}
	text := strings.TrimSpace(u.format(median(values)))
	least, greatest := slices.Min(values), slices.Max(values)
	if least == greatest {
		return text
	}
	return fmt.Sprintf("%s (%s to %s)", text, strings.TrimSpace(u.format(least)), strings.TrimSpace(u.format(greatest)))
}
