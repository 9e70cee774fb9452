package transition

// counts are the namespaces of one profile, or of all of them.
type counts struct {
	// due are those whose labels are due to change in any way.
	due int
	// joining are those that are due to get labels and have none, and bare those of them that
	// no policy isolates yet.
	joining, bare int
	// leaving are those that are due to have no labels, and shut those of them that are not
	// open yet.
	leaving, shut int
	// moving are those with labels of the profile that are due to change to others.
	moving int
	// first are those that move to another profile before those that move the other way, which
	// are second.
	first, second int
	// behind has, for each Reach, those with labels that have not reached it.
	behind [Settled + 1]int
}

func (c *counts) add(other *counts, n int) {
	c.due += n * other.due
	c.joining += n * other.joining
	c.bare += n * other.bare
	c.leaving += n * other.leaving
	c.shut += n * other.shut
	c.moving += n * other.moving
	c.first += n * other.first
	c.second += n * other.second
	for i := range c.behind {
		c.behind[i] += n * other.behind[i]
	}
}

// allowsMoreThan tells whether somebody who waited at other counts may go on at these: whether
// there are none left of something that others wait for the end of.
func (c *counts) allowsMoreThan(other *counts) bool {
	now, before := c.each(), other.each()
	for i := range now {
		if now[i] < before[i] && now[i] <= 1 {
			return true
		}
	}
	return false
}

func (c *counts) each() []int {
	return append([]int{c.due, c.joining, c.bare, c.leaving, c.shut, c.moving, c.first, c.second}, c.behind[:]...)
}

// countsIn are the counts that one namespace adds to those of a group of profiles, or of all.
func (p *Place) countsIn(profile string, groups Groups) *counts {
	out := &counts{}
	if p.isDoubtful {
		out.due, out.joining, out.leaving, out.moving = 1, 1, 1, 1
	} else if !p.progress.Stuck {
		p.count(profile, groups, out)
	}
	return out
}

func (p *Place) count(profile string, groups Groups, out *counts) {
	one := func(when bool) int {
		if when {
			return 1
		}
		return 0
	}
	role, reached := p.Role(), p.progress.Reached
	out.due = one(role != Member)
	out.joining, out.bare = one(role == Joining), one(role == Joining && reached == Behind)
	out.leaving, out.shut = one(role == Leaving), one(role == Leaving && reached == Behind)
	out.first, out.second = one(p.first()), one(p.second())
	out.moving = one(role == Moving && profile == groups.Of(p.Has.Profile))
	// One that moves to another profile is a matter of that profile.
	if profile == all || profile == groups.Of(p.Due.Profile) {
		for level := range out.behind {
			out.behind[level] = one(p.isBehind(Reach(level)))
		}
	}
}

// isBehind tells whether others have to wait for the namespace to reach something.
func (p *Place) isBehind(level Reach) bool {
	switch role := p.Role(); {
	case role == Leaving:
		// It is ready once it is open, and that is counted by itself.
		return false
	case role == Joining:
		// It is not ready for anything until it has its policies, and nobody need wait for that as long
		// as it is open.
		return p.Isolated && level == Wide && p.progress.Reached == Behind
	case level == Settled && p.second():
		// It keeps to the labels of before until it has those that it is due.
		return false
	default:
		return p.progress.Reached < level
	}
}

// View is what one namespace may do, as far as it depends on others.
type View struct {
	// Role is what is due to happen to its labels.
	Role Role
	// Has is what its labels say.
	Has Membership
	// Alone is set if the labels of no other namespace of its profile are due to change, and
	// AloneOfAll if those of no other namespace at all are.
	Alone, AloneOfAll bool
	// AnyJoining is set if others, of whatever profile, are due to get labels and have none.
	AnyJoining bool
	// AnyLeaving is set if others, of whatever profile, are due to lose their labels.
	AnyLeaving bool
	// AnyMoving is set if others are due to move from a tier of the profile to another tier, of
	// whatever profile.
	AnyMoving bool
	// AnyFirst is set if others are due to move to another profile before those that move the
	// other way, and AnySecond if those are.
	AnyFirst, AnySecond bool
	// MayOpen is set unless the namespace is due to leave and must not be opened yet: others that are not
	// to be open may still be.
	MayOpen bool
	// MayRelabel is set if all others are ready for a change of its labels. Whether the namespace
	// itself is ready it knows best.
	MayRelabel bool
	// WasExact is set if its policies were seen to be exactly as they should be.
	WasExact bool
	// IsForged is set if somebody else was seen to make the namespace's labels say what they say.
	IsForged bool
	// FailsForLong is set if its writes have been failing for longer than others wait for it (Patience). By
	// then somebody may be making them fail, and what is safe comes before what interrupts nothing.
	FailsForLong bool
	// IsOverdue is set if it has waited for too long (Longest), and goes on as if there were no others.
	IsOverdue bool
	// Callers counts the changes of callers, of whatever tier, that had been made by then: see Census.Callers.
	Callers int64
}

// view looks at a namespace's profiles, and at all of them, less the namespace itself.
func (c *Census) view(place *Place) View {
	v := View{
		Role: place.Role(), Has: place.Has, WasExact: place.progress.Exact,
		FailsForLong: place.progress.forLong, IsForged: place.isForged,
		Alone: true, AloneOfAll: true, MayOpen: true, MayRelabel: true, Callers: c.callers.changes,
	}
	if place.progress.overdue {
		v.IsOverdue = true
		return v
	}
	for _, profile := range c.groups.of(place) {
		others := *c.of(profile)
		others.add(place.countsIn(profile, c.groups), -1)
		if profile == all {
			v.AloneOfAll = others.due == 0
			v.MayOpen = v.Role != Leaving || others.bare == 0 && others.behind[Wide] == 0
			v.AnyLeaving = others.leaving > 0
			v.AnyJoining = others.joining > 0
			v.AnyFirst, v.AnySecond = others.first > 0, others.second > 0
			v.MayRelabel = v.MayRelabel && others.readyForAny(place)
			continue
		}
		v.Alone = v.Alone && others.due == 0
		v.AnyMoving = v.AnyMoving || others.moving > 0
		v.MayRelabel = v.MayRelabel && others.readyFor(v.Role, profile == c.groups.Of(place.Due.Profile))
	}
	if c.hasAccess(place) {
		v.MayOpen, v.MayRelabel = v.MayOpen && v.Role != Leaving, false
	}
	return v
}

// readyFor tells whether the namespaces of a profile are ready for one of them to change its labels.
func (c *counts) readyFor(role Role, due bool) bool {
	switch {
	case role == Joining, role == Moving && !due:
		return c.behind[Wide] == 0
	case role == Leaving:
		return true
	default:
		return c.leaving == 0 && c.behind[Steady] == 0
	}
}

// readyForAny tells the same of the namespaces of all profiles.
func (c *counts) readyForAny(place *Place) bool {
	switch role := place.Role(); {
	case role == Joining:
		return c.shut == 0
	case role == Leaving:
		return c.joining == 0 && c.shut == 0 && c.behind[Switched] == 0
	case place.second():
		return c.shut == 0 && c.first == 0 && c.behind[Settled] == 0
	case role == Moving:
		return c.shut == 0
	default:
		return true
	}
}
