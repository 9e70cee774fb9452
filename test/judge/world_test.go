package judge

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// world is a cluster, what is around it, and the ports that are called in it.
type world struct {
	namespaces []reach.Namespace
	pods       []*reach.Pod
	outside    []netip.Addr
	policies   []*networkingv1.NetworkPolicy
	called     []calledPort
}

// calledPort is what a flow asks for at the end that it calls.
type calledPort struct {
	protocol corev1.Protocol
	number   int32
}

// flows are all flows of a world: every pod to every pod, itself too, and to and from every
// address outside, on every port that is called.
func (w *world) flows() []reach.Flow {
	var out []reach.Flow
	for _, from := range w.ends() {
		for _, to := range w.ends() {
			if from.Pod == nil && to.Pod == nil {
				continue
			}
			for _, port := range w.called {
				out = append(out, reach.Flow{From: from, To: to, Protocol: port.protocol, Port: port.number})
			}
		}
	}
	return out
}

func (w *world) ends() []reach.Endpoint {
	out := make([]reach.Endpoint, 0, len(w.pods)+len(w.outside))
	for _, pod := range w.pods {
		out = append(out, reach.Endpoint{Pod: pod})
	}
	for _, ip := range w.outside {
		out = append(out, reach.Endpoint{IP: ip})
	}
	return out
}

// verdict is what somebody says about a flow: does the calling side let it out, and the
// called side in?
type verdict struct {
	egress, ingress bool
}

func (v verdict) allowed() bool { return v.egress && v.ingress }

// evaluator answers flows in one world.
type evaluator func(reach.Flow) verdict

// ours is the evaluator under test.
func ours(w *world) (evaluator, error) {
	cluster, err := reach.New(w.namespaces, w.policies)
	if err != nil {
		return nil, err
	}
	return func(f reach.Flow) verdict {
		got := cluster.Allowed(f)
		return verdict{egress: got.Egress, ingress: got.Ingress}
	}, nil
}

// itself tells whether a pod calls itself.
func itself(f reach.Flow) bool { return f.From.Pod != nil && f.From.Pod == f.To.Pod }

// routed tells whether there is a route for a flow: two pods need addresses of one family. An
// address outside is taken to be the one in the packets, whatever addresses the pod has.
func routed(f reach.Flow) bool {
	return f.From.Pod == nil || f.To.Pod == nil || address(f.From).Is4() == address(f.To).Is4()
}

// address is the address of an end that has one.
func address(e reach.Endpoint) netip.Addr {
	if e.IP.IsValid() {
		return e.IP.Unmap()
	}
	return e.Pod.IPs[0].Unmap()
}
