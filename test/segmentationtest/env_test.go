package segmentationtest_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	apply "github.com/segmentation-dev/segmentation-operator/api/applyconfiguration/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/api/client/versioned"
	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/segmentationtest"
)

var env *segmentationtest.Env

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	os.Exit(segmentationtest.Main(m, func(e *segmentationtest.Env) { env = e }))
}

func create(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := env.Client.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
			t.Fatal(err)
		}
	}
}

func tier(name v1alpha1.Name, namespace v1alpha1.NamespaceName) v1alpha1.Tier {
	return v1alpha1.Tier{Name: name, Namespaces: v1alpha1.NamespaceSet{Names: []v1alpha1.NamespaceName{namespace}}}
}

// shop is a profile of two tiers, of which the first calls the second, and people may read in it.
func shop(name string, web, api v1alpha1.NamespaceName) *v1alpha1.SegmentationProfile {
	p := &v1alpha1.SegmentationProfile{ObjectMeta: metav1.ObjectMeta{Name: name}}
	p.Spec.Tiers = []v1alpha1.Tier{tier("web", web), tier("api", api)}
	p.Spec.Tiers[0].Access = []v1alpha1.TierAccess{{
		Subjects: []v1alpha1.Subject{{Kind: "Group", Name: "developers"}}, ClusterRole: "view",
	}}
	p.Spec.Dependencies = []v1alpha1.Dependency{{
		Name: "web-api", From: v1alpha1.Endpoint{Tier: "web"}, To: v1alpha1.Endpoint{Tier: "api"},
		Ports: []v1alpha1.Port{{Port: new(intstr.FromInt32(9090))}},
	}}
	return p
}

func TestAProfileIsEnforced(t *testing.T) {
	create(t, "shop-web", "shop-api")
	if err := env.Client.Create(t.Context(), shop("shop", "shop-web", "shop-api")); err != nil {
		t.Fatal(err)
	}
	ready := env.EventuallyReady(t, "shop")
	if ready.Status.Objects.RoleBindings != 1 {
		t.Errorf("%d RoleBindings, want the one for developers: the operator may grant view", ready.Status.Objects.RoleBindings)
	}
	web, api := segmentationtest.Pod("shop-web", nil), segmentationtest.Pod("shop-api", map[string]string{"app": "orders"})
	env.AllowsFlow(t, segmentationtest.Flow{From: web, To: api, Port: 9090})
	env.DeniesFlow(t, segmentationtest.Flow{From: web, To: api, Port: 9091})
	env.DeniesFlow(t, segmentationtest.Flow{From: api, To: web, Port: 9090})
	env.DeniesFlow(t, segmentationtest.Flow{From: web, To: segmentationtest.Address("203.0.113.9"), Port: 443})
	dns := segmentationtest.ThisPod(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: metav1.NamespaceSystem, Name: "coredns", Labels: map[string]string{"k8s-app": "kube-dns"},
	}})
	env.AllowsFlow(t, segmentationtest.Flow{From: web, To: dns, Port: 53, Protocol: corev1.ProtocolUDP})
}

// failing records what a test would be told.
type failing struct {
	testing.TB

	said string
}

func (f *failing) Errorf(format string, args ...any) { f.said += fmt.Sprintf(format, args...) }

func (f *failing) Fatalf(format string, args ...any) {
	f.Errorf(format, args...)
	panic(f)
}

// said returns what a test would be told.
func said(t *testing.T, check func(testing.TB)) (text string) {
	t.Helper()
	f := &failing{TB: t}
	defer func() {
		if p := recover(); p != nil && p != any(f) {
			panic(p)
		}
		text = f.said
	}()
	check(f)
	return f.said
}

// TestWhatAFailureSays is the flow and why, or the conditions.
func TestWhatAFailureSays(t *testing.T) {
	create(t, "bank-web", "bank-api")
	if err := env.Client.Create(t.Context(), shop("bank", "bank-web", "bank-api")); err != nil {
		t.Fatal(err)
	}
	env.EventuallyReady(t, "bank")
	web, api := segmentationtest.Pod("bank-web", nil), segmentationtest.Pod("bank-api", nil)
	hasty := *env
	hasty.Timeout = time.Second
	cases := map[string]struct {
		check func(testing.TB)
		want  []string
	}{
		"a flow that is denied": {
			func(tb testing.TB) {
				tb.Helper()
				env.AllowsFlow(tb, segmentationtest.Flow{From: api, To: web, Port: 80})
			},
			[]string{"not allowed: a pod of bank-api to a pod of bank-web on 80/TCP", "egress denied: isolated by segmentation in namespace bank-api"},
		},
		"a flow that is allowed": {
			func(tb testing.TB) {
				tb.Helper()
				env.DeniesFlow(tb, segmentationtest.Flow{From: web, To: api, Port: 9090})
			},
			[]string{"allowed: a pod of bank-web to a pod of bank-api on 9090/TCP", "ingress allowed by ingress["},
		},
		"a namespace that is not there": {
			func(tb testing.TB) {
				tb.Helper()
				env.DeniesFlow(tb, segmentationtest.Flow{From: segmentationtest.Pod("bank-wep", nil), To: api, Port: 9090})
			},
			[]string{`judging a flow: namespaces "bank-wep" not found`},
		},
		"a flow without an end": {
			func(tb testing.TB) {
				tb.Helper()
				env.AllowsFlow(tb, segmentationtest.Flow{From: web, Port: 9090})
			},
			[]string{"judging a flow: a flow needs From and To"},
		},
		"a flow without a port": {
			func(tb testing.TB) {
				tb.Helper()
				env.DeniesFlow(tb, segmentationtest.Flow{From: web, To: api})
			},
			[]string{"judging a flow: 0 is no port"},
		},
		"a condition that does not come about": {
			func(tb testing.TB) {
				tb.Helper()
				hasty.Eventually(tb, "bank", v1alpha1.ConditionReady, metav1.ConditionFalse)
			},
			[]string{"profile bank: condition Ready was not False within 1s", "Ready=True"},
		},
		"no profile": {
			func(tb testing.TB) {
				tb.Helper()
				hasty.EventuallyReady(tb, "nothing")
			},
			[]string{"profile nothing: condition Ready was not True within 1s", "there is no such profile"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := said(t, c.check)
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("got %q\nwant %q", got, want)
				}
			}
		})
	}
}

// TestWhatDoesNotStartIsStopped leaves no API server behind where an environment fails after it has started one.
func TestWhatDoesNotStartIsStopped(t *testing.T) {
	environment := &envtest.Environment{CRDDirectoryPaths: []string{"testdata/missing"}, ErrorIfCRDPathMissing: true}
	got := said(t, func(tb testing.TB) {
		tb.Helper()
		segmentationtest.Start(tb, segmentationtest.WithEnvironment(environment))
	})
	if !strings.Contains(got, "testdata/missing") {
		t.Errorf("got %q", got)
	}
	clients, err := versioned.NewForConfig(environment.Config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := clients.ServerVersion(); err == nil {
		t.Errorf("the API server answers at %s", environment.Config.Host)
	}
}

// TestOnAnAPIServerThatIsThere is for those who have an envtest.Environment of their own.
func TestOnAnAPIServerThatIsThere(t *testing.T) {
	environment := &envtest.Environment{}
	config, err := environment.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := environment.Stop(); err != nil {
			t.Error(err)
		}
	})
	own := segmentationtest.Run(t, config, segmentationtest.WithProtectedNamespaces("platform-*"), segmentationtest.WithoutDNS())
	for _, name := range []string{"platform-web", "till-api"} {
		if err := own.Client.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := own.Client.Create(t.Context(), shop("till", "platform-web", "till-api")); err != nil {
		t.Fatal(err)
	}
	got := own.EventuallyReady(t, "till")
	if got.Status.Namespaces.Claimed != 1 {
		t.Errorf("%d namespaces are claimed, want the one that is not protected", got.Status.Namespaces.Claimed)
	}
	if !slices.ContainsFunc(got.Status.Findings, func(f v1alpha1.Finding) bool { return f.Reason == v1alpha1.ReasonDNSMissing }) {
		t.Errorf("findings %v, want that the Service of DNS is missing", got.Status.Findings)
	}
}

// TestTheTypedClient is for those who do not use controller-runtime.
func TestTheTypedClient(t *testing.T) {
	clients, err := versioned.NewForConfig(env.Config)
	if err != nil {
		t.Fatal(err)
	}
	profiles := clients.SegmentationV1alpha1().SegmentationProfiles()
	only := apply.Tier().WithName("only").WithNamespaces(apply.NamespaceSet().WithNames("typed"))
	declared := apply.SegmentationProfile("typed").WithSpec(apply.SegmentationProfileSpec().WithMode(v1alpha1.ModePreview).WithTiers(only))
	if _, err := profiles.Apply(t.Context(), declared, metav1.ApplyOptions{FieldManager: "test"}); err != nil {
		t.Fatal(err)
	}
	got, err := profiles.Get(t.Context(), "typed", metav1.GetOptions{})
	if err != nil || got.Spec.Tiers[0].Name != "only" {
		t.Errorf("got %+v, %v", got, err)
	}
}
