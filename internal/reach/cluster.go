package reach

import (
	"fmt"
	"maps"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
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

// Cluster is what decides over flows: the labels of namespaces, and the policies in them.
type Cluster struct {
	namespaces map[string]labels.Set
	// policies are the policies of each namespace, in the order they were given.
	policies map[string][]*policy
}

// New makes a cluster of namespaces and policies. It fails on a policy that the API server
// would refuse because a selector or a range of addresses in it cannot be read.
func New(namespaces []Namespace, policies []*networkingv1.NetworkPolicy) (*Cluster, error) {
	c := &Cluster{
		namespaces: make(map[string]labels.Set, len(namespaces)),
		policies:   map[string][]*policy{},
	}
	for _, ns := range namespaces {
		set := labels.Set{corev1.LabelMetadataName: ns.Name}
		maps.Copy(set, ns.Labels)
		c.namespaces[ns.Name] = set
	}
	for _, p := range policies {
		parsed, err := parsePolicy(p)
		if err != nil {
			return nil, fmt.Errorf("policy %s/%s: %w", p.Namespace, p.Name, err)
		}
		c.policies[p.Namespace] = append(c.policies[p.Namespace], parsed)
	}
	return c, nil
}
