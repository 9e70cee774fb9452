package plan

import (
	"cmp"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// Istio is how a profile is enforced by Istio as well.
type Istio struct {
	// StrictTLS is set if workloads of the tiers take connections by mutual TLS only.
	StrictTLS bool
	// TrustDomain is the trust domain by which service accounts are named.
	TrustDomain string
}

// istio fills in the defaults for profiles that did not pass through the API server. A trust domain with a wildcard in it
// would stand for service accounts of other meshes.
func (c *compiler) istio(path *field.Path) *Istio {
	if c.spec.Mesh.Istio == nil {
		return nil
	}
	declared := c.spec.Mesh.Istio
	oneOf(c, declared.MutualTLS, path.Child("mutualTLS"), v1alpha1.MutualTLSUnmanaged, v1alpha1.MutualTLSStrict, "")
	out := &Istio{
		StrictTLS:   declared.MutualTLS == v1alpha1.MutualTLSStrict,
		TrustDomain: cmp.Or(declared.TrustDomain, "cluster.local"),
	}
	c.check(validation.IsDNS1123Subdomain(out.TrustDomain), out.TrustDomain, path.Child("trustDomain"))
	return out
}

// serviceAccounts checks those that a side of a dependency names, and returns them sorted. Those of addresses nobody knows.
func (c *compiler) serviceAccounts(e *v1alpha1.Endpoint, of *Party, path *field.Path) []string {
	at := path.Child("serviceAccounts")
	for i, name := range e.ServiceAccounts {
		c.check(validation.IsDNS1123Subdomain(string(name)), string(name), at.Index(i))
	}
	if len(e.ServiceAccounts) > 0 && of.Peer != "" && of.Namespaces == nil {
		c.fail(field.Forbidden(at, "a peer of addresses has no service accounts; leave them out, or use a peer with namespaces"))
	}
	return sortedStrings(e.ServiceAccounts)
}
