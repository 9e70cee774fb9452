package operator

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// recording is every version of the namespaces and policies of all tiers, as watches told of them.
type recording struct {
	w       *world
	start   map[string]client.Object
	watches []watch.Interface
}

// judged are the kinds by which flows are judged.
func judged() []client.ObjectList {
	return []client.ObjectList{&corev1.NamespaceList{}, &networkingv1.NetworkPolicyList{}, &policyv1alpha2.ClusterNetworkPolicyList{}}
}

// record records what is written from now on.
func (w *world) record() *recording {
	w.t.Helper()
	r := &recording{w: w, start: map[string]client.Object{}}
	for _, list := range judged() {
		w.Expect(env.admin.List(w.ctx(), list)).To(Succeed())
		for _, obj := range itemsOf(list) {
			r.start[keyOf(obj)] = obj
		}
		one, err := env.admin.Watch(w.ctx(), list, &client.ListOptions{Raw: startingAt(list.GetResourceVersion())})
		w.Expect(err).NotTo(HaveOccurred())
		r.watches = append(r.watches, one)
	}
	return r
}

func itemsOf(list client.ObjectList) []client.Object {
	var out []client.Object
	switch l := list.(type) {
	case *corev1.NamespaceList:
		for i := range l.Items {
			out = append(out, &l.Items[i])
		}
	case *networkingv1.NetworkPolicyList:
		for i := range l.Items {
			out = append(out, &l.Items[i])
		}
	case *policyv1alpha2.ClusterNetworkPolicyList:
		for i := range l.Items {
			out = append(out, &l.Items[i])
		}
	}
	return out
}

func keyOf(obj client.Object) string {
	kind := "Namespace"
	switch obj.(type) {
	case *networkingv1.NetworkPolicy:
		kind = "NetworkPolicy"
	case *policyv1alpha2.ClusterNetworkPolicy:
		kind = "ClusterNetworkPolicy"
	}
	return kind + " " + obj.GetNamespace() + "/" + obj.GetName()
}

// verdicts are what was said of a flow: after which writes it was allowed, and after which denied.
type verdicts struct{ allowed, denied []string }

// version is an object as it was written, or nil as it was deleted.
type version struct {
	number int
	key    string
	obj    client.Object
}

// replay waits until all is recorded that is there now, and judges flows in the state at the start and after every write.
func (r *recording) replay(flows map[string]reach.Flow) (out map[string]*verdicts, writes int) {
	r.w.t.Helper()
	versions := r.collect()
	slices.SortStableFunc(versions, func(a, b version) int { return a.number - b.number })
	state, out := maps.Clone(r.start), map[string]*verdicts{}
	for name := range flows {
		out[name] = &verdicts{}
	}
	judge := func(after string) {
		cluster := r.cluster(state)
		for name, flow := range flows {
			if cluster.Allowed(flow).Allowed() {
				out[name].allowed = append(out[name].allowed, after)
			} else {
				out[name].denied = append(out[name].denied, after)
			}
		}
	}
	judge("the start")
	for _, v := range versions {
		state[v.key] = v.obj
		judge(strconv.Itoa(v.number) + " " + v.key)
	}
	return out, len(versions)
}

// collect stops the watches when they have told of all that is there.
func (r *recording) collect() []version {
	r.w.t.Helper()
	var versions []version
	seen := map[string]string{}
	for key, obj := range r.start {
		seen[key] = obj.GetResourceVersion()
	}
	r.w.Eventually(func() []string {
		for _, one := range r.watches {
			for hasMore := true; hasMore; {
				select {
				case e := <-one.ResultChan():
					versions = r.note(versions, e, seen)
				default:
					hasMore = false
				}
			}
		}
		return r.behind(seen)
	}, soon, tick).Should(BeEmpty())
	for _, one := range r.watches {
		one.Stop()
	}
	return versions
}

func (r *recording) note(versions []version, e watch.Event, seen map[string]string) []version {
	obj, ok := e.Object.(client.Object)
	if !ok || obj.GetName() == "" {
		return versions
	}
	number, err := strconv.Atoi(obj.GetResourceVersion())
	r.w.Expect(err).NotTo(HaveOccurred())
	v := version{number, keyOf(obj), obj}
	seen[v.key] = obj.GetResourceVersion()
	if e.Type == watch.Deleted {
		v.obj = nil
		delete(seen, v.key)
	}
	return append(versions, v)
}

// behind are the objects that the watches have not told of as they are now.
func (r *recording) behind(seen map[string]string) []string {
	var out []string
	now := map[string]bool{}
	for _, list := range judged() {
		r.w.Expect(env.admin.List(r.w.ctx(), list)).To(Succeed())
		for _, obj := range itemsOf(list) {
			now[keyOf(obj)] = true
			if strings.Contains(keyOf(obj), r.w.name) && seen[keyOf(obj)] != obj.GetResourceVersion() {
				out = append(out, keyOf(obj))
			}
		}
	}
	for key := range seen {
		if strings.Contains(key, r.w.name) && !now[key] {
			out = append(out, key)
		}
	}
	return out
}

func (r *recording) cluster(state map[string]client.Object) *reach.Cluster {
	r.w.t.Helper()
	var namespaces []reach.Namespace
	var policies []*networkingv1.NetworkPolicy
	var guards []*policyv1alpha2.ClusterNetworkPolicy
	for _, obj := range state {
		switch o := obj.(type) {
		case *corev1.Namespace:
			namespaces = append(namespaces, reach.Namespace{Name: o.Name, Labels: o.Labels})
		case *networkingv1.NetworkPolicy:
			policies = append(policies, o)
		case *policyv1alpha2.ClusterNetworkPolicy:
			guards = append(guards, o)
		}
	}
	c, err := reach.NewTiered(namespaces, policies, guards)
	r.w.Expect(err).NotTo(HaveOccurred())
	return c
}
