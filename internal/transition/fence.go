package transition

import (
	"maps"
	"slices"
)

// Profiles change while namespaces are being written to. What was decided by those of before must not
// be written once others go by those of after: a namespace would get labels that nobody reckons with any
// more. So writes under the old profiles end before the census is taken by the new ones.

// Begin takes note that a write is about to be made under a serial number, and tells whether it may be.
// If so, End has to be called when it has been answered.
func (c *Census) Begin(serial int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.halted || serial != c.serial {
		return false
	}
	c.writing++
	return true
}

// End takes note that a write has been answered.
func (c *Census) End() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writing--
	if c.writing == 0 {
		c.wakeAwaiting()
	}
}

// Await has a namespace woken up once the writes have ended that Halt found under way, and tells whether
// it has to wait for any.
func (c *Census) Await(namespace string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.halted || c.writing == 0 {
		return false
	}
	c.awaiting[namespace] = true
	return true
}

// Halt lets no further write begin until the census is taken anew, or Resume is called. It tells
// whether those that had begun have ended.
func (c *Census) Halt() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.halted = true
	return c.writing == 0
}

// Resume lets writes begin again, if profiles have not changed after all.
func (c *Census) Resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.halted = false
	c.wakeAwaiting()
}

func (c *Census) wakeAwaiting() {
	if len(c.awaiting) > 0 {
		c.wake(slices.Sorted(maps.Keys(c.awaiting)))
		clear(c.awaiting)
	}
}
