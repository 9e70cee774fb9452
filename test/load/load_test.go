package load

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/test/cluster"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// gone is how long Kubernetes may take to remove the namespaces.
const gone = 20 * time.Minute

// TestLoad creates and deletes namespaces all the time while the profile changes.
func TestLoad(t *testing.T) {
	s := newScene(t, "shop")
	s.createMany("base", *baseFlag)
	s.Expect(env.admin.Create(s.ctx(), form(s.name, 0))).To(Succeed())
	s.start()
	s.settled(*baseFlag)
	s.quiet()
	r := &report{before: s.collected()}
	versions, err := env.recorder.all()
	s.Expect(err).NotTo(HaveOccurred())
	from, position := versions[len(versions)-1].revision, s.now()

	s.load(r)
	s.drain(r)
	events := s.since(position)
	r.count(s, events)
	s.idle(r)
	r.collected = s.collected()
	versions, err = env.recorder.all()
	s.Expect(err).NotTo(HaveOccurred())
	s.promises(r, versions, from)
	r.times(versions)
	for _, line := range r.lines() {
		t.Log(line)
	}
	s.Expect(r.idleRequests).To(BeEmpty(), "requests while nothing changed")
	s.Expect(r.isolated.n).To(BeNumerically(">=", r.created-r.tooShort), "some namespaces were never isolated")
	// What grows with the namespaces that there were at once, such as tables, is given back only in part.
	s.Expect(r.collected.heap).To(BeNumerically("<", 1.5*r.before.heap+float64(r.created)*512), "heap in use, after what it collects")
	s.Expect(r.collected.goroutines).To(BeNumerically("<=", r.before.goroutines+20))
}

// load makes the load, and watches the operator.
func (s *scene) load(r *report) {
	s.t.Helper()
	g := &generator{scene: s, created: map[string]time.Time{}}
	running, end := context.WithCancel(s.ctx())
	defer end()
	var beside sync.WaitGroup
	beside.Go(func() {
		for i := 1; pause(running, *changeFlag); i++ {
			if err := s.tryChange(s.ctx(), i); err == nil {
				r.changes++
			}
		}
	})
	beside.Go(func() {
		for pause(running, 250*time.Millisecond) {
			if m, err := readMetrics(running, s.operator.Metrics()); err == nil {
				r.sample(m)
			}
		}
	})
	start := time.Now()
	g.run(s.ctx(), *rateFlag, *durationFlag, *lifeFlag)
	end()
	beside.Wait()
	r.took, r.requested = time.Since(start), g
	r.created, r.deleted = len(g.created), g.deleted
	s.Expect(g.errs).To(BeEmpty(), "requests of the load that failed")
}

// pause waits, and tells whether there is a reason to go on.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// drain waits until the operator has nothing to do, and then until Kubernetes has removed all namespaces.
func (s *scene) drain(r *report) {
	s.t.Helper()
	s.Eventually(func() int { return s.metrics().depth() }, soon, tick).Should(BeZero())
	r.drained = time.Since(r.requested.last)
	s.Eventually(func() int { return s.left() }, gone, time.Second/2).Should(BeZero())
	r.removed = time.Since(r.requested.last)
	s.settled(*baseFlag)
	s.quiet()
}

// left is how many namespaces of the load are still there.
func (s *scene) left() int {
	var list corev1.NamespaceList
	s.Expect(env.admin.List(s.ctx(), &list, client.HasLabels{s.name})).To(Succeed())
	return len(list.Items) - *baseFlag
}

// quiet waits until nothing is due for some time: status is written once a second.
func (s *scene) quiet() {
	s.t.Helper()
	calm := 0
	s.Eventually(func() int {
		calm++
		if s.metrics().depth() > 0 {
			calm = 0
		}
		return calm
	}, soon, 100*time.Millisecond).Should(BeNumerically(">=", 30))
}

// idle lets nothing happen.
func (s *scene) idle(r *report) {
	s.t.Helper()
	position := s.now()
	r.end = s.metrics().usage()
	pause(s.ctx(), *idleFlag)
	r.after = s.metrics().usage()
	for _, e := range s.since(position) {
		lease := e.Namespace == deploy.Namespace && e.Resource == "leases"
		if e.User == deploy.User && !lease && e.Verb != "watch" {
			r.idleRequests = append(r.idleRequests, e.String())
		}
	}
}

// collected is what the operator needs after it has collected garbage.
func (s *scene) collected() usage {
	s.t.Helper()
	for range 2 { // What has a finalizer goes with the second.
		s.Expect(collectGarbage(s.ctx(), s.pprof)).To(Succeed())
	}
	return s.metrics().usage()
}

// promises judges all versions.
func (s *scene) promises(r *report, versions []version, from string) {
	s.t.Helper()
	var broken []string
	r.versions, broken = failClosed(versions)
	s.Expect(broken[:min(3, len(broken))]).To(BeEmpty(), "%d versions break the first promise", len(broken))
	plans := s.plans()
	most := min(20, (r.created-comeInSample)/comeInSample)
	for i := range most {
		staying := i * stayInSample % (*baseFlag - stayInSample + 1)
		sample := s.newSample(plans, staying, i*(r.created-comeInSample)/most)
		sample.judge(versions, from)
		r.samples, r.judged = r.samples+1, r.judged+sample.checked
		r.flows += sample.checked * sample.world.Size()
		s.Expect(sample.broken[:min(3, len(sample.broken))]).To(BeEmpty(), "%d versions break the second promise", len(sample.broken))
	}
}

// isOperators tells whether a request was the operator's, and about a namespace of the load.
func (s *scene) isOperators(e *cluster.AuditEvent) bool {
	prefix := s.name + "-load-"
	return e.User == deploy.User && (strings.HasPrefix(e.Namespace, prefix) || strings.HasPrefix(e.Name, prefix))
}

// spread are durations.
type spread struct {
	n                int
	median, p99, max time.Duration
}

func spreadOf(all []time.Duration) spread {
	if len(all) == 0 {
		return spread{}
	}
	slices.Sort(all)
	return spread{len(all), all[len(all)/2], all[len(all)*99/100], all[len(all)-1]}
}
