package transition

import "testing"

func TestWritesEndBeforeTheCensusIsTakenAnew(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	for range 2 {
		if !o.Begin(1) {
			t.Fatal("a write may not begin, and nothing is the matter")
		}
	}
	if o.Begin(0) || o.Begin(2) {
		t.Error("a write of another time may begin")
	}
	o.End()
	if o.Halt() {
		t.Error("a write is under way, and is not waited for")
	}
	if o.Begin(1) {
		t.Error("a write begins while others are waited for")
	}
	o.End()
	if !o.Halt() {
		t.Error("no write is under way, and one is waited for")
	}
	o.Take(2, nil)
	if o.Begin(1) || !o.Begin(2) {
		t.Error("after it was taken, writes of before may begin, or those of after may not")
	}
	o.End()
}

func TestNothingHasChangedAfterAll(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	var woken []string
	o.WakeWith(func(namespaces []string) { woken = append(woken, namespaces...) })
	o.Begin(1)
	o.Halt()
	o.Await("one")
	o.Resume()
	if !o.Begin(1) {
		t.Error("a write may not begin")
	}
	if len(woken) != 1 {
		t.Errorf("woken are %v, want the one that waited", woken)
	}
}

// TestWritesByTheNewProfilesAreNotWaitedFor: there may always be some under way.
func TestWritesByTheNewProfilesAreNotWaitedFor(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	o.Halt()
	o.Take(2, nil)
	o.Begin(2)
	if o.Await("one") {
		t.Error("one that was overtaken waits for writes of after")
	}
}
