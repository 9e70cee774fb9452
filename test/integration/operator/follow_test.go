package operator

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// follower judges flows after every single write of a policy in the test's namespaces.
type follower struct {
	w          *world
	namespaces []reach.Namespace
	policies   map[string]*networkingv1.NetworkPolicy
	ended      chan struct{}

	mu sync.Mutex
	// allowed are the flows that were allowed, and denied those that were denied, after at least one write.
	allowed, denied map[string]bool
	versions        int
	flows           map[string]reach.Flow
}

// follow follows flows until it is stopped, from the present state on. Namespaces are taken as they are labelled now.
func (w *world) follow(flows map[string]reach.Flow) *follower {
	w.t.Helper()
	f := &follower{
		w: w, policies: map[string]*networkingv1.NetworkPolicy{}, ended: make(chan struct{}),
		allowed: map[string]bool{}, denied: map[string]bool{}, flows: flows,
	}
	var namespaces corev1.NamespaceList
	w.Expect(env.admin.List(w.ctx(), &namespaces)).To(Succeed())
	for i := range namespaces.Items {
		f.namespaces = append(f.namespaces, reach.Namespace{Name: namespaces.Items[i].Name, Labels: namespaces.Items[i].Labels})
	}
	var list networkingv1.NetworkPolicyList
	w.Expect(env.admin.List(w.ctx(), &list)).To(Succeed())
	for i := range list.Items {
		f.put(watch.Modified, &list.Items[i])
	}
	f.judge()
	return f
}

// whileFollowing makes a change and waits, and returns what came of the flows after every write on the way.
func (w *world) whileFollowing(flows map[string]reach.Flow, change func()) *follower {
	w.t.Helper()
	f := w.follow(flows)
	var list networkingv1.NetworkPolicyList
	w.Expect(env.admin.List(w.ctx(), &list, client.Limit(1))).To(Succeed())
	ctx, stop := context.WithCancel(w.ctx())
	defer stop()
	events, err := env.admin.Watch(ctx, &networkingv1.NetworkPolicyList{}, &client.ListOptions{Raw: startingAt(list.ResourceVersion)})
	w.Expect(err).NotTo(HaveOccurred())
	go f.run(events)
	change()
	w.Eventually(func() map[string]string { return f.behind() }, soon, tick).Should(BeEmpty())
	events.Stop()
	<-f.ended
	return f
}

func (f *follower) run(events watch.Interface) {
	defer close(f.ended)
	for e := range events.ResultChan() {
		policy, ok := e.Object.(*networkingv1.NetworkPolicy)
		if !ok || !strings.HasPrefix(policy.Namespace, f.w.name) {
			continue
		}
		f.mu.Lock()
		f.put(e.Type, policy)
		f.judge()
		f.versions++
		f.mu.Unlock()
	}
}

func (f *follower) put(kind watch.EventType, policy *networkingv1.NetworkPolicy) {
	key := policy.Namespace + "/" + policy.Name
	if kind == watch.Deleted {
		delete(f.policies, key)
		return
	}
	f.policies[key] = policy
}

// behind are the policies of the test's namespaces that the watch has not told of as they are now.
func (f *follower) behind() map[string]string {
	f.w.t.Helper()
	out := map[string]string{}
	var list networkingv1.NetworkPolicyList
	f.w.Expect(env.admin.List(f.w.ctx(), &list)).To(Succeed())
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range list.Items {
		p := &list.Items[i]
		key := p.Namespace + "/" + p.Name
		if known := f.policies[key]; strings.HasPrefix(key, f.w.name) && (known == nil || known.ResourceVersion != p.ResourceVersion) {
			out[key] = p.ResourceVersion
		}
	}
	return out
}

func (f *follower) judge() {
	policies := make([]*networkingv1.NetworkPolicy, 0, len(f.policies))
	for _, p := range f.policies {
		policies = append(policies, p)
	}
	cluster, err := reach.New(f.namespaces, policies)
	f.w.Expect(err).NotTo(HaveOccurred())
	for name, flow := range f.flows {
		if cluster.Allowed(flow).Allowed() {
			f.allowed[name] = true
		} else {
			f.denied[name] = true
		}
	}
}

// always are the flows that no write denied, and never those that none allowed, sorted.
func (f *follower) always() []string { return f.those(f.allowed, f.denied) }

func (f *follower) never() []string { return f.those(f.denied, f.allowed) }

func (f *follower) those(in, out map[string]bool) []string {
	names := []string{}
	for name := range in {
		if !out[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// pod is a pod of the test's with a label and ports.
func (w *world) pod(namespace, app string, ports ...reach.NamedPort) reach.Endpoint {
	return reach.Endpoint{Pod: &reach.Pod{
		Namespace: w.ns(namespace), Name: app, Labels: map[string]string{"app": app}, Ports: ports,
		IPs: []netip.Addr{netip.MustParseAddr("10.0.0.1")},
	}}
}

// tcp is a flow over TCP.
func tcp(from, to reach.Endpoint, port int32) reach.Flow {
	return reach.Flow{From: from, To: to, Protocol: corev1.ProtocolTCP, Port: port}
}

// allows tells which of some flows are allowed now, sorted.
func (w *world) allows(flows map[string]reach.Flow) []string {
	w.t.Helper()
	f := w.follow(flows)
	return f.always()
}

// finds waits until a profile has a finding of a reason, and returns its message.
func (w *world) finds(p client.Object, reason string) string {
	w.t.Helper()
	var message string
	w.Eventually(func() error {
		found, err := findings(w, p.GetName(), reason)
		if err != nil || len(found) == 0 {
			return fmt.Errorf("no finding %s: %w", reason, err)
		}
		message = found[0]
		return nil
	}, soon, tick).Should(Succeed())
	return message
}

// findsNone waits until a profile has no finding of a reason.
func (w *world) findsNone(p client.Object, reason string) {
	w.t.Helper()
	w.Eventually(func() ([]string, error) { return findings(w, p.GetName(), reason) }, soon, tick).Should(BeEmpty())
}
