package transitions

import (
	"context"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/test/deploy"
	"github.com/segmentation-dev/segmentation-operator/test/faults"
)

// longPressure is longer than the leader may take to renew its lease (10 s).
const longPressure = 12 * time.Second

// TestAnAPIServerWithoutRoom lets API priority and fairness itself turn down all that the operator writes, for longer
// than the lease may wait. The lease has room, so that the operator stays the leader.
func TestAnAPIServerWithoutRoom(t *testing.T) {
	tell(t, "noroom", func(s *scene) {
		l := &levels{of: map[string]map[string]bool{}}
		proxy, err := faults.Start(env.cluster.AdminConfig(), faults.Rate(0), faults.Observe(l.note))
		s.Expect(err).NotTo(HaveOccurred())
		s.t.Cleanup(func() { _ = proxy.Close() })
		s.operator = s.replica("noroom", proxy.Config(env.account))
		first, second := state{members: shopOf("012", "345", "67")}, state{members: shopOf("1358", "02", "49")}
		s.Expect(s.operator.Start()).To(Succeed())
		s.last = s.settle(state{})
		ear := s.listens("shop")
		end := s.fill()
		s.once("a profile is created", first, func() { s.create(s.shop("012", "345", "67")) }, s.full(l, longPressure, end))
		end = s.fill()
		s.once("namespaces move around, join and leave", second, func() { s.change("shop", s.selects("1358", "02", "49")) }, s.full(l, pressure, end))
		ear.heardNoComplaint()
	})
}

// fill lets somebody else have all the room there is, until it is ended. After that there is as much as ever: one write
// at a time would take minutes.
func (s *scene) fill() (end func()) {
	s.t.Helper()
	widen := s.narrow()
	leave := s.hog()
	s.Eventually(func(g Gomega) {
		code, _ := s.ask(g)
		g.Expect(code).To(Equal(http.StatusTooManyRequests))
	}, soon, tick).Should(Succeed())
	return func() {
		leave()
		widen()
	}
}

// ask makes a request as the operator that changes nothing. It returns the code of the answer, and the level.
func (s *scene) ask(g Gomega) (code int, level string) {
	account, err := rest.HTTPClientFor(env.account)
	g.Expect(err).NotTo(HaveOccurred())
	request, err := http.NewRequestWithContext(s.ctx(), http.MethodDelete, env.account.Host+"/api/v1/namespaces/none", http.NoBody)
	g.Expect(err).NotTo(HaveOccurred())
	answer, err := account.Do(request)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(answer.Body.Close()).To(Succeed())
	return answer.StatusCode, answer.Header.Get("X-Kubernetes-PF-PriorityLevel-UID")
}

// full waits for a while in which there is no room.
func (s *scene) full(l *levels, d time.Duration, end func()) strike {
	return func(want state) int {
		s.t.Helper()
		before := l.turnedDown()
		wait(d)
		tried := l.turnedDown() - before
		working := s.differs(s.ctx(), want) != nil
		end()
		s.t.Logf("the API server turned down %d requests in %s", tried, d)
		s.counts["requests that the API server turned down"] += tried
		s.Expect(working).To(BeTrue())
		s.Expect(tried).To(And(BeNumerically(">", 3), BeNumerically("<=", int(d/time.Second)*(members+1))))
		return 1
	}
}

func (l *levels) turnedDown() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refused
}

const (
	narrowName = "narrow"
	hogName    = "hog"
)

// narrow sends all writes of both accounts, and whatever the hog asks for, to a level that has room for one request,
// and turns down all others. The API server gives each level that much. What is returned ends it.
func (s *scene) narrow() (widen func()) {
	s.t.Helper()
	level := &flowcontrolv1.PriorityLevelConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: narrowName},
		Spec: flowcontrolv1.PriorityLevelConfigurationSpec{Type: flowcontrolv1.PriorityLevelEnablementLimited, Limited: &flowcontrolv1.LimitedPriorityLevelConfiguration{
			NominalConcurrencyShares: new(int32), LendablePercent: new(int32), BorrowingLimitPercent: new(int32),
			LimitResponse: flowcontrolv1.LimitResponse{Type: flowcontrolv1.LimitResponseTypeReject},
		}},
	}
	schema := &flowcontrolv1.FlowSchema{
		ObjectMeta: metav1.ObjectMeta{Name: narrowName},
		Spec: flowcontrolv1.FlowSchemaSpec{
			PriorityLevelConfiguration: flowcontrolv1.PriorityLevelConfigurationReference{Name: narrowName}, MatchingPrecedence: 10,
			Rules: []flowcontrolv1.PolicyRulesWithSubjects{{
				Subjects: []flowcontrolv1.Subject{
					{Kind: flowcontrolv1.SubjectKindServiceAccount, ServiceAccount: &flowcontrolv1.ServiceAccountSubject{
						Namespace: deploy.Namespace, Name: flowcontrolv1.NameAll,
					}},
					{Kind: flowcontrolv1.SubjectKindUser, User: &flowcontrolv1.UserSubject{Name: hogName}},
				},
				ResourceRules: []flowcontrolv1.ResourcePolicyRule{{
					Verbs: []string{"create", "delete", "patch", "update"}, APIGroups: []string{"*"}, Resources: []string{"*"},
					ClusterScope: true, Namespaces: []string{"*"},
				}},
			}},
		},
	}
	for _, obj := range []client.Object{level, schema} {
		s.Expect(env.admin.Create(s.ctx(), obj)).To(Succeed())
		s.t.Cleanup(func() { _ = env.admin.Delete(context.Background(), obj) })
	}
	s.Eventually(func(g Gomega) {
		_, by := s.ask(g)
		g.Expect(by).To(Equal(string(level.UID)))
	}, soon, tick).Should(Succeed())
	return func() {
		s.t.Helper()
		s.Expect(env.admin.Delete(s.ctx(), schema)).To(Succeed())
		s.Expect(env.admin.Delete(s.ctx(), level)).To(Succeed())
		s.Eventually(func() bool {
			return apierrors.IsNotFound(env.admin.Get(s.ctx(), client.ObjectKeyFromObject(level), level))
		}, soon, tick).Should(BeTrue())
	}
}

// hog takes the one place by a request that does not come to its end, and keeps it until it is told to stop.
func (s *scene) hog() (end func()) {
	s.t.Helper()
	config, err := env.cluster.UserConfig(hogName)
	s.Expect(err).NotTo(HaveOccurred())
	user, err := rest.HTTPClientFor(config)
	s.Expect(err).NotTo(HaveOccurred())
	ctx, cancel := context.WithCancel(s.ctx())
	var ended sync.WaitGroup
	ended.Go(func() {
		for ctx.Err() == nil {
			// What everybody may ask for, of which the API server waits to read the rest.
			body, slow := io.Pipe()
			go func() { _, _ = slow.Write([]byte("{")) }()
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, config.Host+"/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body)
			if err != nil {
				return
			}
			request.Header.Set("Content-Type", "application/json")
			if answer, err := user.Do(request); err == nil {
				_ = answer.Body.Close() // Turned down; another one was there first.
			}
			_ = slow.Close()
		}
	})
	return func() {
		cancel()
		ended.Wait()
	}
}
