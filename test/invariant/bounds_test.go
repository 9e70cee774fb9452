package invariant_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/invariant"
)

// scene is a state of a world with a caller, a called one and somebody else.
type scene struct {
	labels   map[string]map[string]string
	policies []*networkingv1.NetworkPolicy
}

func shop() *invariant.World {
	return &invariant.World{
		Namespaces: []string{"web", "api", "other"},
		Classes:    []invariant.Class{{Name: "a", Labels: map[string]string{"app": "a"}}, {Name: "none"}},
		Addresses:  []netip.Addr{netip.MustParseAddr("198.51.100.7")},
		Ports:      invariant.TCP(80, 8080),
	}
}

func (s scene) flows(t *testing.T, w *invariant.World) invariant.Flows {
	t.Helper()
	namespaces := make([]reach.Namespace, 0, len(w.Namespaces))
	for _, name := range w.Namespaces {
		namespaces = append(namespaces, reach.Namespace{Name: name, Labels: s.labels[name]})
	}
	flows, err := w.Flows(namespaces, s.policies)
	noError(t, err)
	return flows
}

func tier(name string) map[string]string { return map[string]string{"tier": name} }

func peers(tiers ...string) []networkingv1.NetworkPolicyPeer {
	out := make([]networkingv1.NetworkPolicyPeer, 0, len(tiers))
	for _, name := range tiers {
		out = append(out, networkingv1.NetworkPolicyPeer{NamespaceSelector: &metav1.LabelSelector{MatchLabels: tier(name)}})
	}
	return out
}

func port(number int32) []networkingv1.NetworkPolicyPort {
	return []networkingv1.NetworkPolicyPort{{Port: new(intstr.FromInt32(number))}}
}

// caller is the policy of pods that may call tiers on a port, and nothing else.
func caller(namespace string, pods map[string]string, number int32, tiers ...string) *networkingv1.NetworkPolicy {
	p := builders.MakeNetworkPolicy(namespace, "p").Pods(pods)
	if len(tiers) == 0 {
		return p.Egress().Obj()
	}
	return p.Egress(networkingv1.NetworkPolicyEgressRule{To: peers(tiers...), Ports: port(number)}).Obj()
}

// called is the policy of pods that may be called by tiers on a port, and by nobody else.
func called(namespace string, number int32, tiers ...string) *networkingv1.NetworkPolicy {
	p := builders.MakeNetworkPolicy(namespace, "p").DenyAll()
	if len(tiers) == 0 {
		return p.Obj()
	}
	return p.Ingress(networkingv1.NetworkPolicyIngressRule{From: peers(tiers...), Ports: port(number)}).Obj()
}

func TestCheckFindsEveryKindOfViolation(t *testing.T) {
	t.Parallel()
	members := map[string]map[string]string{"web": tier("web"), "api": tier("api")}
	podA := map[string]string{"app": "a"}
	wide := scene{members, []*networkingv1.NetworkPolicy{caller("web", nil, 8080, "api"), called("api", 8080, "web")}}
	narrow := scene{members, []*networkingv1.NetworkPolicy{caller("web", nil, 0), caller("web", podA, 8080, "api"), called("api", 8080, "web")}}
	closed := scene{members, []*networkingv1.NetworkPolicy{caller("web", nil, 0), called("api", 0)}}
	open := scene{}
	cases := map[string]struct {
		before, state, after scene
		counts               map[invariant.Kind]int
		first                string
	}{
		"the state before": {before: wide, state: wide, after: narrow},
		"the state after":  {before: wide, state: narrow, after: narrow},
		"a policy is pruned before its successor exists": {
			before: wide, after: narrow,
			state:  scene{members, []*networkingv1.NetworkPolicy{caller("web", nil, 0), called("api", 8080, "web")}},
			counts: map[invariant.Kind]int{invariant.Lost: 2}, // To two pods on one port.
			first:  "web/a to api/a 8080/TCP: allowed before and after, and now denied by the egress of web/a",
		},
		"the policy of all pods is lost": {
			before: closed, after: closed,
			state: scene{members, []*networkingv1.NetworkPolicy{called("api", 0)}},
			// Both pods of web reach all but themselves in 7 ends, on 2 ports.
			counts: map[invariant.Kind]int{invariant.Egress: 2 * 7 * 2, invariant.Opened: 2 * 5 * 2},
			first:  "web/a to web/a 80/TCP: the egress of web/a is open now, and neither before nor after",
		},
		"a selector is widened on the way": {
			before: narrow, after: narrow, state: wide,
			counts: map[invariant.Kind]int{invariant.Egress: 2, invariant.Opened: 2},
			first:  "web/none to api/a 8080/TCP: the egress of web/none is open now, and neither before nor after",
		},
		"ingress is widened on the way, where nobody may call": {
			before: closed, after: closed,
			state:  scene{members, []*networkingv1.NetworkPolicy{caller("web", nil, 0), called("api", 8080, "web")}},
			counts: map[invariant.Kind]int{invariant.Ingress: 4},
			first:  "web/a to api/a 8080/TCP: the ingress of api/a is open now, and neither before nor after",
		},
		"a label before the policy": {
			// A newcomer without its policies passes for one of web, and is open to all.
			before: scene{map[string]map[string]string{"api": tier("api")}, []*networkingv1.NetworkPolicy{called("api", 8080, "web"), called("web", 0)}},
			after:  scene{map[string]map[string]string{"api": tier("api")}, []*networkingv1.NetworkPolicy{called("api", 8080, "web"), called("web", 0)}},
			state:  scene{members, []*networkingv1.NetworkPolicy{called("api", 8080, "web")}},
			// On 2 ports, 2 pods of web have 7 ends each; api lets them in on one port, and its pods not out.
			counts: map[invariant.Kind]int{invariant.Egress: 28, invariant.Ingress: 4 + 28, invariant.Opened: 4 + 20 + 12},
		},
		"one side is early and the other one late": {
			before: scene{members, []*networkingv1.NetworkPolicy{called("api", 0)}},
			after:  scene{members, []*networkingv1.NetworkPolicy{caller("web", nil, 0), called("api", 8080, "web")}},
			state:  scene{members, []*networkingv1.NetworkPolicy{called("api", 8080, "web")}},
			counts: map[invariant.Kind]int{invariant.Opened: 4},
			first:  "web/a to api/a 8080/TCP: allowed now, and neither before nor after",
		},
		"everything is denied on the way": {
			before: open, after: open,
			state:  scene{nil, []*networkingv1.NetworkPolicy{called("other", 0)}},
			counts: map[invariant.Kind]int{invariant.Lost: 2*2*7*2 - 4*2},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := shop()
			report := invariant.Between(c.before.flows(t, w), c.after.flows(t, w)).Check(c.state.flows(t, w))
			got := map[invariant.Kind]int{}
			for kind, n := range report.Counts {
				if n > 0 {
					got[invariant.Kind(kind)] = n
				}
			}
			if c.counts == nil {
				c.counts = map[invariant.Kind]int{}
			}
			if diff := cmp.Diff(c.counts, got); diff != "" {
				t.Errorf("counts (-want +got):\n%s\n%s", diff, report.String())
			}
			if c.first != "" && !slices.ContainsFunc(report.First, func(v invariant.Violation) bool { return v.String() == c.first }) {
				t.Errorf("not reported: %s\n%s", c.first, report.String())
			}
			if report.OK() != (len(c.counts) == 0) || report.Total() == 0 != report.OK() {
				t.Errorf("OK is %v with %d violations", report.OK(), report.Total())
			}
		})
	}
}

func TestAReportListsTheFirstOfEachKind(t *testing.T) {
	t.Parallel()
	w := shop()
	closed := scene{policies: []*networkingv1.NetworkPolicy{called("web", 0), called("api", 0), called("other", 0)}}.flows(t, w)
	open := scene{}.flows(t, w)
	report := invariant.Between(closed).Check(open)
	if got, want := len(report.First), 30; got != want {
		t.Errorf("%d violations are listed, want %d", got, want)
	}
	if got := report.String(); !strings.HasPrefix(got, "lost=0 egress=84 ingress=84 opened=96") {
		t.Errorf("the report begins %s", strings.SplitN(got, "\n", 2)[0])
	}
}

// What is wanted may change more than once: then each state that was wanted is one of those
// in between which others may lie.
func TestBoundsOfSeveralStates(t *testing.T) {
	t.Parallel()
	w := shop()
	closed := scene{policies: []*networkingv1.NetworkPolicy{called("web", 0), called("api", 0), called("other", 0)}}.flows(t, w)
	open := scene{}.flows(t, w)
	half := scene{policies: []*networkingv1.NetworkPolicy{called("web", 0)}}.flows(t, w)
	bounds := invariant.Between(closed, half, closed)
	for name, state := range map[string]invariant.Flows{"closed": closed, "half": half} {
		if report := bounds.Check(state); !report.OK() {
			t.Errorf("%s: %s", name, report.String())
		}
	}
	if report := bounds.Check(open); report.OK() {
		t.Error("open is within closed and half open")
	}
	if got := bounds.Kept(); got != 0 {
		t.Errorf("%d flows are to be kept, want none", got)
	}
	if got := len(invariant.Check(open, closed, open)); got == 0 {
		t.Error("nothing is wrong with closing everything on the way")
	}
}

// Of some namespaces nothing is promised. What passes between others is judged all the same.
func TestBoundsExceptNamespaces(t *testing.T) {
	t.Parallel()
	w := shop()
	closed := scene{policies: []*networkingv1.NetworkPolicy{called("web", 0), called("api", 0), called("other", 0)}}.flows(t, w)
	half := scene{policies: []*networkingv1.NetworkPolicy{called("web", 0), called("other", 0)}}.flows(t, w)
	for name, states := range map[string][2]invariant.Flows{"opened": {closed, half}, "lost": {half, closed}} {
		if report := invariant.Between(states[0]).Except("api").Check(states[1]); !report.OK() {
			t.Errorf("%s in the namespace that is left out: %s", name, report.String())
		}
		if report := invariant.Between(states[0]).Except("web").Check(states[1]); report.OK() {
			t.Errorf("what is %s elsewhere is not found", name)
		}
	}
}
