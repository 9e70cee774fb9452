package offline

import (
	"fmt"
	"net/netip"
	"strings"
)

// missing is the dependency that would let a flow pass, and whose profile it belongs to.
func (a *asker) missing(from, to *asked, port portAsked) (profile, line string) {
	f, t := a.namesIn(from.profile), a.namesIn(to.profile)
	switch {
	case from.profile != "" && to.profile != "" && from.profile != to.profile:
		return "profiles " + from.profile + " and " + to.profile, fmt.Sprintf(
			"# in %s\n%s# in %s\n%s",
			from.profile, f.dependency(from.ofTier(""), to.ofTier(from.profile), port),
			to.profile, t.dependency(from.ofTier(to.profile), to.ofTier(""), port))
	case from.profile != "" && to.profile != "":
		return "profile " + from.profile, f.dependency(from.ofTier(""), to.ofTier(""), port)
	case from.profile != "":
		declared, peer := f.peer(to)
		return "profile " + from.profile, declared + f.dependency(from.ofTier(""), peer, port)
	case to.profile != "":
		declared, peer := t.peer(from)
		return "profile " + to.profile, declared + t.dependency(peer, to.ofTier(""), port)
	default:
		return "", ""
	}
}

// sideText is one side of a dependency as a profile has it, and the word that it has in the dependency's name.
type sideText struct{ word, text string }

// ofTier names the tier of a party as a profile does; with the other profile's name, unless that asks itself.
func (p *asked) ofTier(other string) sideText {
	if other != "" && p.profile != other {
		return sideText{p.tier, fmt.Sprintf("profile: %s, tier: %s", p.profile, p.tier)}
	}
	return sideText{p.tier, "tier: " + p.tier}
}

// address is the address by which policies know a party: what is outside, or a pod on the network of its node.
func (p *asked) address() (ip netip.Addr, ok bool) {
	switch {
	case p.end.Pod == nil:
		return p.end.IP, true
	case p.end.Pod.HostNetwork && len(p.end.Pod.IPs) > 0:
		return p.end.Pod.IPs[0], true
	default:
		return netip.Addr{}, false
	}
}

// taken are the names that a profile has, so that what is to be added to it does not replace what is there.
type taken struct {
	profile               string
	parties, dependencies map[string]bool
}

func (a *asker) namesIn(profile string) taken {
	out := taken{profile, map[string]bool{}, map[string]bool{}}
	of := a.rendered.Profiles[profile]
	if of == nil {
		return out
	}
	spec := &of.Profile.Spec
	for i := range spec.Tiers {
		out.parties[string(spec.Tiers[i].Name)] = true
	}
	for i := range spec.Peers {
		out.parties[string(spec.Peers[i].Name)] = true
	}
	for i := range spec.Dependencies {
		out.dependencies[string(spec.Dependencies[i].Name)] = true
	}
	return out
}

func (t *taken) dependency(from, to sideText, port portAsked) string {
	name := free(t.dependencies, from.word+"-"+to.word)
	return fmt.Sprintf("dependencies:\n- {name: %s, from: {%s}, to: {%s}, ports: [%s]}\n", name, from.text, to.text, port.yaml())
}

// peer declares a party that is no tier as a peer.
func (t *taken) peer(p *asked) (declared string, side sideText) {
	if p.peer != "" && p.peerOf == t.profile {
		return "", sideText{p.peer, "peer: " + p.peer}
	}
	if ip, ok := p.address(); ok {
		name := free(t.parties, strings.Trim(strings.NewReplacer(".", "-", ":", "-").Replace("ip-"+ip.String()), "-"))
		return fmt.Sprintf("peers:\n- {name: %s, cidrs: [{cidr: %s/%d}]}\n", name, ip, ip.BitLen()), sideText{name, "peer: " + name}
	}
	name := free(t.parties, p.end.Pod.Namespace)
	return fmt.Sprintf("peers:\n- {name: %s, namespaces: {names: [%s]}}\n", name, p.end.Pod.Namespace), sideText{name, "peer: " + name}
}

// maxName is how long a name is at most.
const maxName = 63

// free is a name that is not taken: as it is, or with a number.
func free(taken map[string]bool, name string) string {
	out := cut(name, maxName)
	for i := 2; taken[out]; i++ {
		suffix := fmt.Sprintf("-%d", i)
		out = cut(name, maxName-len(suffix)) + suffix
	}
	return out
}

func cut(name string, most int) string {
	return strings.TrimRight(name[:min(len(name), most)], "-")
}
