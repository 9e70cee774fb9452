package main

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// style is how a text looks on a terminal.
type style string

const (
	plain style = ""
	bold  style = "1"
	dim   style = "2"
	red   style = "31"
	green style = "32"
)

// palette paints texts, if there is colour.
type palette struct {
	colour bool
}

func (p palette) paint(st style, text string) string {
	if !p.colour || st == plain || text == "" {
		return text
	}
	return "\x1b[" + string(st) + "m" + text + "\x1b[0m"
}

// cell is one field of a table. Its text may have several lines.
type cell struct {
	text string
	style
	// right has the text stand at the right, as numbers do.
	right bool
}

// row makes cells without a style.
func row(texts ...string) []cell {
	cells := make([]cell, 0, len(texts))
	for _, text := range texts {
		cells = append(cells, cell{text: text})
	}
	return cells
}

// table aligns rows under a header, if there is one. Colours do not count for a column's
// width.
func (p palette) table(header []cell, rows [][]cell) string {
	if len(header) > 0 {
		titles := make([]cell, 0, len(header))
		for _, c := range header {
			titles = append(titles, cell{text: c.text, style: dim, right: c.right})
		}
		rows = append([][]cell{titles}, rows...)
	}
	rows = singleLines(rows)
	widths := columnWidths(rows)
	var b strings.Builder
	for _, cells := range rows {
		b.WriteString(p.line(cells, widths) + "\n")
	}
	return b.String()
}

// singleLines makes each row as many rows as its cells have lines.
func singleLines(rows [][]cell) [][]cell {
	var out [][]cell
	for _, cells := range rows {
		for rest, more := cells, true; more; {
			line := slices.Clone(rest)
			next := slices.Clone(rest)
			more = false
			for i := range rest {
				var found bool
				line[i].text, next[i].text, found = strings.Cut(rest[i].text, "\n")
				more = more || found
			}
			out, rest = append(out, line), next
		}
	}
	return out
}

func columnWidths(rows [][]cell) []int {
	var widths []int
	for _, cells := range rows {
		for i, c := range cells {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	return widths
}

// line aligns one row. Nothing follows the last text of a row, not even a space.
func (p palette) line(cells []cell, widths []int) string {
	last := len(cells)
	for last > 0 && cells[last-1].text == "" {
		last--
	}
	var b strings.Builder
	for i, c := range cells[:last] {
		space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text))
		if c.right {
			b.WriteString(space)
		}
		b.WriteString(p.paint(c.style, c.text))
		if i == last-1 {
			break
		}
		if !c.right {
			b.WriteString(space)
		}
		b.WriteString("  ")
	}
	return b.String()
}
