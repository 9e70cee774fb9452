package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// byAddressText is what becomes of pods by their addresses alone.
const byAddressText = "between pods by their addresses, which ranges in policies have"

// noteOf says which pods a line concerns, bounded: on a line below it, if there are any.
func noteOf(a *reach.Among, line *reach.Concerned) string {
	var from, to, alone []int
	for i := range line.Pods {
		p := &line.Pods[i]
		if len(p.From) == 0 || len(p.To) == 0 {
			alone = append(append(alone, p.From...), p.To...)
			continue
		}
		from, to = append(from, p.From...), append(to, p.To...)
	}
	var parts []string
	if len(alone) > 0 {
		count, names := somePods(a, alone)
		parts = append(parts, fmt.Sprintf("%s: %s", podCount(count), names))
	}
	if len(from) > 0 {
		callers, callerNames := somePods(a, from)
		called, calledNames := somePods(a, to)
		parts = append(parts, fmt.Sprintf("%s to %s: %s to %s", podCount(callers), podCount(called), callerNames, calledNames))
	}
	if len(parts) == 0 {
		return ", no pod of today"
	}
	return "\n    concerns " + strings.Join(parts, "; and ")
}

func podCount(n int) string {
	if n == 1 {
		return "1 pod"
	}
	return fmt.Sprintf("%d pods", n)
}

// maxNamed is how many pods are named on each side of a line.
const maxNamed = 3

// somePods are the names of the first pods of some groups, and how many they are.
func somePods(a *reach.Among, groups []int) (count int, names string) {
	groups = slices.Compact(slices.Sorted(slices.Values(groups)))
	var first []string
	for _, g := range groups {
		count += len(a.Groups[g])
		// Pods are sorted in their groups.
		for _, p := range a.Groups[g][:min(maxNamed, len(a.Groups[g]))] {
			first = append(first, podName(p))
		}
	}
	slices.Sort(first)
	if count <= maxNamed {
		return count, strings.Join(first, ", ")
	}
	return count, fmt.Sprintf("%s, … (and %d more)", strings.Join(first[:maxNamed], ", "), count-maxNamed)
}

func podName(p *reach.Pod) string { return p.Namespace + "/" + p.Name }

// podSummary says how many pairs of pods gain and lose connectivity.
func podSummary(a *reach.Among) string {
	count := 0
	for _, g := range a.Groups {
		count += len(g)
	}
	text := fmt.Sprintf("Of the pods of today (%d), %s connectivity, and %s.", count, pairCount(a.Opened, "gains", "gain"),
		pairCount(a.Closed, "loses some", "lose some"))
	if len(a.Unknown) > 0 {
		text += fmt.Sprintf(" Left out: %s of namespaces that are not given, such as %s.", podCount(len(a.Unknown)), podName(a.Unknown[0]))
	}
	return text
}

func pairCount(n int, one, many string) string {
	switch n {
	case 0:
		return "no pair " + one
	case 1:
		return "1 pair " + one
	default:
		return fmt.Sprintf("%d pairs %s", n, many)
	}
}

// podsJSON is which pods a change concerns, for machines: exact and complete.
type podsJSON struct {
	// Judged is how many pods there are, and Unknown are those of namespaces that are not given.
	Judged  int      `json:"judged"`
	Unknown []string `json:"unknown,omitempty"`
	// PairsGaining and PairsLosing are how many pairs of them gain and lose connectivity.
	PairsGaining int `json:"pairsGaining"`
	PairsLosing  int `json:"pairsLosing"`
	// Groups are pods that policies do not tell apart, by the numbers that lines refer to.
	Groups [][]string `json:"groups"`
	Lines  []lineJSON `json:"lines"`
}

// lineJSON is a line of what is opened or closed, with the pods that it concerns.
type lineJSON struct {
	Opened bool        `json:"opened"`
	Text   string      `json:"text"`
	Pairs  int         `json:"pairs"`
	Pods   []pairsJSON `json:"pods"`
}

// pairsJSON are all pairs of a pod of the groups that call and another of those that are called; addresses of the line are
// the other party where there is no group.
type pairsJSON struct {
	From []int `json:"from,omitempty"`
	To   []int `json:"to,omitempty"`
	// Namespaces is "same" or "different" where it is only pairs of pods in one namespace, or in two.
	Namespaces reach.Relation `json:"namespaces,omitempty"`
	Ports      []string       `json:"ports"`
}

func podsOf(a *reach.Among) *podsJSON {
	if a == nil {
		return nil
	}
	out := &podsJSON{PairsGaining: a.Opened, PairsLosing: a.Closed, Groups: [][]string{}, Lines: []lineJSON{}}
	for _, p := range a.Unknown {
		out.Unknown = append(out.Unknown, podName(p))
	}
	for _, g := range a.Groups {
		out.Judged += len(g)
	}
	// Groups that nothing refers to are left out.
	numbers := map[int]int{}
	number := func(groups []int) []int {
		renumbered := make([]int, 0, len(groups))
		for _, g := range groups {
			if _, known := numbers[g]; !known {
				numbers[g] = len(out.Groups)
				names := make([]string, 0, len(a.Groups[g]))
				for _, p := range a.Groups[g] {
					names = append(names, podName(p))
				}
				out.Groups = append(out.Groups, names)
			}
			renumbered = append(renumbered, numbers[g])
		}
		return renumbered
	}
	for i := range a.Lines {
		line := lineJSON{Opened: a.Lines[i].Opened, Text: textOf(&a.Lines[i]), Pairs: a.Lines[i].Pairs, Pods: []pairsJSON{}}
		for _, p := range a.Lines[i].Pods {
			line.Pods = append(line.Pods, pairsJSON{number(p.From), number(p.To), p.Relation, p.Ports})
		}
		out.Lines = append(out.Lines, line)
	}
	return out
}

// textOf is a line without the word that says whether it opens or closes.
func textOf(line *reach.Concerned) string {
	if line.Text == "" {
		return byAddressText
	}
	return line.Text[len("opened: "):]
}
