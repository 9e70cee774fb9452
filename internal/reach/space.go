package reach

import (
	"fmt"
	"net/netip"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"
)

// Space is every flow that could exist between pods, and between pods and addresses outside,
// cut into classes that the given clusters do not tell apart. Pods are classed by the
// outcomes of the selectors in play, whether or not there is such a pod; namespaces by the
// policies in them and by the outcomes of the selectors of namespaces; addresses by the
// blocks they are in; ports by the borders of ranges and by the names in play. The idea is
// that of atomic predicates in network verification (Yang and Lam, 2013).
//
// The namespaces are those that a cluster has. A pod has one address or none, as is told by
// the options: a flow between two pods with addresses of both families passes if it passes
// over one of them, so that nothing is lost by looking at each family alone.
type Space struct {
	clusters []*Cluster
	// selectors are the selectors of pods of all clusters, each once; places has for each
	// cluster the place of each of its own, by id.
	selectors []*selector
	places    [][]int
	classes   []class
	classOf   map[string]int
	parts     []part
	ends      []classEnd
	ports     *atoms
}

// class is a class of namespaces.
type class struct {
	// names are the namespaces, sorted.
	names []string
	// seen is a namespace of the class as each cluster sees it.
	seen []*namespace
	// asks are the places of the selectors that look for pods here.
	asks bits
	// kinds are the kinds of pods.
	kinds []podKind
	// first is the place of the first end in one of the namespaces, and after the place
	// after the last.
	first, after int
}

// podKind is a kind of pod.
type podKind struct {
	labels labels.Set
	// matched are the places of the selectors that match.
	matched bits
}

// classEnd is a class of ends of flows: pods, or addresses outside.
type classEnd struct {
	// class and kind are those of a pod; class is none for addresses.
	class, kind int
	// part is where the address is; none for a pod without one.
	part int
}

// options are how a space is made.
type options struct {
	anywhere   bool
	networks   []netip.Prefix
	maxClasses int
}

// Option changes what a space has in it.
type Option func(*options)

// PodNetworks lets every pod have any address in these networks, and one of them. Blocks
// then match pods by their address, as the API documents it.
func PodNetworks(networks ...netip.Prefix) Option {
	return func(o *options) { o.networks = append(o.networks, networks...) }
}

// PodsAnywhere lets every pod have any address whatever. This is the most that could exist,
// and more than does: a block that is meant for a party outside the cluster matches pods too.
func PodsAnywhere() Option {
	return func(o *options) { o.anywhere = true }
}

// DefaultMaxClasses is how many classes of pods and addresses there may be at most, unless
// an option says another number. The cost of a comparison grows with the square.
const DefaultMaxClasses = 16384

// MaxClasses sets how many classes of pods and addresses there may be at most.
func MaxClasses(n int) Option {
	return func(o *options) { o.maxClasses = n }
}

// NewSpace makes the space of some clusters. Without PodNetworks or PodsAnywhere, pods have
// no address that a block has: that is what authors of policies mean as long as their blocks
// are outside the cluster, and keeps the classes few. It is not the whole truth where a block
// has the addresses of pods in it, 0.0.0.0/0 above all. It fails if there are too many
// classes, and says how many.
func NewSpace(clusters []*Cluster, with ...Option) (*Space, error) {
	o := options{maxClasses: DefaultMaxClasses}
	for _, option := range with {
		option(&o)
	}
	s := &Space{clusters: clusters}
	s.gatherSelectors()
	s.classify()
	if err := s.findKinds(min(maxKinds, o.maxClasses)); err != nil {
		return nil, err
	}
	s.ports = newAtoms(s.portsInPlay())
	inPlay := s.prefixesInPlay()
	for i := range o.networks {
		inPlay.Insert(o.networks[i].Masked())
	}
	s.parts = partition(inPlay)
	if err := s.makeEnds(&o); err != nil {
		return nil, err
	}
	return s, nil
}

// newSets makes sets of the ports in play.
func (s *Space) newSets() *portSets {
	if slices.ContainsFunc(s.clusters, func(c *Cluster) bool { return !c.guards.empty() }) {
		return newPortSets(s.ports.byName())
	}
	return newPortSets(s.ports)
}

func (s *Space) gatherSelectors() {
	byText := map[string]int{}
	for _, c := range s.clusters {
		places := make([]int, 0, len(c.podSelectors))
		for _, one := range c.podSelectors {
			place, known := byText[one.text]
			if !known {
				place = len(s.selectors)
				byText[one.text] = place
				s.selectors = append(s.selectors, one)
			}
			places = append(places, place)
		}
		s.places = append(s.places, places)
	}
}

// classify puts namespaces into classes.
func (s *Space) classify() {
	names := sets.New[string]()
	for _, c := range s.clusters {
		for name := range c.namespaces {
			names.Insert(name)
		}
	}
	s.classOf = make(map[string]int, len(names))
	bySeen := map[string]int{}
	for _, name := range sets.List(names) {
		seen := make([]*namespace, 0, len(s.clusters))
		var key []byte
		for _, c := range s.clusters {
			seen = append(seen, c.namespaceOf(name))
			key = appendText(key, c.namespaceOf(name).key())
		}
		i, known := bySeen[string(key)]
		if !known {
			i = len(s.classes)
			bySeen[string(key)] = i
			s.classes = append(s.classes, class{seen: seen})
		}
		s.classes[i].names = append(s.classes[i].names, name)
		s.classOf[name] = i
	}
}

func (s *Space) portsInPlay() []portRange {
	var out []portRange
	for _, c := range s.clusters {
		for _, r := range c.rules {
			out = append(out, r.ports...)
		}
	}
	return out
}

func (s *Space) prefixesInPlay() sets.Set[netip.Prefix] {
	out := sets.New[netip.Prefix]()
	for _, c := range s.clusters {
		for _, p := range c.peers {
			if p.block != nil {
				out.Insert(p.block.cidr).Insert(p.block.except...)
			}
		}
	}
	return out
}

// makeEnds makes the classes of ends: pods, class by class, and then addresses.
func (s *Space) makeEnds(o *options) error {
	of := s.partsOfPods(o)
	count := len(s.parts)
	for i := range s.classes {
		count += len(s.classes[i].kinds) * len(of)
	}
	if count > o.maxClasses {
		return fmt.Errorf("selectors and ranges of addresses tell %d classes of pods and addresses apart, more than %d",
			count, o.maxClasses)
	}
	s.ends = make([]classEnd, 0, count)
	for i := range s.classes {
		s.classes[i].first = len(s.ends)
		for k := range s.classes[i].kinds {
			for _, p := range of {
				s.ends = append(s.ends, classEnd{class: i, kind: k, part: p})
			}
		}
		s.classes[i].after = len(s.ends)
	}
	for p := range s.parts {
		s.ends = append(s.ends, classEnd{class: none, part: p})
	}
	return nil
}

// partsOfPods are the parts that pods have addresses in.
func (s *Space) partsOfPods(o *options) []int {
	if !o.anywhere && len(o.networks) == 0 {
		return []int{none}
	}
	var out []int
	for i, p := range s.parts {
		if o.anywhere || slices.ContainsFunc(o.networks, func(n netip.Prefix) bool { return n.Contains(p.address()) }) {
			out = append(out, i)
		}
	}
	return out
}
