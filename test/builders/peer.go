package builders

import (
	segv1alpha1 "github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// PeerBuilder makes a peer of a profile.
type PeerBuilder struct {
	obj segv1alpha1.Peer
}

// MakePeer begins a peer. It still needs Selector, Names or CIDR.
func MakePeer(name string) *PeerBuilder {
	return &PeerBuilder{obj: segv1alpha1.Peer{Name: segv1alpha1.Name(name)}}
}

// Selector chooses the peer's namespaces by labels, and by requirements if there are any.
func (b *PeerBuilder) Selector(
	labels map[string]string, requirements ...segv1alpha1.LabelSelectorRequirement,
) *PeerBuilder {
	b.namespaces().Selector = LabelSelector(labels, requirements...)
	return b
}

// Names chooses the peer's namespaces by name.
func (b *PeerBuilder) Names(names ...string) *PeerBuilder {
	set := b.namespaces()
	set.Names = append(set.Names, namespaceNames(names)...)
	return b
}

// Pods narrows the peer to pods with these labels.
func (b *PeerBuilder) Pods(
	labels map[string]string, requirements ...segv1alpha1.LabelSelectorRequirement,
) *PeerBuilder {
	b.obj.Pods = LabelSelector(labels, requirements...)
	return b
}

// CIDR adds a range of addresses to the peer, less the exceptions.
func (b *PeerBuilder) CIDR(cidr string, except ...string) *PeerBuilder {
	block := segv1alpha1.CIDRBlock{CIDR: segv1alpha1.CIDR(cidr)}
	for _, e := range except {
		block.Except = append(block.Except, segv1alpha1.CIDR(e))
	}
	b.obj.CIDRs = append(b.obj.CIDRs, block)
	return b
}

// Service makes the peer a Service in its namespaces.
func (b *PeerBuilder) Service(name string) *PeerBuilder {
	b.obj.Service = segv1alpha1.Name(name)
	return b
}

// APIServer makes the peer the API server.
func (b *PeerBuilder) APIServer() *PeerBuilder {
	b.obj.APIServer = &segv1alpha1.APIServerPeer{}
	return b
}

// Internet makes the peer all that is outside the cluster.
func (b *PeerBuilder) Internet(private segv1alpha1.PrivateRanges) *PeerBuilder {
	b.obj.Internet = &segv1alpha1.InternetPeer{PrivateRanges: private}
	return b
}

// Obj returns the peer.
func (b *PeerBuilder) Obj() segv1alpha1.Peer {
	return *b.obj.DeepCopy()
}

func (b *PeerBuilder) namespaces() *segv1alpha1.NamespaceSet {
	if b.obj.Namespaces == nil {
		b.obj.Namespaces = &segv1alpha1.NamespaceSet{}
	}
	return b.obj.Namespaces
}
