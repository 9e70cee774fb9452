package segmentationtest

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/internal/offline"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// Flow is a connection that one party opens to another.
type Flow struct {
	// From opens it, To is called.
	From, To Party
	// Port is the port of the party that is called.
	Port int32
	// Protocol is its protocol; empty means TCP.
	Protocol corev1.Protocol
}

// Party is one end of a flow: see Pod, ThisPod and Address.
type Party struct {
	end  reach.Endpoint
	text string
}

// Pod is any pod of a namespace with these labels. It need not exist, but its namespace must.
func Pod(namespace string, of map[string]string) Party {
	text := "a pod of " + namespace
	if len(of) > 0 {
		text += " with " + labels.FormatLabels(of)
	}
	return Party{reach.Endpoint{Pod: &reach.Pod{Namespace: namespace, Labels: of}}, text}
}

// ThisPod is a pod with its labels, addresses and named ports. On the network of its node it is an address, as for policies.
func ThisPod(p *corev1.Pod) Party {
	pod := offline.PodOf(p)
	return Party{reach.Endpoint{Pod: &pod}, "pod " + p.Namespace + "/" + p.Name}
}

// Address is an address outside of the cluster. It panics if that is none.
func Address(text string) Party {
	return Party{reach.Endpoint{IP: netip.MustParseAddr(text)}, text}
}

// String is the flow in a few words.
func (f Flow) String() string {
	protocol := f.Protocol
	if protocol == "" {
		protocol = corev1.ProtocolTCP
	}
	return fmt.Sprintf("%s to %s on %d/%s", f.From.text, f.To.text, f.Port, protocol)
}

// AllowsFlow fails the test if the NetworkPolicies that are there now, whoever wrote them, do not allow a flow.
func (e *Env) AllowsFlow(tb testing.TB, f Flow) {
	tb.Helper()
	if why := e.explain(tb, f); !why.Verdict().Allowed() {
		tb.Errorf("not allowed: %s\n%s", f, why)
	}
}

// DeniesFlow fails the test if the NetworkPolicies that are there now, whoever wrote them, allow a flow.
func (e *Env) DeniesFlow(tb testing.TB, f Flow) {
	tb.Helper()
	if why := e.explain(tb, f); why.Verdict().Allowed() {
		tb.Errorf("allowed: %s\n%s", f, why)
	}
}

// check says what is wrong with a flow. Policies apply to nothing that is not there, so that a name that was mistyped would
// pass for a party to which nothing is closed.
func (e *Env) check(ctx context.Context, f Flow) error {
	const lastPort = 65535
	if f.Port < 1 || f.Port > lastPort {
		return fmt.Errorf("%d is no port", f.Port)
	}
	for _, p := range []Party{f.From, f.To} {
		switch {
		case p.text == "":
			return errors.New("a flow needs From and To")
		case p.end.Pod == nil:
		default:
			var namespace corev1.Namespace
			if err := e.Client.Get(ctx, client.ObjectKey{Name: p.end.Pod.Namespace}, &namespace); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *Env) explain(tb testing.TB, f Flow) reach.Explanation {
	tb.Helper()
	if err := e.check(tb.Context(), f); err != nil {
		tb.Fatalf("judging a flow: %v", err)
	}
	cluster, err := e.cluster(tb.Context())
	if err != nil {
		tb.Fatalf("judging a flow: %v", err)
	}
	return cluster.Explain(reach.Flow{From: f.From.end, To: f.To.end, Port: f.Port, Protocol: f.Protocol})
}

// cluster is what decides over flows now.
func (e *Env) cluster(ctx context.Context) (*reach.Cluster, error) {
	var namespaces corev1.NamespaceList
	if err := e.Client.List(ctx, &namespaces); err != nil {
		return nil, err
	}
	var policies networkingv1.NetworkPolicyList
	if err := e.Client.List(ctx, &policies); err != nil {
		return nil, err
	}
	world := offline.World{Namespaces: namespaces.Items, Policies: policies.Items}
	return world.Cluster()
}
