package transitions

import (
	"fmt"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/client-go/rest"

	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// alone are the flags of a single replica: one that is killed must not leave a lease behind
// that its successor has to wait for.
func alone() []string { return []string{"--leader-elect=false"} }

// replica prepares a process of the operator, which ends with the scene.
func (s *scene) replica(name string, config *rest.Config) *deploy.Process {
	s.t.Helper()
	p, err := deploy.NewProcess(env.binary, env.dir, s.name+"-"+name, config)
	s.Expect(err).NotTo(HaveOccurred())
	s.t.Cleanup(func() {
		if p.Died() {
			p.PrintLog()
			s.t.Errorf("replica %s of the operator has ended by itself", name)
		}
		p.Kill()
	})
	return p
}

// killed kills the operator at random times and starts it again, until a state is reached or
// it was killed often enough. It leaves a running operator.
func (s *scene) killed(most int, want state) {
	s.t.Helper()
	kills := 0
	for kills < most {
		s.pause(300 * time.Millisecond)
		s.operator.Kill()
		if s.differs(s.ctx(), want) != nil {
			kills++ // In the middle of the work, since there was work left.
		} else {
			most = kills
		}
		s.Expect(s.operator.Start(append(alone(), fmt.Sprintf("--concurrency=%d", 1+s.random.IntN(4)))...)).To(Succeed())
	}
	s.t.Logf("killed %d times", kills)
	env.counts.add("kills", kills)
}

// pause waits for a random time.
func (s *scene) pause(longest time.Duration) {
	time.Sleep(time.Duration(s.random.Int64N(int64(longest)))) //nolint:forbidigo // To strike at any time is the point.
}
