package operator

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/cluster"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// requests returns what the operator asked of the API server since a position, but for the
// lease that leader election is made of, and the event that tells who has it.
func requests(w *world, since cluster.AuditPosition, want func(cluster.AuditEvent) bool) []string {
	w.t.Helper()
	events, err := env.cluster.Audit().Since(w.ctx(), since)
	w.Expect(err).NotTo(HaveOccurred())
	var out []string
	for _, e := range events {
		lease := e.Namespace == deploy.Namespace && (e.Resource == "leases" || e.Resource == "events")
		if e.User == deploy.User && !lease && want(e) {
			out = append(out, e.String())
		}
	}
	return out
}

func now(w *world) cluster.AuditPosition {
	w.t.Helper()
	position, err := env.cluster.Audit().Now(w.ctx())
	w.Expect(err).NotTo(HaveOccurred())
	return position
}

func busyShop(w *world) *v1alpha1.SegmentationProfile {
	for _, name := range []string{"w1", "w2", "w3"} {
		w.namespace(name, "web")
	}
	w.namespace("a1", "api")
	shop := w.twoTiers("shop").Role(builders.MakeRole("viewer").Read("pods").Obj()).Obj()
	shop.Spec.Tiers[0].Access = []v1alpha1.TierAccess{{Role: "viewer", Subjects: []v1alpha1.Subject{builders.Group("developers")}}}
	return w.create(shop)
}

// TestRestart starts the operator anew over what it wrote before.
func TestRestart(t *testing.T) {
	w := newWorld(t)
	p := busyShop(w)
	w.settled(p, 4)
	w.Expect(env.operator.Stop()).To(Succeed())
	start := now(w)
	w.Expect(env.operator.Start()).To(Succeed())

	// That the operator is at work again shows when it mends something.
	w.Expect(env.admin.Delete(w.ctx(), must(w.policy("w1", "segmentation")))).To(Succeed())
	w.eventuallyHas(p, "w1", "web")
	writes := requests(w, start, cluster.AuditEvent.IsWrite)
	var others []string
	for _, r := range writes {
		if !strings.Contains(r, " create /apis/networking.k8s.io/v1/namespaces/"+w.ns("w1")+"/networkpolicies?") && !strings.Contains(r, "segmentationprofiles/"+p.Name+"/status") {
			others = append(others, r)
		}
	}
	w.Expect(others).To(BeEmpty(), "writes after a restart with nothing to do")
	w.settled(p, 4)
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// TestQuiet lets nothing happen for more than 30 seconds, in which everything is looked at again.
func TestQuiet(t *testing.T) {
	w := newWorld(t)
	p := busyShop(w)
	w.settled(p, 4)
	w.Expect(env.operator.Stop()).To(Succeed())
	// client-go resyncs at the first or the second end of the period.
	w.Expect(env.operator.Start("--sync-period=17s")).To(Succeed())
	w.t.Cleanup(func() {
		if err := env.operator.Stop(); err != nil {
			t.Error(err)
		}
		if err := env.operator.Start(); err != nil {
			t.Error(err)
		}
	})
	// The work of the start is over when a deletion has been mended and told of.
	w.Expect(env.admin.Delete(w.ctx(), must(w.policy("w1", "segmentation")))).To(Succeed())
	w.eventuallyHas(p, "w1", "web")
	time.Sleep(3 * time.Second) //nolint:forbidigo // The status is written once a second.
	w.settled(p, 4)

	start := now(w)
	lookedAt := func() int { return env.operator.Logged(`"msg":"Looked at"`, `"namespace":"`+w.ns("w2")+`"`) }
	before := lookedAt()
	time.Sleep(40 * time.Second) //nolint:forbidigo // 30 s of quiet and more, with a resync in it.
	made := requests(w, start, func(e cluster.AuditEvent) bool { return e.Verb != "watch" })
	w.Expect(made).To(BeEmpty(), "requests while nothing changed")
	w.Expect(lookedAt()).To(BeNumerically(">", before), "there was no resync, so nothing was shown")
}

// scrape asks for the operator's metrics with a token, and returns the code of the answer.
func scrape(w *world, token string) int {
	w.t.Helper()
	code, _ := readMetrics(w, token)
	return code
}

// scraper makes a service account that may read metrics, and returns its token.
func scraper(w *world) string {
	w.t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: deploy.Namespace, Name: w.ns("scraper")}}
	w.Expect(env.admin.Create(w.ctx(), account)).To(Succeed())
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: w.ns("metrics")},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "segmentation-operator-metrics-reader"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: deploy.Namespace, Name: account.Name}},
	}
	w.Expect(env.admin.Create(w.ctx(), binding)).To(Succeed())
	w.t.Cleanup(func() { _ = env.admin.Delete(context.Background(), binding) })
	config, err := env.cluster.ServiceAccountConfig(w.ctx(), deploy.Namespace, account.Name)
	w.Expect(err).NotTo(HaveOccurred())
	return config.BearerToken
}

// readMetrics asks for the operator's metrics with a token, and returns the code of the answer and its text.
func readMetrics(w *world, token string) (code int, text string) {
	w.t.Helper()
	insecure := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	request, err := http.NewRequestWithContext(w.ctx(), http.MethodGet, "https://"+env.operator.Metrics()+"/metrics", http.NoBody)
	w.Expect(err).NotTo(HaveOccurred())
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := insecure.Do(request)
	if err != nil {
		return 0, "" // Metrics are served a little later than probes.
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	w.Expect(err).NotTo(HaveOccurred())
	return response.StatusCode, string(body)
}

// TestEndpoints asks the operator's own endpoints.
func TestEndpoints(t *testing.T) {
	w := newWorld(t)
	w.Expect(env.operator.Get("/healthz")).To(Equal(http.StatusOK))
	w.Expect(env.operator.Get("/readyz")).To(Equal(http.StatusOK))
	w.run("metrics are refused to who does not say who he is", func(w *world) {
		w.Eventually(func() int { return scrape(w, "") }, soon, tick).Should(Equal(http.StatusUnauthorized))
	})
	config, err := env.cluster.ServiceAccountConfig(w.ctx(), deploy.Namespace, "default")
	w.Expect(err).NotTo(HaveOccurred())
	w.run("metrics are refused to who may not read them", func(w *world) {
		w.Expect(scrape(w, config.BearerToken)).To(Equal(http.StatusForbidden))
	})
	w.run("metrics are given to who has the shipped ClusterRole for it", func(w *world) {
		// Another account: that the first one may not is remembered for a while.
		token := scraper(w)
		w.Eventually(func() int { return scrape(w, token) }, soon, tick).Should(Equal(http.StatusOK))
	})
	w.run("asked to end, the operator gives back its lease and exits with 0", func(w *world) {
		w.Expect(env.operator.Stop()).To(Succeed())
		var lease coordinationv1.Lease
		w.Expect(env.admin.Get(w.ctx(), client.ObjectKey{Namespace: deploy.Namespace, Name: "segmentation-operator"}, &lease)).To(Succeed())
		w.Expect(lease.Spec.HolderIdentity).To(Or(BeNil(), HaveValue(BeEmpty())))
		w.Expect(env.operator.Start()).To(Succeed())
	})
}
