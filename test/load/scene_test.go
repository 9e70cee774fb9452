package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/cluster"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

const (
	// soon is a deadline, and measures nothing: on a machine that is busy otherwise, much may take long.
	soon = 2 * time.Minute
	tick = 50 * time.Millisecond
)

// scene is one test's part of the cluster: everything in it has the scene's name in its name.
type scene struct {
	*WithT
	t        *testing.T
	name     string
	operator *deploy.Process
	pprof    string
}

func newScene(t *testing.T, name string) *scene {
	t.Helper()
	if err := deploy.DependOnSources(); err != nil {
		t.Fatal(err)
	}
	s := &scene{WithT: NewWithT(t), t: t, name: name}
	var err error
	s.operator, err = deploy.NewProcess(env.binary, env.dir, name, env.account)
	s.Expect(err).NotTo(HaveOccurred())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	s.Expect(err).NotTo(HaveOccurred())
	s.pprof = listener.Addr().String()
	s.Expect(listener.Close()).To(Succeed())
	t.Cleanup(func() {
		if s.operator.Died() {
			t.Error("the operator has ended by itself")
		}
		if t.Failed() {
			s.operator.PrintLog()
		}
		s.operator.Kill()
	})
	return s
}

func (s *scene) ctx() context.Context { return s.t.Context() }

// start starts the operator. It works on as many namespaces at once as it does where it is installed, unless a flag
// says otherwise.
func (s *scene) start(flags ...string) {
	s.t.Helper()
	flags = append(flags, "--leader-elect=false", "--metrics-secure=false", "--zap-log-level=info", "--pprof-bind-address="+s.pprof)
	s.Expect(s.operator.Start(flags...)).To(Succeed())
}

// atOnce is the flag that has the operator work on so many namespaces at once.
func atOnce(n int) string { return fmt.Sprintf("--concurrency=%d", n) }

// ns is the name of one of the scene's namespaces.
func (s *scene) ns(kind string, i int) string { return fmt.Sprintf("%s-%s-%05d", s.name, kind, i) }

// createNamespace creates a namespace in one of the tiers.
func (s *scene) createNamespace(ctx context.Context, name string, i int) error {
	return env.admin.Create(ctx, builders.MakeNamespace(name).Label(s.name, tiers[i%len(tiers)]).Obj())
}

// createMany creates namespaces, some at once.
func (s *scene) createMany(kind string, n int) {
	s.t.Helper()
	var all sync.WaitGroup
	errs := make([]error, n)
	for worker := range 8 {
		all.Go(func() {
			for i := worker; i < n; i += 8 {
				errs[i] = s.createNamespace(s.ctx(), s.ns(kind, i), i)
			}
		})
	}
	all.Wait()
	s.Expect(errors.Join(errs...)).To(Succeed())
}

// change gives the profile another form.
func (s *scene) change(i int) {
	s.t.Helper()
	s.Expect(s.tryChange(s.ctx(), i)).To(Succeed())
}

func (s *scene) tryChange(ctx context.Context, i int) error {
	p := &v1alpha1.SegmentationProfile{}
	if err := env.admin.Get(ctx, client.ObjectKey{Name: s.name}, p); err != nil {
		return err
	}
	p.Spec = form(s.name, i).Spec
	p.Status = v1alpha1.SegmentationProfileStatus{}
	return env.admin.Update(ctx, p)
}

// settled waits until the profile is ready at its present generation, with a number of namespaces.
func (s *scene) settled(claimed int) {
	s.t.Helper()
	s.Eventually(func() error {
		p := &v1alpha1.SegmentationProfile{}
		if err := env.admin.Get(s.ctx(), client.ObjectKey{Name: s.name}, p); err != nil {
			return err
		}
		ready := meta.FindStatusCondition(p.Status.Conditions, v1alpha1.ConditionReady)
		if ready == nil || ready.Status != metav1.ConditionTrue || ready.ObservedGeneration != p.Generation ||
			int(p.Status.Namespaces.Ready) != claimed {
			return fmt.Errorf("the profile is %+v, want %d namespaces", p.Status, claimed)
		}
		return nil
	}, soon, tick).Should(Succeed())
}

// metrics reads the operator's metrics.
func (s *scene) metrics() metrics {
	s.t.Helper()
	var m metrics
	s.Eventually(func() (err error) {
		m, err = readMetrics(s.ctx(), s.operator.Metrics())
		return err
	}, soon, tick).Should(Succeed())
	return m
}

// now is a position in the audit log.
func (s *scene) now() cluster.AuditPosition {
	s.t.Helper()
	position, err := env.cluster.Audit().Now(s.ctx())
	s.Expect(err).NotTo(HaveOccurred())
	return position
}

// since are the requests after a position.
func (s *scene) since(position cluster.AuditPosition) []cluster.AuditEvent {
	s.t.Helper()
	events, err := env.cluster.Audit().Since(s.ctx(), position)
	s.Expect(err).NotTo(HaveOccurred())
	return events
}
