package transitions

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
	"github.com/segmentation-dev/segmentation-operator/test/invariant"
)

const (
	// soon is how long the operator may take, with kills and faults in its way.
	soon = time.Minute
	tick = 50 * time.Millisecond
	// members is how many namespaces a scene has that profiles may select.
	members = 10
)

// scene is one test's part of the cluster: ten namespaces that its profiles select by their
// label slot, from 0 to 9, and two outside, one with labels and one without.
type scene struct {
	*WithT
	t        *testing.T
	name     string
	random   *rand.Rand
	world    *invariant.World
	operator *deploy.Process
	counts   counts
	// last is a revision at which the scene was settled.
	last string
	// within is how long after a change or a start the operator is killed at most.
	within time.Duration
}

// tell tells a story as often as the flag says, each time on a scene of its own.
func tell(t *testing.T, name string, story func(*scene)) {
	t.Helper()
	c := newCounts(t)
	for round := range *rounds {
		t.Run(fmt.Sprint("round ", round+1), func(t *testing.T) {
			t.Helper()
			story(newScene(t, name, c))
		})
	}
}

// newScene makes the namespaces, and a replica of the operator that does not run yet.
func newScene(t *testing.T, name string, c counts) *scene {
	t.Helper()
	if err := deploy.DependOnSources(); err != nil {
		t.Fatal(err)
	}
	env.scenes++
	s := &scene{WithT: NewWithT(t), t: t, name: fmt.Sprintf("%s-%d", name, env.scenes), counts: c, within: latest}
	s.random = rand.New(rand.NewPCG(env.seed, hash(s.name))) // Made to be repeated.
	t.Cleanup(func() {
		_ = env.admin.DeleteAllOf(context.Background(), &v1alpha1.SegmentationProfile{}, client.MatchingLabels{"scene": s.name})
	})
	var names []string
	for slot := range members {
		names = append(names, s.ns(slot))
		s.createNamespace(s.ns(slot), map[string]string{"scene": s.name, "slot": strconv.Itoa(slot)})
	}
	s.createNamespace(s.outside("plain"), nil)
	s.createNamespace(s.outside("labelled"), map[string]string{"team": "other"})
	s.world = worldOf(append(names, s.outside("plain"), s.outside("labelled"), "kube-system"))
	s.operator = s.replica("operator", env.account)
	return s
}

func hash(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // It never fails.
	return h.Sum64()
}

func (s *scene) ctx() context.Context { return s.t.Context() }

// ns is the namespace of a slot.
func (s *scene) ns(slot int) string { return s.name + "-" + strconv.Itoa(slot) }

// outside is a namespace that no profile selects.
func (s *scene) outside(name string) string { return s.name + "-" + name }

func (s *scene) createNamespace(name string, labels map[string]string) {
	s.t.Helper()
	n := builders.MakeNamespace(name).Labels(labels).Obj()
	s.Expect(env.admin.Create(s.ctx(), n)).To(Succeed())
	s.t.Cleanup(func() { _ = env.admin.Delete(context.Background(), n) })
}

// slots selects namespaces by their slots, each a digit.
func (s *scene) slots(digits string) *v1alpha1.LabelSelector {
	return builders.LabelSelector(map[string]string{"scene": s.name}, builders.In("slot", strings.Split(digits, "")...))
}

// step runs one step of a story as a test of its own.
func (s *scene) step(name string, do func()) {
	s.t.Helper()
	s.t.Run(name, func(t *testing.T) {
		t.Helper()
		outer, outerT := s.WithT, s.t
		defer func() { s.WithT, s.t = outer, outerT }()
		s.WithT, s.t = NewWithT(t), t
		do()
	})
}

// create creates a profile, which lives as long as the scene.
func (s *scene) create(p *v1alpha1.SegmentationProfile) {
	s.t.Helper()
	s.Expect(env.admin.Create(s.ctx(), p)).To(Succeed())
}

// profile reads a profile.
func (s *scene) profile(name string) *v1alpha1.SegmentationProfile {
	s.t.Helper()
	p := &v1alpha1.SegmentationProfile{}
	s.Eventually(func() error { return env.admin.Get(s.ctx(), client.ObjectKey{Name: s.name + "-" + name}, p) }, soon, tick).Should(Succeed())
	return p
}

// change changes a profile by one request.
func (s *scene) change(name string, mutate func(*v1alpha1.SegmentationProfileSpec)) {
	s.t.Helper()
	s.Eventually(func() error {
		p := s.profile(name)
		mutate(&p.Spec)
		return env.admin.Update(s.ctx(), p)
	}, soon, tick).Should(Succeed())
}

// relabel gives a namespace the label of another slot.
func (s *scene) relabel(slot, to int) {
	s.t.Helper()
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{"slot":"%d"}}}`, to)
	n := builders.MakeNamespace(s.ns(slot)).Obj()
	s.Expect(env.admin.Patch(s.ctx(), n, client.RawPatch(types.MergePatchType, patch))).To(Succeed())
}

// mark returns a revision up to which every version is known.
func (s *scene) mark() string {
	s.t.Helper()
	revision, err := env.recorder.mark(s.ctx())
	s.Expect(err).NotTo(HaveOccurred())
	return revision
}
