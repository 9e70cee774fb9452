package transitions

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	. "github.com/onsi/gomega"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
	"github.com/segmentation-dev/segmentation-operator/test/faults"
)

// levels takes note of where the API server sorted the requests that pass a proxy.
type levels struct {
	mu sync.Mutex
	// of are the UIDs of FlowSchema and level by kind of request.
	of map[string]map[string]bool
	// refused are the requests that the API server itself turned down with 429.
	refused int
}

// note takes note of one answer: the API server says in it by which FlowSchema it went, and to which level.
func (l *levels) note(r *http.Response) {
	l.mu.Lock()
	defer l.mu.Unlock()
	kind := kindOf(r.Request)
	if l.of[kind] == nil {
		l.of[kind] = map[string]bool{}
	}
	l.of[kind][r.Header.Get("X-Kubernetes-PF-FlowSchema-UID")+" "+r.Header.Get("X-Kubernetes-PF-PriorityLevel-UID")] = true
	if r.StatusCode == http.StatusTooManyRequests {
		l.refused++
	}
}

// named is what is in a namespace, or has a name, of which there are many.
var named = regexp.MustCompile(`/namespaces/[^/]+|/(segmentationprofiles|networkpolicies|clusternetworkpolicies|roles|rolebindings|leases)/[^/]+`)

// kindOf tells requests apart by what they are about, and as whom they are made.
func kindOf(r *http.Request) string {
	path := named.ReplaceAllStringFunc(r.URL.Path, func(part string) string { return part[:strings.LastIndex(part, "/")] + "/*" })
	verb := r.Method
	if r.URL.Query().Get("watch") == "true" {
		verb = "WATCH"
	}
	as := ""
	if _, account, found := strings.Cut(r.Header.Get("Impersonate-User"), deploy.Namespace+":"); found {
		as = " as " + account
	}
	return verb + " " + path + as
}

// TestEveryRequestHasRoom has the operator do its work with what config/flowcontrol holds, and insists that each of its
// requests went where it belongs, by what the API server said.
func TestEveryRequestHasRoom(t *testing.T) {
	tell(t, "levels", func(s *scene) {
		l := &levels{of: map[string]map[string]bool{}}
		proxy, err := faults.Start(env.cluster.AdminConfig(), faults.Rate(0), faults.Observe(l.note))
		s.Expect(err).NotTo(HaveOccurred())
		s.t.Cleanup(func() { _ = proxy.Close() })
		s.operator = s.replica("levels", proxy.Config(env.account))
		work, lease := flow(s, "segmentation-operator", "segmentation-operator"), flow(s, "segmentation-operator-leader-election", "leader-election")
		s.sorted(work)

		s.Expect(s.operator.Start()).To(Succeed())
		s.last = s.settle(state{})
		guardrails := s.installed()
		shop := s.shop("012", "345", "67")
		shop.Spec.Guardrails = &v1alpha1.Guardrails{}
		shop.Spec.Roles = []v1alpha1.Role{builders.MakeRole("viewer").Read("pods").Obj()}
		shop.Spec.Tiers[0].Access = []v1alpha1.TierAccess{{Role: "viewer", Subjects: []v1alpha1.Subject{builders.Group("developers")}}}
		s.create(shop)
		s.last = s.settle(state{members: shopOf("012", "345", "67")})
		s.change("shop", func(spec *v1alpha1.SegmentationProfileSpec) {
			s.selects("01", "345", "67")(spec)
			spec.Tiers[0].Access = nil
			spec.Roles = nil
		})
		s.last = s.settle(state{members: shopOf("01", "345", "67")})
		s.Eventually(guardrails, "20s", "50ms").ShouldNot(BeZero())
		s.Expect(env.admin.Delete(s.ctx(), shop)).To(Succeed())
		s.last = s.settle(state{})
		s.Eventually(guardrails, "20s", "50ms").Should(BeZero())
		s.Expect(s.operator.Stop()).To(Succeed())

		l.mu.Lock()
		defer l.mu.Unlock()
		for _, kind := range slices.Sorted(maps.Keys(l.of)) {
			want := work
			if strings.Contains(kind, "/leases") {
				want = lease
			}
			s.t.Log(kind)
			s.Expect(slices.Collect(maps.Keys(l.of[kind]))).To(ConsistOf(want), kind)
		}
		for _, kind := range seldomLeftOut {
			s.Expect(l.of).To(HaveKey(kind))
		}
	})
}

// installed installs the kind of guardrails until the test ends, and returns what counts them.
func (s *scene) installed() (count func() (int, error)) {
	definition, err := deploy.Guardrails()
	s.Expect(err).NotTo(HaveOccurred())
	s.Expect(env.admin.Create(s.ctx(), definition)).To(Succeed())
	s.t.Cleanup(func() { _ = env.admin.Delete(context.Background(), definition) })
	return func() (int, error) {
		var list policyv1alpha2.ClusterNetworkPolicyList
		err := env.admin.List(s.ctx(), &list)
		return len(list.Items), err
	}
}

// seldomLeftOut are the kinds of requests that must have been made, for the test to show anything.
var seldomLeftOut = []string{
	"POST /apis/policy.networking.k8s.io/v1alpha2/clusternetworkpolicies",
	"DELETE /apis/policy.networking.k8s.io/v1alpha2/clusternetworkpolicies/*",
	"WATCH /apis/policy.networking.k8s.io/v1alpha2/clusternetworkpolicies",
	"PATCH /api/v1/namespaces/*",
	"POST /apis/networking.k8s.io/v1/namespaces/*/networkpolicies",
	"PUT /apis/networking.k8s.io/v1/namespaces/*/networkpolicies/*",
	"DELETE /apis/networking.k8s.io/v1/namespaces/*/networkpolicies/*",
	"POST /apis/rbac.authorization.k8s.io/v1/namespaces/*/roles as segmentation-granter",
	"DELETE /apis/rbac.authorization.k8s.io/v1/namespaces/*/rolebindings/* as segmentation-granter",
	"PATCH /apis/segmentation.dev/v1alpha1/segmentationprofiles/*/status",
	"POST /apis/events.k8s.io/v1/namespaces/*/events",
	"PUT /apis/coordination.k8s.io/v1/namespaces/*/leases/*",
	"WATCH /api/v1/namespaces",
	"WATCH /apis/networking.k8s.io/v1/networkpolicies",
	"WATCH /apis/segmentation.dev/v1alpha1/segmentationprofiles",
}

// flow is what the API server says of a request that went by a FlowSchema to a level.
func flow(s *scene, schema, level string) string {
	s.t.Helper()
	var f flowcontrolv1.FlowSchema
	var p flowcontrolv1.PriorityLevelConfiguration
	s.Expect(env.admin.Get(s.ctx(), client.ObjectKey{Name: schema}, &f)).To(Succeed())
	s.Expect(env.admin.Get(s.ctx(), client.ObjectKey{Name: level}, &p)).To(Succeed())
	return fmt.Sprint(f.UID, " ", p.UID)
}

// sorted waits until the API server sorts a request of the operator's account as is wanted.
func (s *scene) sorted(want string) {
	s.t.Helper()
	l := &levels{of: map[string]map[string]bool{}}
	proxy, err := faults.Start(env.cluster.AdminConfig(), faults.Rate(0), faults.Observe(l.note))
	s.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = proxy.Close() }()
	config := proxy.Config(env.account)
	account, err := rest.HTTPClientFor(config)
	s.Expect(err).NotTo(HaveOccurred())
	const path = "/apis/segmentation.dev/v1alpha1/segmentationprofiles"
	request, err := http.NewRequestWithContext(s.ctx(), http.MethodGet, config.Host+path, http.NoBody)
	s.Expect(err).NotTo(HaveOccurred())
	s.Eventually(func(g Gomega) {
		l.mu.Lock()
		clear(l.of)
		l.mu.Unlock()
		answer, err := account.Do(request)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(answer.Body.Close()).To(Succeed())
		l.mu.Lock()
		defer l.mu.Unlock()
		g.Expect(l.of["GET "+path]).To(HaveKey(want))
	}, soon, tick).Should(Succeed())
}
