package main

import (
	"fmt"
	"io"
	"strings"
)

// Growth is told from the one number of namespaces to the other.
const growthFrom, growthTo = 1000, 5000

// printGrowth prints how the figures grow with the number of namespaces, where both numbers were measured, and
// whether they grow no more than they may.
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
			fmt.Fprintln(w, text+verdict(small, large))
		}
	}
}

// tolerance is what growth may exceed its limit by.
const tolerance = 1.15

// verdict tells whether a figure of ours grows no more than it may; it is empty where nothing is said.
func verdict(small, large *result) string {
	shape, most := shapeOf(small.measure)
	if shape == "" {
		return ""
	}
	answer := "no"
	if median(large.ours) <= most*tolerance*median(small.ours) {
		answer = "yes"
	}
	return fmt.Sprintf("; %s within %.0f %%: %s", shape, (tolerance-1)*100, answer)
}

// shapeOf says how a measure may grow: with the number of namespaces where all of them are worked on, and not at all
// where as much is to be done whatever their number.
func shapeOf(measure string) (shape string, most float64) {
	const flat, linear = "flat", "linear"
	for _, may := range []struct{ prefix, shape string }{
		{"1 convergence", linear},
		{"2 arrival", flat},
		{"3 change of a port", linear},
		{"4 drift", flat},
		{"5 restart", linear},
		{"7 resident set per managed object", flat},
		{"7 resident set", linear},
	} {
		switch {
		case !strings.HasPrefix(measure, may.prefix):
		case may.shape == linear:
			return linear, float64(growthTo) / growthFrom
		default:
			return flat, 1
		}
	}
	return "", 0
}
