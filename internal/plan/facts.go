package plan

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/segmentation-dev/segmentation-operator/internal/addresses"
)

// Facts are what a cluster says that plans depend on.
type Facts struct {
	// DNS are the Services that answer names, by what plans say of them (Plan.DNS).
	DNS map[types.NamespacedName]Service
	// APIServer are the addresses and ports behind the Service of the API server.
	APIServer []addresses.Endpoints
	// APIServerService is that Service itself.
	APIServerService Service
	// Addresses are the cluster's own.
	Addresses addresses.Cluster
	// Called are the Services that dependencies name, as they are in the namespaces in which they are looked for.
	Called map[Called][]Variant
	// Others are the other profiles, by name; nil for one that cannot be read.
	Others map[string]*Plan
	// GoByServiceAddresses is set if the network plugin compares the addresses of Services with policies, before it
	// replaces them by those of pods.
	GoByServiceAddresses bool
	// Forms are those that the engine cannot take, and Names the numbers that names of ports stand for on all pods that
	// are called.
	Forms Forms
	Names map[Named]int32
}

// Needs are the facts that plans ask for, beside those that are looked up by name.
type Needs struct {
	// APIServer is set if the addresses of the API server are asked for, and Addresses if the cluster's own are.
	APIServer, Addresses bool
}

// Add adds what a plan asks for.
func (n *Needs) Add(p *Plan) {
	for i := range p.Tiers {
		for j := range p.Tiers[i].Declared {
			remote := &p.Tiers[i].Declared[j].Remote
			n.APIServer = n.APIServer || remote.APIServer
			n.Addresses = n.Addresses || remote.Internet != nil || len(remote.CIDRs) > 0
		}
	}
}

// Called is a Service that dependencies of one profile name.
type Called struct {
	// Profile is the name of the profile.
	Profile string
	// Tier is the tier in whose namespaces it is looked for; or Peer the peer.
	Tier, Peer string
	// Service is its name.
	Service string
}

// Variant is a form that a Service has in some namespaces.
type Variant struct {
	Service
	// Namespaces are those in which it has that form, sorted.
	Namespaces []string
}

// MaxVariants is how many forms of one Service, and MaxOutside how many namespaces of a peer that have it, a
// plan takes in. Each is a rule, or a part of one, in every namespace that calls it.
const (
	MaxVariants = 32
	MaxOutside  = 256
)

// Usual are the facts of a cluster as Kubernetes' own installer makes it, of which nothing else is known: for
// profiles that are read where there is no cluster to look at.
func Usual() *Facts {
	dns := func(protocol corev1.Protocol) ServicePort {
		return ServicePort{Name: "dns", Protocol: protocol, Port: dnsPort, Target: intstr.FromInt32(dnsPort)}
	}
	return &Facts{
		DNS: map[types.NamespacedName]Service{{Namespace: "kube-system", Name: "kube-dns"}: {
			Pods: map[string]string{"k8s-app": "kube-dns"}, Ports: []ServicePort{dns(corev1.ProtocolTCP), dns(corev1.ProtocolUDP)},
		}},
	}
}

// APIServerService is the Service behind which the API servers are:
// https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
var APIServerService = types.NamespacedName{Namespace: "default", Name: "kubernetes"} //nolint:gochecknoglobals // A name, never changed.

// dnsPort is the port on which names are asked for (RFC 1035).
const dnsPort = 53

// Finding is something about a plan that a person should look at.
type Finding struct {
	// Reason is one of the reasons of findings in api/v1alpha1.
	Reason string
	// Namespace is the namespace concerned, if it is about one.
	Namespace string
	// Message says what was found and what to do about it.
	Message string
}

// Resolved is a plan for what a cluster says.
type Resolved struct {
	Plan *Plan
	// Findings are what cannot be opened, or opens more than one would think.
	Findings []Finding
}
