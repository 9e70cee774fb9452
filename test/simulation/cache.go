package simulation

import (
	"cmp"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// cache is what an operator sees of a store. Each kind of object has a watch of its own, which tells of
// changes in their order, though not at once. What one watch tells of may come long before what another
// does.
type cache struct {
	// shown is what is seen.
	shown *store
	// told is what the watches have been told of.
	told *store
	// pending are the events of each kind that are not seen yet.
	pending map[string][]event
}

// event is a change of one object.
type event struct {
	kind, namespace, name string
	// old is nil if the object has come, and now if it has gone.
	old, now client.Object
	// foreign is set if somebody else than the operator made the change.
	foreign bool
}

// The first two are no keys of objects.
const (
	kindNamespace = "Namespace"
	kindProfile   = "SegmentationProfile"
	kindService   = "Service"
)

// newCache returns a cache that shows all that is in a store.
func newCache(s *store) *cache {
	return &cache{shown: s.snapshot(), told: s.snapshot(), pending: map[string][]event{}}
}

// snapshot returns the store as it is now. Objects in a store are never changed, but replaced.
func (s *store) snapshot() *store {
	out := &store{
		version: s.version, profiles: maps.Clone(s.profiles), namespaces: maps.Clone(s.namespaces),
		objects: map[string]map[id]client.Object{},
	}
	for name, objects := range s.objects {
		out.objects[name] = maps.Clone(objects)
	}
	return out
}

// tell tells the watches of all that has changed in a store.
func (c *cache) tell(s *store, foreign bool) {
	add := func(e event) {
		e.foreign = foreign
		c.pending[e.kind] = append(c.pending[e.kind], e)
	}
	for _, name := range union(c.told.namespaces, s.namespaces) {
		if old, now := c.told.namespaces[name], s.namespaces[name]; old != now {
			add(event{kind: kindNamespace, name: name, old: orNil(old), now: orNil(now)})
		}
	}
	for _, name := range union(c.told.profiles, s.profiles) {
		if old, now := c.told.profiles[name], s.profiles[name]; old != now {
			add(event{kind: kindProfile, name: name, old: orNil(old), now: orNil(now)})
		}
	}
	for _, namespace := range union(c.told.objects, s.objects) {
		for _, key := range slices.SortedFunc(maps.Keys(merged(c.told.objects[namespace], s.objects[namespace])), id.compare) {
			old, now := c.told.objects[namespace][key], s.objects[namespace][key]
			if old == now {
				continue
			}
			if now == nil {
				old = s.lastOf(old)
			}
			add(event{kind: key.kind, namespace: namespace, name: key.name, old: old, now: now})
		}
	}
	c.told = s.snapshot()
}

func (i id) compare(other id) int {
	return cmp.Or(cmp.Compare(i.kind, other.kind), cmp.Compare(i.name, other.name))
}

// lastOf is what a watch shows of an object that is gone: it has the version of its deletion.
func (s *store) lastOf(obj client.Object) client.Object {
	last, ok := obj.DeepCopyObject().(client.Object)
	if !ok {
		panic("an object whose copy is none")
	}
	s.stamp(last)
	return last
}

// late are the kinds of which something is not seen yet.
func (c *cache) late() []string {
	var out []string
	for kind, events := range c.pending {
		if len(events) > 0 {
			out = append(out, kind)
		}
	}
	slices.Sort(out)
	return out
}

// isBehind tells whether something is not seen yet that somebody else has changed.
func (c *cache) isBehind() bool {
	for _, events := range c.pending {
		if slices.ContainsFunc(events, func(e event) bool { return e.foreign }) {
			return true
		}
	}
	return false
}

// next shows the next change of a kind, and returns it.
func (c *cache) next(kind string) event {
	e := c.pending[kind][0]
	c.pending[kind] = c.pending[kind][1:]
	switch kind {
	case kindNamespace:
		put(c.shown.namespaces, e.name, e.now)
	case kindProfile:
		put(c.shown.profiles, e.name, e.now)
	default:
		if c.shown.objects[e.namespace] == nil {
			c.shown.objects[e.namespace] = map[id]client.Object{}
		}
		put(c.shown.objects[e.namespace], id{kind, e.name}, e.now)
	}
	return e
}

func put[K comparable, V any](into map[K]V, key K, now client.Object) {
	if now == nil {
		delete(into, key)
		return
	}
	value, ok := now.(V)
	if !ok {
		panic("an event of another kind")
	}
	into[key] = value
}

// orNil is an object, or nothing at all.
func orNil[P interface {
	*metav1.PartialObjectMetadata | *v1alpha1.SegmentationProfile
	client.Object
}](obj P) client.Object {
	if obj == nil {
		return nil
	}
	return obj
}

func merged[K comparable, V any](a, b map[K]V) map[K]V {
	out := maps.Clone(a)
	if out == nil {
		out = map[K]V{}
	}
	maps.Copy(out, b)
	return out
}

// union are the keys of two maps, in order.
func union[V any](a, b map[string]V) []string {
	return slices.Sorted(maps.Keys(merged(a, b)))
}
