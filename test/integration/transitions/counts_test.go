package transitions

import (
	"fmt"
	"maps"
	"slices"
	"sync"
)

// counts are what the tests of this package add up to.
type counts struct {
	mu   sync.Mutex
	each map[string]int
}

// add adds to a count.
func (c *counts) add(name string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.each == nil {
		c.each = map[string]int{}
	}
	c.each[name] += n
}

// print prints a line for each count.
func (c *counts) print() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(c.each)) {
		fmt.Printf("prove: %s = %d\n", name, c.each[name])
	}
}
