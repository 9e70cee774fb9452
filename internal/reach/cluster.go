package reach

import (
	"fmt"
	"maps"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"
)

// Namespace is a namespace as far as policies look at it.
type Namespace struct {
	// Name is the namespace's name.
	Name string
	// Labels are the namespace's labels. The label kubernetes.io/metadata.name need not be
	// among them: every namespace has it.
	Labels map[string]string
}

// Pod is a pod as far as policies look at it.
type Pod struct {
	// Namespace is the namespace of the pod. One that the cluster does not have has no
	// labels and no policies.
	Namespace string
	// Name tells the pod from the others of its namespace. A pod without a name is
	// another pod each time.
	Name string
	// Labels are the pod's labels.
	Labels map[string]string
	// IPs are the pod's addresses, at most one of each family.
	IPs []netip.Addr
	// Ports are the container ports that have a name.
	Ports []NamedPort
	// HostNetwork is set for a pod on the network of its node. To policies it is no pod, but
	// an address outside: see the comment of the package.
	HostNetwork bool
}

// NamedPort is a container port that has a name.
type NamedPort struct {
	// Name is the name of the port.
	Name string
	// Protocol is the port's protocol. Empty means TCP, as in a pod.
	Protocol corev1.Protocol
	// Number is the number of the port.
	Number int32
}

// Cluster is what decides over flows: the labels of namespaces, and the policies in them. It
// does not change, and may be used by several goroutines at once.
type Cluster struct {
	namespaces map[string]*namespace
	// absent stands for every namespace that the cluster does not have.
	absent *namespace
	// rules and peers are those of all policies, each once, by their id.
	rules []*rule
	peers []*peer
	// podSelectors are the selectors of pods, by their id.
	podSelectors []*selector
	// guards are the ClusterNetworkPolicies.
	guards guards
}

// namespace is a namespace with its policies.
type namespace struct {
	name   string
	labels labels.Set
	// policies are the policies in the order they were given.
	policies []policy
	// chosen has the ids of the selectors of namespaces that match.
	chosen bits
	// guards are the ClusterNetworkPolicies that may have pods of the namespace as their subject; nil if the cluster has
	// none at all.
	guards *guards
}

// New makes a cluster of namespaces and policies. It fails on a policy that the API server
// would refuse because a selector or a range of addresses in it cannot be read.
//
// What policies have in common is read once: the same selector, peer, rule or spec in
// thousands of policies costs little more than in one.
func New(namespaces []Namespace, policies []*networkingv1.NetworkPolicy) (*Cluster, error) {
	return NewTiered(namespaces, policies, nil)
}

// NewTiered makes a cluster that has ClusterNetworkPolicies too. It fails on one that the API server would refuse, as New
// does, also because its tier, its subject or an action is none that is known. A rule whose peers or protocols cannot be
// judged is no mistake, but fails closed: see the comment of the package.
func NewTiered(
	namespaces []Namespace, policies []*networkingv1.NetworkPolicy, clusterPolicies []*policyv1alpha2.ClusterNetworkPolicy,
) (*Cluster, error) {
	c := &Cluster{namespaces: make(map[string]*namespace, len(namespaces)), absent: &namespace{}}
	for _, ns := range namespaces {
		set := labels.Set{corev1.LabelMetadataName: ns.Name}
		maps.Copy(set, ns.Labels)
		c.namespaces[ns.Name] = &namespace{name: ns.Name, labels: set}
	}
	parser := newParser()
	for _, p := range policies {
		parsed, err := parser.spec(&p.Spec)
		if err != nil {
			return nil, fmt.Errorf("policy %s/%s: %w", p.Namespace, p.Name, err)
		}
		ns := c.namespaces[p.Namespace]
		if ns == nil {
			// Its labels are not known, but its policies are.
			ns = &namespace{name: p.Namespace}
			c.namespaces[p.Namespace] = ns
		}
		ns.policies = append(ns.policies, policy{p.Name, parsed})
	}
	guards, err := parser.guards(clusterPolicies)
	if err != nil {
		return nil, err
	}
	c.guards = guardsOf(guards)
	c.rules, c.peers, c.podSelectors = parser.ruleList, parser.peerList, parser.pods.list
	c.choose(parser.namespaces.list)
	return c, nil
}

// choose tells for each namespace which selectors match it.
func (c *Cluster) choose(selectors []*selector) {
	sorter := newSorter(selectors)
	c.absent.chosen = sorter.matching(nil)
	for _, ns := range c.namespaces {
		ns.chosen = sorter.matching(ns.labels)
	}
	if c.guards.empty() {
		return
	}
	c.absent.guards = c.guards.of(c.absent.chosen)
	for _, ns := range c.namespaces {
		ns.guards = c.guards.of(ns.chosen)
	}
}

// namespaceOf is the namespace of a pod.
func (c *Cluster) namespaceOf(name string) *namespace {
	if ns := c.namespaces[name]; ns != nil {
		return ns
	}
	return c.absent
}
