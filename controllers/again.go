package controllers

import (
	"context"
	"maps"
	"slices"
	"time"
)

// lookAgain looks at what the cluster says, if that may have changed. It tells whether the same is due to all
// namespaces; what is found may be something else all the same.
func (p *Profiles) lookAgain(ctx context.Context) (isSame bool, err error) {
	if !p.touched || p.isResting() {
		return true, nil
	}
	began := time.Now()
	defer func() { p.paceSince(began) }()
	next := *p.snapshot
	if next.engine, err = p.findEngine(ctx); err != nil || next.engine.Forms() != p.snapshot.engine.Forms() {
		return false, err
	}
	facts, err := p.gatherFacts(ctx, &next, p.called)
	if err != nil {
		return false, err
	}
	next.byName = make(map[string]*compiled, len(next.byName))
	var told []string
	for name, c := range p.snapshot.byName {
		now := c.resolved(facts).judged(next.engine, facts)
		if !maps.Equal(now.digests, c.digests) {
			return false, nil
		}
		next.byName[name] = now
		if next.engine != p.snapshot.engine || !now.findsTheSame(c) {
			told = append(told, name)
		}
	}
	for _, c := range next.byName {
		p.compiled[c.identity.uid] = c
	}
	next.tellEngine(ctx, p.snapshot)
	p.facts, p.touched, p.snapshot = facts, false, &next
	slices.Sort(told)
	p.found(told)
	return true, nil
}
