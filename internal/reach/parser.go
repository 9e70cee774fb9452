package reach

import (
	"encoding/binary"
	"fmt"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
)

// parser reads policies. Of what it has read before it returns what it returned then.
type parser struct {
	namespaces, pods *selectors

	peers    map[peerKey]*peer
	peerList []*peer
	rules    map[string]*rule
	ruleList []*rule
	specs    map[string]*spec
	scratch  []byte
}

// peerKey tells peers apart.
type peerKey struct {
	// namespaces and pods are the ids of selectors; own stands for the policy's own
	// namespace, and none for the pods of a block.
	namespaces, pods int
	block            string
}

const (
	own  = -1
	none = -2
)

func newParser() *parser {
	return &parser{
		namespaces: newSelectors(),
		pods:       newSelectors(),
		peers:      map[peerKey]*peer{},
		rules:      map[string]*rule{},
		specs:      map[string]*spec{},
	}
}

func (p *parser) spec(declared *networkingv1.NetworkPolicySpec) (*spec, error) {
	pods, err := p.pods.of(&declared.PodSelector)
	if err != nil {
		return nil, fmt.Errorf("podSelector: %w", err)
	}
	out := &spec{pods: pods}
	for _, declaredType := range PolicyTypes(declared) {
		d := directionOf(declaredType)
		out.isolates[d], out.rules[d] = true, nil
		for i, of := range rulesOf(declared, d) {
			parsed, err := p.rule(of)
			if err != nil {
				return nil, fmt.Errorf("%s rule %d: %w", declaredType, i, err)
			}
			out.rules[d] = append(out.rules[d], parsed)
		}
	}
	key := out.key()
	if known := p.specs[key]; known != nil {
		return known, nil
	}
	out.id = len(p.specs)
	p.specs[key] = out
	return out, nil
}

func (p *parser) rule(declared networkingv1.NetworkPolicyIngressRule) (*rule, error) {
	peers := make([]*peer, 0, len(declared.From))
	for i := range declared.From {
		parsed, err := p.peer(&declared.From[i])
		if err != nil {
			return nil, fmt.Errorf("peer %d: %w", i, err)
		}
		peers = append(peers, parsed)
	}
	ports := parsePorts(declared.Ports)

	key := binary.AppendUvarint(p.scratch[:0], uint64(len(peers)))
	for _, one := range peers {
		key = binary.AppendUvarint(key, uint64(one.id))
	}
	for _, r := range ports {
		key = appendText(appendText(key, string(r.protocol)), r.name)
		key = binary.AppendUvarint(binary.AppendUvarint(key, uint64(r.first)), uint64(r.last))
	}
	p.scratch = key
	if known := p.rules[string(key)]; known != nil {
		return known, nil
	}
	out := &rule{id: len(p.ruleList), anyone: len(peers) == 0, peers: peers, ports: ports}
	p.rules[string(key)] = out
	p.ruleList = append(p.ruleList, out)
	return out, nil
}

func (p *parser) peer(declared *networkingv1.NetworkPolicyPeer) (*peer, error) {
	parsed := &peer{}
	key := peerKey{namespaces: own, pods: none}
	var err error
	if declared.IPBlock != nil {
		if parsed.block, err = parseBlock(declared.IPBlock); err != nil {
			return nil, err
		}
		key.block = declared.IPBlock.CIDR + " " + strings.Join(declared.IPBlock.Except, " ")
	} else {
		if err := p.parseSelectors(declared, parsed); err != nil {
			return nil, err
		}
		key.pods = parsed.pods.id
		if parsed.namespaces != nil {
			key.namespaces = parsed.namespaces.id
		}
	}
	if known := p.peers[key]; known != nil {
		return known, nil
	}
	parsed.id = len(p.peerList)
	p.peers[key] = parsed
	p.peerList = append(p.peerList, parsed)
	return parsed, nil
}

func (p *parser) parseSelectors(declared *networkingv1.NetworkPolicyPeer, into *peer) error {
	pods := declared.PodSelector
	var err error
	if declared.NamespaceSelector != nil {
		if into.namespaces, err = p.namespaces.of(declared.NamespaceSelector); err != nil {
			return fmt.Errorf("namespaceSelector: %w", err)
		}
		if pods == nil {
			pods = everyPod()
		}
	}
	if into.pods, err = p.pods.of(pods); err != nil {
		return fmt.Errorf("podSelector: %w", err)
	}
	return nil
}
