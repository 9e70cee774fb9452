package reach_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"pgregory.net/rapid"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// spelt judges ClusterNetworkPolicies as their API is written, rule by rule and flow by flow.
type spelt struct {
	tieredCluster

	// below is the cluster without them, which says what NetworkPolicies do.
	below *reach.Cluster
}

// passes tells whether one side lets a flow pass.
func (s *spelt) passes(f reach.Flow, isEgress bool) bool {
	near, side := f.To, s.below.Explain(f).Ingress
	if isEgress {
		near, side = f.From, s.below.Explain(f).Egress
	}
	if near.Pod == nil {
		return true
	}
	switch s.tier("Admin", f, near.Pod, isEgress) {
	case "Accept":
		return true
	case "Deny":
		return false
	case "Pass":
	}
	switch side.Reason {
	case reach.ByRule:
		return true
	case reach.NoRule:
		return false
	default:
		return s.tier("Baseline", f, near.Pod, isEgress) != "Deny"
	}
}

// tier is the action of a tier; Pass if it has none. Policies of the same priority are put so that the one that lets the
// least pass is the first.
func (s *spelt) tier(tier policyv1alpha2.Tier, f reach.Flow, near *reach.Pod, isEgress bool) policyv1alpha2.ClusterNetworkPolicyRuleAction {
	for priority := range int32(4) {
		actions := map[policyv1alpha2.ClusterNetworkPolicyRuleAction]bool{}
		for _, g := range s.guards {
			if g.Spec.Tier == tier && g.Spec.Priority == priority && s.isSubject(&g.Spec.Subject, near) {
				actions[s.action(&g.Spec, f, isEgress)] = true
			}
		}
		for _, action := range []policyv1alpha2.ClusterNetworkPolicyRuleAction{"Deny", "Pass", "Accept"} {
			if actions[action] {
				return action
			}
		}
	}
	return "Pass"
}

// action is that of the first rule that has a flow; empty if there is none.
func (s *spelt) action(spec *policyv1alpha2.ClusterNetworkPolicySpec, f reach.Flow, isEgress bool) policyv1alpha2.ClusterNetworkPolicyRuleAction {
	rules := spec.Egress
	if !isEgress {
		rules = nil
		for _, r := range spec.Ingress {
			out := policyv1alpha2.ClusterNetworkPolicyEgressRule{Action: r.Action, Protocols: r.Protocols}
			for _, p := range r.From {
				out.To = append(out.To, policyv1alpha2.ClusterNetworkPolicyEgressPeer{Namespaces: p.Namespaces, Pods: p.Pods})
			}
			rules = append(rules, out)
		}
	}
	far := f.To
	if !isEgress {
		far = f.From
	}
	for _, r := range rules {
		isUnknown := slices.ContainsFunc(r.Protocols, func(p policyv1alpha2.ClusterNetworkPolicyProtocol) bool {
			return p.TCP != nil && p.TCP.DestinationPort == nil
		}) || slices.ContainsFunc(r.To, func(p policyv1alpha2.ClusterNetworkPolicyEgressPeer) bool {
			return p.Namespaces == nil && p.Pods == nil && p.Networks == nil
		})
		switch {
		case isUnknown && r.Action != "Accept":
			return "Deny"
		case isUnknown:
		case slices.ContainsFunc(r.To, func(p policyv1alpha2.ClusterNetworkPolicyEgressPeer) bool { return s.isPeer(&p, far) }) &&
			(len(r.Protocols) == 0 || slices.ContainsFunc(r.Protocols, func(p policyv1alpha2.ClusterNetworkPolicyProtocol) bool { return isPort(&p, f) })):
			return r.Action
		}
	}
	return ""
}

func (s *spelt) isSubject(of *policyv1alpha2.ClusterNetworkPolicySubject, near *reach.Pod) bool {
	return s.isPeer(&policyv1alpha2.ClusterNetworkPolicyEgressPeer{Namespaces: of.Namespaces, Pods: of.Pods}, reach.Endpoint{Pod: near})
}

func (s *spelt) isPeer(p *policyv1alpha2.ClusterNetworkPolicyEgressPeer, far reach.Endpoint) bool {
	if p.Networks != nil {
		ip := far.IP
		if far.Pod != nil && len(far.Pod.IPs) > 0 {
			ip = far.Pod.IPs[0]
		}
		return slices.ContainsFunc(p.Networks, func(c policyv1alpha2.CIDR) bool { return netip.MustParsePrefix(string(c)).Contains(ip) })
	}
	if far.Pod == nil {
		return false
	}
	namespaces, pods := p.Namespaces, &metav1.LabelSelector{}
	if p.Pods != nil {
		namespaces, pods = &p.Pods.NamespaceSelector, &p.Pods.PodSelector
	}
	i := slices.IndexFunc(s.spaces, func(n reach.Namespace) bool { return n.Name == far.Pod.Namespace })
	return selects(namespaces, s.spaces[i].Labels) && selects(pods, far.Pod.Labels)
}

func selects(selector *metav1.LabelSelector, set labels.Set) bool {
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && parsed.Matches(set)
}

func isPort(p *policyv1alpha2.ClusterNetworkPolicyProtocol, f reach.Flow) bool {
	of := map[corev1.Protocol]*policyv1alpha2.Port{}
	switch {
	case p.TCP != nil:
		of[corev1.ProtocolTCP] = p.TCP.DestinationPort
	case p.UDP != nil:
		of[udp] = p.UDP.DestinationPort
	case p.SCTP != nil:
		of[sctp] = p.SCTP.DestinationPort
	default:
		return f.To.Pod != nil && slices.Contains(f.To.Pod.Ports, reach.NamedPort{Name: p.DestinationNamedPort, Protocol: f.Protocol, Number: f.Port})
	}
	port := of[f.Protocol]
	return port != nil && (port.Number == f.Port || port.Range != nil && port.Range.Start <= f.Port && f.Port <= port.Range.End)
}

func TestFlowsAreJudgedAsTheAPIOfClusterNetworkPoliciesIsWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		drawn := drawTiered(t)
		cluster, by := drawn.make(t), spelt{drawn, drawn.drawnCluster.make(t)}
		for flow := range someFlows(t, cluster, drawOptions(t)...) {
			want := reach.Verdict{Egress: by.passes(flow, true), Ingress: by.passes(flow, false)}
			if diff := cmp.Diff(want, cluster.Allowed(flow)); diff != "" {
				t.Fatalf("%s (-as written +Allowed):\n%s\n%s", flowText(flow), diff, cluster.Explain(flow))
			}
			if diff := cmp.Diff(want, cluster.Explain(flow).Verdict()); diff != "" {
				t.Fatalf("%s (-as written +Explain):\n%s", flowText(flow), diff)
			}
		}
	})
}

// someFlows are flows of a space, at most a few thousand of them, evenly.
func someFlows(t *rapid.T, cluster *reach.Cluster, with ...reach.Option) func(yield func(reach.Flow) bool) {
	space, err := reach.NewSpace([]*reach.Cluster{cluster}, with...)
	if err != nil {
		t.Fatal(err)
	}
	const step = 13
	turn := rapid.IntRange(0, step-1).Draw(t, "turn")
	return func(yield func(reach.Flow) bool) {
		count := 0
		for flow := range space.Flows() {
			turn++
			if turn%step != 0 {
				continue
			}
			count++
			if count > 3000 || !yield(flow) {
				return
			}
		}
	}
}

// A port has one name at most: with more, sets of ports are not exact.
func hasOneName(f reach.Flow) bool { return f.To.Pod == nil || len(f.To.Pod.Ports) < 2 }

func TestADifferenceOfTiersAgreesWithEveryFlow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		first := drawTiered(t)
		before, after := first.make(t), first.change(t).make(t)
		with := drawOptions(t)
		difference := mustCompare(t, before, after, with)
		space, err := reach.NewSpace([]*reach.Cluster{before, after}, with...)
		if err != nil {
			t.Fatal(err)
		}
		turn := rapid.IntRange(0, 6).Draw(t, "turn")
		for flow := range space.Flows() {
			turn++
			if turn%7 == 0 && hasOneName(flow) {
				checkFlow(t, before, after, difference, flow)
			}
		}
		for change := range difference.All() {
			if !hasOneName(change.Example) {
				continue
			}
			was, is := before.Allowed(change.Example), after.Allowed(change.Example)
			if was.Allowed() == is.Allowed() || is.Allowed() != change.Opened {
				t.Fatalf("%s, opened: %v; before %+v, after %+v", flowText(change.Example), change.Opened, was, is)
			}
		}
	})
}

// A policy that accepts all between pods before all others opens it, and one that denies it closes it.
func TestOneRuleForAllDecidesAll(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		drawn := drawTiered(t)
		for i := range drawn.guards {
			drawn.guards[i].Spec.Priority += 2
		}
		action := drawAction(t)
		all := &policyv1alpha2.ClusterNetworkPolicy{}
		all.Spec.Tier, all.Spec.Priority = policyv1alpha2.AdminTier, 1
		all.Spec.Subject.Namespaces = &metav1.LabelSelector{}
		all.Spec.Ingress = []policyv1alpha2.ClusterNetworkPolicyIngressRule{{
			Action: action, From: []policyv1alpha2.ClusterNetworkPolicyIngressPeer{{Namespaces: &metav1.LabelSelector{}}},
		}}
		all.Spec.Egress = []policyv1alpha2.ClusterNetworkPolicyEgressRule{{
			Action: action, To: []policyv1alpha2.ClusterNetworkPolicyEgressPeer{{Namespaces: &metav1.LabelSelector{}}},
		}}
		ruled := drawn
		ruled.guards = append(slices.Clone(drawn.guards), all)
		cluster := ruled.make(t)
		for flow := range someFlows(t, cluster) {
			got := cluster.Allowed(flow)
			switch isPods := flow.From.Pod != nil && flow.To.Pod != nil; {
			case isPods && action == "Accept" && !got.Allowed():
				t.Fatalf("%s does not pass: %s", flowText(flow), cluster.Explain(flow))
			case isPods && action == "Deny" && (got.Egress || got.Ingress):
				t.Fatalf("%s passes: %s", flowText(flow), cluster.Explain(flow))
			}
		}
	})
}

func TestAmongSaysOfEachPairOfPodsWhatTiersChange(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		first := drawTiered(t)
		before, after := first.make(t), first.change(t).make(t)
		pods := drawPods(t)
		for _, p := range pods {
			p.Ports = p.Ports[:min(len(p.Ports), 1)]
		}
		difference := mustCompare(t, before, after, drawOptions(t))
		checkAmong(t, before, after, difference, pods)
	})
}

func TestTheMatrixOfTiersAgreesWithEveryFlow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		drawn := drawTiered(t)
		drawn.policies = rapid.SliceOfN(rapid.Custom(drawPolicy), 0, 3).Draw(t, "without names")
		for _, g := range drawn.guards {
			for i := range g.Spec.Ingress {
				g.Spec.Ingress[i].Protocols = withoutNames(g.Spec.Ingress[i].Protocols)
			}
			for i := range g.Spec.Egress {
				g.Spec.Egress[i].Protocols = withoutNames(g.Spec.Egress[i].Protocols)
			}
		}
		cluster := drawn.make(t)
		matrix, err := cluster.Matrix(drawn.spaces)
		if err != nil {
			t.Fatal(err)
		}
		for i := range matrix.Groups {
			for k := range matrix.Groups {
				if len(matrix.Groups[i].Namespaces) > 0 && len(matrix.Groups[k].Namespaces) > 0 {
					checkCell(t, cluster, matrix, i, k)
				}
			}
		}
	})
}
