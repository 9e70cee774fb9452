package transition

import "time"

// Membership is the tier of the profile that a namespace is in, or is due to be in; the zero
// value is none.
type Membership struct {
	// Profile is the name of the profile.
	Profile string
	// Tier is the name of the tier.
	Tier string
}

// Place is where a namespace is, and where it is due.
type Place struct {
	// Has is what the namespace's labels say.
	Has Membership
	// Due is what they are due to say.
	Due Membership
	// Mistaken are the tiers that select the namespace and that it is not due to be in.
	Mistaken []Membership
	// Kept is set if it stays in a tier that does not select it.
	Kept bool
	// Isolated is set if it has no labels and policies of the operator's all the same: it was about to get
	// some. What these policies allow need not be what is due by now.
	Isolated bool
	// Held is set if the namespace stays as it is: what it is due is what its labels say, whoever wrote them.
	Held bool
	// Vouched is set if the namespace's own policies bear out what its labels say.
	Vouched bool
	// Basis tells one generation of the profile that the namespace is due to from another.
	Basis any

	progress Progress
	// lookedAt is set once the namespace was looked at, and may have been written to.
	lookedAt bool
	// wrote is set if the operator has changed the labels since it last saw them, and before is what they
	// said then.
	wrote  bool
	before Membership
	// isDoubtful is set if the operator may have changed the labels, and does not know whether it has.
	isDoubtful bool
	// isForged is set if somebody else has made the labels say what they say.
	isForged bool
}

// Progress is how far a namespace is.
type Progress struct {
	// Reached is what its policies are ready for.
	Reached Reach
	// Exact is set once the policies were exactly as they should be in the end. If they are not
	// any more, somebody changed them.
	Exact bool
	// Labelled is set if the labels are as they are due.
	Labelled bool
	// Released is set if the namespace has no policies of the operator's any more.
	Released bool
	// Waiting is set if the namespace waits for others.
	Waiting bool
	// Failing is set if a write failed that may succeed when tried again.
	Failing bool
	// Throttled is set if the API server had no room for a write, of whatever kind, and did not make it. The
	// namespace is tried again by itself, and is not failing.
	Throttled bool
	// Stuck is set if something keeps the namespace from going on that only a person can change. No
	// other namespace waits for it then.
	Stuck bool

	failingSince time.Time
	// forLong is set if it has been failing for longer than others wait for it.
	forLong      bool
	waitingSince time.Time
	// overdue is set once the namespace has waited for too long.
	overdue bool
}

// Longest is how long a namespace waits for others at most. After that it goes on as if there were
// none: while it waits it allows more than is declared, and who relabels a namespace of his again and
// again must not be able to keep the others of the profile so.
const Longest = 5 * time.Minute

// Patience is how long others wait for a namespace whose writes fail. After that they go on
// without it: they would stay more open than declared as long as it fails.
const Patience = time.Minute

// since takes over since when a namespace has been waiting or failing, and after a while gives up
// waiting, or waiting for it.
func (p Progress) since(before *Progress, now time.Time) Progress {
	if p.Throttled {
		return p.putOff(before, now)
	}
	if p.Waiting {
		p.waitingSince = before.waitingSince
		if !before.Waiting {
			p.waitingSince = now
		}
		p.overdue = now.Sub(p.waitingSince) >= Longest
	} else if before.overdue && p.Failing {
		// What it went on to has failed, and it goes on to it with the next look.
		p.waitingSince, p.overdue = before.waitingSince, true
	}
	if !p.Failing {
		return p
	}
	p.failingSince = before.failingSince
	if !before.Failing {
		p.failingSince = now
	}
	p.forLong = now.Sub(p.failingSince) >= Patience
	p.Stuck = p.Stuck || p.forLong
	return p
}

// putOff is what is known after a look in which a write was put off. It tells nothing of what failed before, so
// that stays as it was. And the namespace waits for the API server now: for others it waits anew after that, if
// it has not given up on them already.
func (p Progress) putOff(before *Progress, now time.Time) Progress {
	p.waitingSince, p.overdue = now, before.overdue
	if before.overdue {
		p.waitingSince = before.waitingSince
	}
	switch {
	case before.Failing:
		p.Failing, p.failingSince, p.forLong = true, before.failingSince, before.forLong
		p.Stuck = p.Stuck || p.forLong
	case p.Failing:
		p.failingSince = now
	}
	return p
}

// clocks are what is known of how long a namespace has been waiting and failing.
func (p Progress) clocks() Progress {
	return Progress{
		Waiting: p.Waiting, waitingSince: p.waitingSince, overdue: p.overdue,
		Failing: p.Failing, failingSince: p.failingSince, forLong: p.forLong,
	}
}

// Reach is what the policies of a namespace are ready for.
type Reach int

const (
	// Behind: not known, or not ready for anything.
	Behind Reach = iota
	// Wide: what has to be allowed in the end is allowed beside what was. Joiners may get their
	// labels. Of a joiner: it is isolated. Of a leaver: it is open.
	Wide
	// Switched: also, what is allowed for want of labels is what has to be in the end. Leavers may
	// lose theirs.
	Switched
	// Steady: also, nothing goes by the tier labels that the profile had before. Those that move
	// inside it, and some of those that come from another profile, may change theirs.
	Steady
	// Settled: also, nothing goes by the tier labels of another profile. All others may change
	// theirs.
	Settled
)

// Role is what is due to happen to the labels of a namespace.
type Role string

const (
	// Outside: nothing, it has no labels.
	Outside Role = "Outside"
	// Member: nothing, it keeps its labels.
	Member Role = "Member"
	// Joining: it gets labels.
	Joining Role = "Joining"
	// Moving: it gets those of another tier, of the same profile or another.
	Moving Role = "Moving"
	// Leaving: it loses them, or has none and loses its policies.
	Leaving Role = "Leaving"
)

// Role returns what is due to happen to the labels.
func (p *Place) Role() Role {
	none := Membership{}
	switch {
	case p.isNowhere() && p.Isolated:
		return Leaving
	case p.isNowhere():
		return Outside
	case p.Has == p.Due:
		return Member
	case p.Has == none:
		return Joining
	case p.Due == none:
		return Leaving
	default:
		return Moving
	}
}

// first tells, of a namespace that moves to another profile, whether it changes its labels before
// those that move the other way. If both did at once, each might be taken for what the other was.
func (p *Place) first() bool {
	return p.Role() == Moving && p.Due.Profile < p.Has.Profile
}

// second is the opposite of first.
func (p *Place) second() bool {
	return p.Role() == Moving && p.Due.Profile > p.Has.Profile
}

// knowing takes over what is known of an earlier look: all of it if the place is the same. If not, it still
// waits, or fails, as long as it did. Whoever may label a namespace, or changes a profile now and then, could
// else have others wait for it for ever.
func (p *Place) knowing(old *Place) Place {
	p.Isolated = p.Isolated && !p.isFeigned(old)
	p.isForged = p.isForgedSince(old)
	// Who removes the policy does not become another one by it.
	p.Vouched = p.Vouched || old.Vouched && p.Has == old.Has
	switch {
	case p.Basis == old.Basis && p.Due == old.Due && p.Has == old.Has:
		p.progress = old.progress
	default:
		p.progress = old.progress.clocks()
	}
	return *p
}

// remembering takes over what was known when profiles changed. What the operator wrote under earlier ones
// need not be seen yet: a namespace that was about to join may be isolated.
func (p *Place) remembering(old *Place) Place {
	out := p.knowing(old)
	out.Isolated = out.Isolated || old.lookedAt && old.Role() == Joining && p.isNowhere()
	out.lookedAt, out.isDoubtful = old.lookedAt, old.isDoubtful
	if old.wrote && p.Has == old.Has {
		out.wrote, out.before = true, old.before
	}
	return out
}

// isForgedSince tells whether somebody else has made the labels say what they say: since the earlier look
// they have become what the operator was not about to write, or had become so before.
func (p *Place) isForgedSince(old *Place) bool {
	if p.Has == old.Has {
		return old.isForged
	}
	return p.Has != (Membership{}) && p.Has != old.Due && (p.Held || p.Has != p.Due) && !old.isDoubtful
}

// has takes note of what the operator has made the labels say.
func (p *Place) has(now Membership) {
	if p.Has == now {
		return
	}
	if !p.wrote {
		p.wrote, p.before = true, p.Has
	}
	p.Has, p.isForged = now, false
	p.Vouched = now != Membership{} // It labels only what it isolated.
}

// isFeigned tells whether the namespace is isolated by somebody else, since it was rid of its policies
// before and nothing is due to it. Others need not wait for that.
func (p *Place) isFeigned(old *Place) bool {
	return old.progress.Released && p.isNowhere()
}

// isNowhere tells whether the namespace has no labels and is to get none.
func (p *Place) isNowhere() bool {
	return p.Has == Membership{} && p.Due == Membership{}
}

// all stands for all profiles together.
const all = ""
