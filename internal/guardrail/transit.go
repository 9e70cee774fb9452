package guardrail

import (
	"maps"
	"slices"
	"time"

	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"
)

// Transit remembers which namespaces are about to get other labels, and which have got them while others were about to. The
// zero value knows of none. One goroutine uses it.
type Transit struct {
	// Patience is for how long others wait for one whose labels do not change, as long as namespaces wait for one another: who
	// keeps a namespace of his from being relabelled must not keep them waiting for ever.
	Patience time.Duration

	since map[string]time.Time
	// of are the profiles whose labels a namespace in transit is to get or to lose.
	of   map[string][]string
	done map[string]arrival
	// serial is that of the profiles when they last changed.
	serial  int64
	changed time.Time
}

// arrival is a namespace that has got its labels.
type arrival struct {
	at       time.Time
	profiles []string
}

// Update takes note of the namespaces that are about to get other labels, each with the profiles concerned, and of those
// that guardrails exempt. The serial is that of the profiles by which it was found. It returns, by profile, the namespaces
// that are to be exempt: one that has got its labels stays so until those have got theirs that were about to when it did,
// as a flow between the two may be declared before and after by labels that they never have together. And it tells whether
// nothing is to be taken away for now, since labels are about to change because the profiles did.
func (t *Transit) Update(
	changing map[string][]string, observed []*policyv1alpha2.ClusterNetworkPolicy, serial int64, now time.Time,
) (exempt map[string][]string, waits bool) {
	if t.since == nil {
		t.since, t.of, t.done = map[string]time.Time{}, map[string][]string{}, map[string]arrival{}
	}
	if serial != t.serial {
		t.serial, t.changed = serial, now
	}
	t.adopt(changing, observed, now)
	t.note(changing, now)
	exempt = map[string][]string{}
	add := func(namespace string, profiles []string) {
		for _, profile := range profiles {
			exempt[profile] = append(exempt[profile], namespace)
		}
	}
	for namespace, profiles := range t.of {
		add(namespace, profiles)
	}
	for namespace, a := range t.done {
		if t.isAwaited(a.at, now) {
			add(namespace, a.profiles)
			continue
		}
		delete(t.done, namespace)
	}
	for profile := range exempt {
		slices.Sort(exempt[profile])
	}
	return exempt, t.isAwaited(t.changed, now)
}

// adopt takes those for arrived that an operator before this one exempted.
func (t *Transit) adopt(changing map[string][]string, observed []*policyv1alpha2.ClusterNetworkPolicy, now time.Time) {
	adopted := map[string][]string{}
	for _, o := range observed {
		profile := ProfileOf(o)
		if !IsOurs(o) || o.Name != DenyName(profile) {
			continue
		}
		for _, namespace := range exceptions(o.Spec.Subject.Namespaces) {
			_, isChanging := changing[namespace]
			_, isDone := t.done[namespace]
			if !isChanging && t.since[namespace].IsZero() && !isDone {
				adopted[namespace] = append(adopted[namespace], profile)
			}
		}
	}
	for namespace, profiles := range adopted {
		t.done[namespace] = arrival{now, profiles}
	}
}

// note takes note of who begins, goes on and arrives.
func (t *Transit) note(changing map[string][]string, now time.Time) {
	for namespace := range t.since {
		if _, goesOn := changing[namespace]; !goesOn {
			t.done[namespace] = arrival{now, t.of[namespace]}
			delete(t.since, namespace)
			delete(t.of, namespace)
		}
	}
	for namespace, profiles := range changing {
		if t.since[namespace].IsZero() {
			t.since[namespace] = now
		}
		if a, was := t.done[namespace]; was {
			profiles = slices.Concat(profiles, a.profiles)
			delete(t.done, namespace)
		}
		t.of[namespace] = slices.Compact(slices.Sorted(slices.Values(slices.Concat(t.of[namespace], profiles))))
	}
}

// isAwaited tells whether a namespace is still about to get other labels that was so at a time.
func (t *Transit) isAwaited(at, now time.Time) bool {
	for since := range maps.Values(t.since) {
		if !since.After(at) && now.Sub(since) < t.Patience {
			return true
		}
	}
	return false
}

// IsEmpty tells whether no namespace is about to get other labels, or exempt.
func (t *Transit) IsEmpty() bool { return len(t.since)+len(t.done) == 0 }
