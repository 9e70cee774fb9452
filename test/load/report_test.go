package load

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/test/cluster"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// report is what came of the load.
type report struct {
	requested                 *generator
	created, deleted, changes int
	took                      time.Duration
	// isolated is from the answer to the creation of a namespace until its base policy was seen, joined until its
	// labels were, and tooShort are those that were deleted before.
	isolated, joined spread
	tooShort         int
	// drained and removed are from the last deletion on.
	drained, removed time.Duration
	deepest          int
	// byOperator are the operator's requests on namespaces of the load, by kind, and byOthers how many others made.
	byOperator        map[string]int
	failed            map[string]int
	byOthers, onAll   int
	idleRequests      []string
	before, peak, end usage
	after, collected  usage
	versions          int
	samples, judged   int
	flows             int
}

// sample takes note of what the operator needs under load.
func (r *report) sample(m metrics) {
	u := m.usage()
	r.deepest = max(r.deepest, m.depth())
	r.peak.resident, r.peak.heap = max(r.peak.resident, u.resident), max(r.peak.heap, u.heap)
	r.peak.goroutines = max(r.peak.goroutines, u.goroutines)
}

// count counts requests.
func (r *report) count(s *scene, events []cluster.AuditEvent) {
	r.byOperator, r.failed = map[string]int{}, map[string]int{}
	for i := range events {
		e := &events[i]
		switch {
		case s.isOperators(e):
			r.byOperator[e.Verb+" "+e.Resource]++
			if e.Code >= 400 {
				r.failed[fmt.Sprintf("%s %s %d", e.Verb, e.Resource, e.Code)]++
			}
		case e.User == deploy.User && e.IsWrite():
			r.onAll++
		case e.User == cluster.ManagerUser:
			r.byOthers++
		}
	}
}

// times measures how long namespaces were open.
func (r *report) times(versions []version) {
	var isolated, joined []time.Duration
	seen, left := map[string]bool{}, map[string]bool{}
	for i := range versions {
		v := &versions[i]
		since, ours := r.requested.created[v.namespace]
		switch {
		case !ours || seen["member "+v.namespace]:
		case v.policy != nil && v.policy.Name == render.Prefix && !seen[v.namespace]:
			seen[v.namespace] = true
			isolated = append(isolated, max(0, v.seen.Sub(since)))
		case v.policy == nil && v.labels[v1alpha1.ProfileLabel] != "":
			seen["member "+v.namespace] = true
			joined = append(joined, max(0, v.seen.Sub(since)))
		case v.policy == nil && v.isGoing && !seen[v.namespace]:
			left[v.namespace] = true
		}
	}
	r.isolated, r.joined, r.tooShort = spreadOf(isolated), spreadOf(joined), len(left)
}

// lines are the report, one line for each count.
func (r *report) lines() []string {
	g, milli := r.requested, time.Millisecond
	total := 0
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(r.byOperator)) {
		total += r.byOperator[kind]
		kinds = append(kinds, fmt.Sprintf("%s %d", kind, r.byOperator[kind]))
	}
	times := func(what string, s spread) string {
		return fmt.Sprintf("%s: %d, median %s, p99 %s, longest %s", what, s.n, s.median.Round(milli), s.p99.Round(milli), s.max.Round(milli))
	}
	return []string{
		fmt.Sprintf("load: %d namespaces created and %d deleted in %s, %.1f per second; asked for %d per second; the profile changed %d times; %d other namespaces",
			r.created, r.deleted, r.took.Round(milli), float64(r.created)/durationFlag.Seconds(), *rateFlag, r.changes, *baseFlag),
		fmt.Sprintf("load: requests of the load were made %s late at most, and answered within %s", g.late.Round(milli), g.longest.Round(milli)),
		times("load: isolated", r.isolated), times("load: joined", r.joined),
		fmt.Sprintf("load: deleted before they were isolated: %d", r.tooShort),
		fmt.Sprintf("load: the queue was %d deep at most, and empty %s after the last deletion; Kubernetes had removed all namespaces after %s",
			r.deepest, r.drained.Round(milli), r.removed.Round(milli)),
		fmt.Sprintf("load: %.2f requests per namespace (%s), failed: %v; %d writes for the others and status; %d requests of Kubernetes' controllers",
			float64(total)/float64(r.created), strings.Join(kinds, ", "), r.failed, r.onAll, r.byOthers),
		fmt.Sprintf("load: requests of the operator's in %s in which nothing changed: %d", *idleFlag, len(r.idleRequests)),
		fmt.Sprintf("load: before %s", r.before), fmt.Sprintf("load: at the peak %s", r.peak),
		fmt.Sprintf("load: at the end %s", r.end), fmt.Sprintf("load: %s later %s", *idleFlag, r.after),
		fmt.Sprintf("load: after it collected garbage %s", r.collected),
		fmt.Sprintf("load: %d versions of members, none without its base policy; in %d samples %d versions and %d flows between what the profile's forms allow",
			r.versions, r.samples, r.judged, r.flows),
	}
}
