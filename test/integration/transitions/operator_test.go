package transitions

import (
	"fmt"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/client-go/rest"

	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

const (
	// latest and earliest bound the time in which the operator is killed.
	latest, earliest = 300 * time.Millisecond, 10 * time.Millisecond
	// inARow is how often the operator is killed at most on one way.
	inARow = killsEach
)

// alone are the flags of a single replica: one that is killed must not leave a lease behind
// that its successor has to wait for. How many namespaces it works on at once is random.
func (s *scene) alone() []string {
	return []string{"--leader-elect=false", fmt.Sprintf("--concurrency=%d", 1+s.random.IntN(4))}
}

// replica prepares a process of the operator, which ends with the scene.
func (s *scene) replica(name string, config *rest.Config) *deploy.Process {
	s.t.Helper()
	p, err := deploy.NewProcess(env.binary, env.dir, s.name+"-"+name, config)
	s.Expect(err).NotTo(HaveOccurred())
	t := s.t
	t.Cleanup(func() {
		if p.Died() {
			t.Errorf("replica %s of the operator has ended by itself", name)
		}
		if t.Failed() {
			p.PrintLog()
		}
		p.Kill()
	})
	return p
}

// start starts the scene's operator.
func (s *scene) start() {
	s.t.Helper()
	s.Expect(s.operator.Start(s.alone()...)).To(Succeed())
}

// killed kills the operator at random times and starts it again, some times in a row or until
// it has done its work, and returns how often it had work left. It leaves a running operator. If
// it strikes too late, it will strike earlier the next time.
func (s *scene) killed(want state) int {
	s.t.Helper()
	n := 0
	for n < inARow {
		s.pause(s.within)
		s.operator.Kill()
		working := s.differs(s.ctx(), want) != nil
		s.start()
		if !working {
			s.within = max(s.within/2, earliest)
			break
		}
		n++
	}
	s.counts[kills] += n
	return n
}

// pause waits for a random time.
func (s *scene) pause(longest time.Duration) {
	time.Sleep(time.Duration(s.random.Int64N(int64(longest)))) //nolint:forbidigo // To strike at any time is the point.
}
