package services

import (
	"maps"
	"slices"

	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// Names remembers what names of ports stand for in which namespaces. Thousands of namespaces of a tier give a name the
// same number: one more that does changes nothing. It is not safe for use by several goroutines.
type Names struct {
	in map[string]map[plan.Named]plan.Numbers
	// given counts the namespaces that give a name a number, and others those that have it for something else.
	given, others map[plan.Named]map[int32]int
}

// NewNames returns one that knows nothing yet.
func NewNames() *Names {
	return &Names{
		in:    map[string]map[plan.Named]plan.Numbers{},
		given: map[plan.Named]map[int32]int{}, others: map[plan.Named]map[int32]int{},
	}
}

// Put takes note of what names stand for in a namespace. It tells whether a name has come to stand for something else.
func (n *Names) Put(namespace string, now map[plan.Named]plan.Numbers) (matters bool) {
	before := n.in[namespace]
	if maps.EqualFunc(before, now, sameNumbers) {
		return false
	}
	was := map[plan.Named]int32{}
	for _, of := range []map[plan.Named]plan.Numbers{before, now} {
		for named := range of {
			was[named] = n.number(named)
		}
	}
	n.count(before, -1)
	n.count(now, 1)
	if len(now) == 0 {
		delete(n.in, namespace)
	} else {
		n.in[namespace] = now
	}
	for named, number := range was {
		matters = matters || n.number(named) != number
	}
	return matters
}

func sameNumbers(a, b plan.Numbers) bool {
	return slices.Equal(a.Given, b.Given) && slices.Equal(a.Others, b.Others)
}

func (n *Names) count(of map[plan.Named]plan.Numbers, by int) {
	for named, numbers := range of {
		add(n.given, named, numbers.Given, by)
		add(n.others, named, numbers.Others, by)
	}
}

func add(counts map[plan.Named]map[int32]int, named plan.Named, numbers []int32, by int) {
	of := counts[named]
	if of == nil {
		of = map[int32]int{}
		counts[named] = of
	}
	for _, number := range numbers {
		if of[number] += by; of[number] == 0 {
			delete(of, number)
		}
	}
	if len(of) == 0 {
		delete(counts, named)
	}
}

// number is the one number that stands for a name; zero if there is none.
func (n *Names) number(named plan.Named) int32 {
	if len(n.given[named]) != 1 {
		return 0
	}
	for number := range n.given[named] {
		if n.others[named][number] == 0 {
			return number
		}
	}
	return 0
}

// Numbers are the numbers that stand for names.
func (n *Names) Numbers() map[plan.Named]int32 {
	out := map[plan.Named]int32{}
	for named := range n.given {
		if number := n.number(named); number != 0 {
			out[named] = number
		}
	}
	return out
}
