package load

import (
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/test/cluster"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

const (
	// few is how many namespaces are worked on at once where the order is looked at.
	few = 2
	// begun is how many namespaces are done when another one arrives.
	begun = 10
	// ahead is how many others may be written to between the arrival of a namespace and its isolation: those that
	// had begun, and those that come while the watch tells of it.
	ahead = 40
)

// prepareMany makes many namespaces that are members of the scene's profile and as they should be.
func (s *scene) prepareMany() {
	s.t.Helper()
	s.createMany("many", *manyFlag)
	s.Expect(env.admin.Create(s.ctx(), form(s.name, 0))).To(Succeed())
	s.start()
	s.settled(*manyFlag)
	s.Expect(s.operator.Stop()).To(Succeed())
}

// arriveInTheMiddle creates a namespace as soon as some others have been written to, and waits until it and all
// others are done. Between the first and the last form, the base policy of every tier changes.
func (s *scene) arriveInTheMiddle(from int, name string, claimed int) {
	s.t.Helper()
	written := func() int {
		return env.recorder.count(from, func(v *version) bool {
			return v.policy != nil && strings.HasPrefix(v.namespace, s.name+"-many-")
		})
	}
	s.Eventually(written, soon, tick/10).Should(BeNumerically(">=", begun))
	s.Expect(s.createNamespace(s.ctx(), name, 0)).To(Succeed())
	s.settled(claimed)
}

// order is how many namespaces were written to before and after something was.
type order struct{ before, after int }

// orderOf tells how many of the many got the change of their base policies after an arrival, before and
// after another namespace was isolated. All of it is counted in the order in which the API server answered.
func (s *scene) orderOf(events []cluster.AuditEvent, name string) order {
	s.t.Helper()
	slices.SortStableFunc(events, func(a, b cluster.AuditEvent) int { return a.Completed.Compare(b.Completed) })
	var o order
	arrived, isolated := false, false
	for _, e := range events {
		byOperator := e.User == deploy.User && e.IsWrite() && e.Resource == "networkpolicies"
		switch {
		case e.Resource == "namespaces" && e.Verb == "create" && (e.Name == name || e.Name == "" && strings.Contains(e.RequestURI, name)):
			arrived = true
		case byOperator && e.Namespace == name:
			isolated = true
		case byOperator && strings.HasPrefix(e.Namespace, s.name+"-many-") && e.Name == render.Prefix && arrived && !isolated:
			o.before++
		case byOperator && strings.HasPrefix(e.Namespace, s.name+"-many-") && e.Name == render.Prefix && isolated:
			o.after++
		}
	}
	if !isolated {
		s.t.Errorf("namespace %s was not isolated", name)
	}
	return o
}

// TestArrivalWhileAProfileChanges has a namespace arrive while many have to be written to.
func TestArrivalWhileAProfileChanges(t *testing.T) {
	s := newScene(t, "changing")
	s.prepareMany()
	s.start(atOnce(few))
	s.Eventually(func() bool {
		m := s.metrics()
		return m.depth() == 0 && int(m.sum("controller_runtime_reconcile_total", `controller="namespace"`)) >= *manyFlag
	}, soon, tick).Should(BeTrue())
	position, from := s.now(), env.recorder.position()
	s.change(3)
	arrival := s.ns("new", 0)
	s.arriveInTheMiddle(from, arrival, *manyFlag+1)
	o := s.orderOf(s.since(position), arrival)
	t.Logf("of %d namespaces that a changed profile concerns, %d were written to between the arrival of another one and its isolation, "+
		"and %d after that", *manyFlag, o.before, o.after)
	s.Expect(o.before).To(BeNumerically("<=", ahead))
	s.Expect(o.after).To(BeNumerically(">=", *manyFlag/2))
}

// TestArrivalAtAStart has one namespace arrive while the operator is down, and another while it is about to look
// at many, all of which have to be written to.
func TestArrivalAtAStart(t *testing.T) {
	s := newScene(t, "starting")
	s.prepareMany()
	position, from := s.now(), env.recorder.position()
	s.change(3)
	early, late := s.ns("new", 0), s.ns("new", 1)
	s.Expect(s.createNamespace(s.ctx(), early, 0)).To(Succeed())
	s.start(atOnce(few))
	s.arriveInTheMiddle(from, late, *manyFlag+2)
	events := s.since(position)
	o := s.orderOf(events, early)
	t.Logf("of %d namespaces %d were written to before the one that came while the operator was down, and %d after it", *manyFlag, o.before, o.after)
	s.Expect(o.before).To(BeNumerically("<=", few))
	o = s.orderOf(events, late)
	t.Logf("%d were written to between the arrival of another one and its isolation, and %d after that", o.before, o.after)
	s.Expect(o.before).To(BeNumerically("<=", ahead))
	s.Expect(o.after).To(BeNumerically(">=", *manyFlag/2))
}
