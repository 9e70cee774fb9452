package suggest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// composer makes a profile of what was found.
type composer struct {
	*suggester

	// coarse is set if what is exact would be too much for one profile.
	coarse bool
	// wide are dependencies that are not narrowed to a Service, since that did not allow what was observed.
	wide map[key]bool

	byAddress map[addressKey]side
	// deps are the dependencies in the making, and order their keys in the order in which they were added.
	deps  map[key]*dependency
	order []key
	// shown are the ports that were observed between two sides.
	shown map[[2]side]map[opening]bool
}

// compose makes the profile: as exact as it can be, and coarser if that would be too much for one profile. What does not
// allow what was observed is widened, until it does.
func (s *suggester) compose() (*Suggestion, error) {
	var tooMuch error
	for _, coarse := range []bool{false, true} {
		wide := map[key]bool{}
		for {
			c := &composer{suggester: s, coarse: coarse, wide: wide}
			out := c.draft()
			if tooMuch = tooLarge(out.Profile); tooMuch != nil {
				break
			}
			widened, err := c.check(out)
			if err != nil {
				return nil, err
			}
			if !widened {
				return out, nil
			}
		}
	}
	return nil, tooMuch
}

func tooLarge(p *v1alpha1.SegmentationProfile) error {
	const instead = "choose fewer namespaces by -l, or fewer labels by --group-by"
	if n := len(p.Spec.Peers); n > maxPeers {
		return fmt.Errorf("%d peers would be needed, and a profile has %d at most: %s", n, maxPeers, instead)
	}
	if n := len(p.Spec.Dependencies); n > maxDependencies {
		return fmt.Errorf("%d dependencies would be needed, and a profile has %d at most: %s", n, maxDependencies, instead)
	}
	return nil
}

// key tells dependencies apart.
type key struct {
	from, to side
	service  string
}

// dependency is a dependency in the making.
type dependency struct {
	ports map[opening]bool
	// every is set if it opens all ports.
	every bool
	// flows are the observed flows that it is for, in words, and guesses what else asks for it.
	flows, guesses []string
	// unsure is set if it was not seen who called.
	unsure bool
}

func (c *composer) draft() *Suggestion {
	c.byAddress, c.deps, c.shown = map[addressKey]side{}, map[key]*dependency{}, map[[2]side]map[opening]bool{}
	c.groupAddresses()
	for i := range c.seen {
		c.observe(&c.seen[i])
	}
	for i := range c.wishes {
		c.wish(&c.wishes[i])
	}
	c.gather()
	return c.write()
}

func (c *composer) dep(k key) *dependency {
	if c.deps[k] == nil {
		c.deps[k] = &dependency{ports: map[opening]bool{}}
		c.order = append(c.order, k)
	}
	return c.deps[k]
}

// observe adds what an observed flow needs.
func (c *composer) observe(f *seen) {
	port := opening{protocol: f.judged.Protocol, number: f.judged.Port}
	k := c.keyOf(f)
	between := [2]side{k.from, k.to}
	if c.shown[between] == nil {
		c.shown[between] = map[opening]bool{}
	}
	c.shown[between][port] = true
	if service, front, ok := c.serviceOf(f); ok {
		if narrow := (key{k.from, k.to, service}); !c.wide[narrow] {
			k, port = narrow, front
		}
	}
	d := c.dep(k)
	d.ports[port] = true
	d.every = f.to.isAPIServer // Its ports are found.
	d.unsure = d.unsure || f.flow.Guessed
	d.flows = append(d.flows, f.flow.String())
}

// keyOf are the sides of an observed flow.
func (c *composer) keyOf(f *seen) key {
	out := key{from: c.inCluster(&f.from), to: c.inCluster(&f.to)}
	at, ip, ok := c.crossingOf(f)
	switch {
	case !ok:
	case at.way == called:
		out.to = c.byAddress[addressKey{at, ip}]
	default:
		out.from = c.byAddress[addressKey{at, ip}]
	}
	return out
}

// inCluster is the side of what is no address.
func (c *composer) inCluster(p *place) side {
	if p.isAPIServer {
		c.outsiders["API server"] = outsider{peer: v1alpha1.Peer{APIServer: &v1alpha1.APIServerPeer{}}, words: []string{"kube-apiserver"}}
		return side{peer: "API server"}
	}
	if at, ours := c.tierOf[p.namespace]; ours {
		return side{tier: string(c.tiers[at].name)}
	}
	if other, isOther := c.otherOf[p.namespace]; isOther || p.namespace == "" {
		return other
	}
	o := outsider{words: []string{p.namespace}}
	set := named([]string{p.namespace})
	o.peer.Namespaces = &set
	id, value := p.identity()
	if id == "" || c.coarse {
		id = ""
	} else {
		o.peer.Pods = &v1alpha1.LabelSelector{MatchLabels: map[string]v1alpha1.LabelValue{id: v1alpha1.LabelValue(value)}}
		o.remarks = []Remark{{true, "the pods that were observed have this label"}}
		if !strings.Contains(p.namespace, value) {
			o.words = []string{p.namespace, value}
		}
	}
	of := fmt.Sprintf("namespace %s %s=%s", p.namespace, id, value)
	c.outsiders[of] = o
	return side{peer: of}
}

// serviceOf is the Service by which a flow reached its pods, as far as can be told, and the Service's port: the first of
// those that select the pod, and that every namespace of its tier has.
func (c *composer) serviceOf(f *seen) (name string, front opening, ok bool) {
	at, ours := c.tierOf[f.to.namespace]
	if !ours || c.coarse {
		return "", opening{}, false
	}
	for i := range c.cluster.services[f.to.namespace] {
		s := &c.cluster.services[f.to.namespace][i]
		if s.Problem != "" || !s.selects.Matches(labels.Set(f.to.labels)) || !c.isEverywhere(s, &c.tiers[at]) {
			continue
		}
		for _, p := range s.Ports {
			number := p.Target.IntVal
			if p.Target.Type == intstr.String {
				number = portNamed(f.to.pod, p.Target.StrVal, p.Protocol)
			}
			if p.Protocol == f.judged.Protocol && number == f.judged.Port {
				return s.name, opening{protocol: p.Protocol, number: p.Port}, true
			}
		}
	}
	return "", opening{}, false
}

// wish adds what a policy or a Service asks for, unless flows show it.
func (c *composer) wish(w *wish) {
	if shown := c.shown[[2]side{w.from.whole(), w.to.whole()}]; len(w.ports) > 0 &&
		!slices.ContainsFunc(w.ports, func(o opening) bool { return !shown[o] }) {
		return
	}
	d := c.dep(key{w.from, w.to, w.service})
	d.every = d.every || len(w.ports) == 0
	for _, o := range w.ports {
		d.ports[o] = true
	}
	d.guesses = append(d.guesses, w.why)
}

// minGathered is how many tiers there are at least for a dependency of all of them to be one.
const minGathered = 3

// gather makes one dependency of those that all tiers have alike with a peer.
func (c *composer) gather() {
	alike := map[string][]key{}
	var order []string
	for _, k := range c.order {
		if (k.from.peer == "") == (k.to.peer == "") || k.from.pods+k.to.pods+k.service+k.from.profile+k.to.profile != "" {
			continue
		}
		same := fmt.Sprint(k.from.peer, "|", k.to.peer, "|", c.deps[k].openings(), c.deps[k].every)
		if alike[same] == nil {
			order = append(order, same)
		}
		alike[same] = append(alike[same], k)
	}
	for _, same := range order {
		keys := alike[same]
		if len(keys) < len(c.tiers) || len(keys) < minGathered {
			continue
		}
		all := keys[0]
		if all.from.peer == "" {
			all.from.tier = allTiers
		} else {
			all.to.tier = allTiers
		}
		one := c.dep(all)
		for _, k := range keys {
			d := c.deps[k]
			one.ports, one.every, one.unsure = d.ports, d.every, one.unsure || d.unsure
			one.flows, one.guesses = append(one.flows, d.flows...), append(one.guesses, d.guesses...)
			delete(c.deps, k)
		}
		one.guesses = append(one.guesses, "all tiers have it, so one that is added gets it, too")
		c.order = slices.DeleteFunc(c.order, func(k key) bool { return c.deps[k] == nil })
	}
}

// allTiers stands for every tier. It is no name.
const allTiers = "*"

// openings are the ports, sorted.
func (d *dependency) openings() []opening {
	out := make([]opening, 0, len(d.ports))
	for o := range d.ports {
		out = append(out, o)
	}
	slices.SortFunc(out, opening.compare)
	return out
}

// chunks are the ports as a profile has them: neighbours as ranges if they are many, and in several dependencies if these
// are still too many.
func (d *dependency) chunks() [][]v1alpha1.Port {
	if d.every {
		return [][]v1alpha1.Port{nil}
	}
	openings := d.openings()
	if len(openings) > maxPorts {
		openings = joined(openings)
	}
	var out [][]v1alpha1.Port
	for chunk := range slices.Chunk(openings, maxPorts) {
		ports := make([]v1alpha1.Port, 0, len(chunk))
		for _, o := range chunk {
			ports = append(ports, o.port())
		}
		out = append(out, ports)
	}
	return out
}

// joined makes ranges of neighbours.
func joined(openings []opening) []opening {
	var out []opening
	for _, o := range openings {
		o.last = cmp.Or(o.last, o.number)
		before := len(out) - 1
		if before >= 0 && o.name == "" && o.number > 0 && out[before].name == "" && out[before].number > 0 &&
			out[before].protocol == o.protocol && out[before].last+1 >= o.number {
			out[before].last = max(out[before].last, o.last)
			continue
		}
		out = append(out, o)
	}
	return out
}
