package main

import (
	"fmt"
	"io"
)

// Growth is told from the one number of namespaces to the other.
const growthFrom, growthTo = 1000, 5000

// printGrowth prints how the figures grow with the number of namespaces, where both numbers were measured. What
// is linear is five times as much.
func printGrowth(w io.Writer, rows []result) {
	for i := range rows {
		small := &rows[i]
		if small.n != growthFrom || small.unit == count {
			continue
		}
		for j := range rows {
			large := &rows[j]
			if large.measure != small.measure || large.n != growthTo || median(small.ours) == 0 {
				continue
			}
			text := fmt.Sprintf("growth from %d to %d namespaces: %s: %.2f times", growthFrom, growthTo, small.measure,
				median(large.ours)/median(small.ours))
			if median(small.plain) > 0 && len(large.plain) > 0 {
				text += fmt.Sprintf(", plain client %.2f times", median(large.plain)/median(small.plain))
			}
			fmt.Fprintln(w, text)
		}
	}
}
