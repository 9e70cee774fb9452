// Package services remembers in which form the Services that dependencies name are in which namespaces. It is pure.
//
// Thousands of namespaces of a tier have a Service of one name, and most often in one form. What the others call is the
// form: a namespace that comes with a known one changes nothing for them.
package services

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// Registry remembers them. It is not safe for use by several goroutines.
type Registry struct {
	forms map[plan.Called]map[string]*form
	in    map[string]map[plan.Called]plan.Service
	// byAddress is set if the addresses of Services matter, too.
	byAddress bool
}

// form is a form of a Service, and where it has it.
type form struct {
	service plan.Service
	// in are the namespaces, and the addresses that it has there.
	in map[string][]netip.Addr
}

// NewRegistry returns one that knows nothing yet. Addresses of Services matter if the network plugin goes by them.
func NewRegistry(byAddress bool) *Registry {
	return &Registry{forms: map[plan.Called]map[string]*form{}, in: map[string]map[plan.Called]plan.Service{}, byAddress: byAddress}
}

// Put takes note of the Services of a namespace: all of them that are called there. It tells whether that matters to
// others, or to what is found: forms come or go, or the namespace counts by its name.
func (r *Registry) Put(namespace string, now map[plan.Called]plan.Service) (matters bool) {
	for called, before := range r.in[namespace] {
		if service, stays := now[called]; !stays || service.Key() != before.Key() {
			matters = r.remove(called, before.Key(), namespace) || matters
		}
	}
	for called, service := range now {
		matters = r.insert(called, &service, namespace) || matters
	}
	if len(now) == 0 {
		delete(r.in, namespace)
	} else {
		r.in[namespace] = now
	}
	return matters
}

func (r *Registry) remove(called plan.Called, key, namespace string) (matters bool) {
	f := r.forms[called][key]
	delete(f.in, namespace)
	if len(f.in) == 0 {
		delete(r.forms[called], key)
		if len(r.forms[called]) == 0 {
			delete(r.forms, called)
		}
		return true
	}
	return r.countsByName(called, &f.service)
}

func (r *Registry) insert(called plan.Called, service *plan.Service, namespace string) (matters bool) {
	key := service.Key()
	if r.forms[called] == nil {
		r.forms[called] = map[string]*form{}
	}
	f, known := r.forms[called][key]
	if !known {
		f = &form{service: *service, in: map[string][]netip.Addr{}}
		r.forms[called][key] = f
	}
	before, was := f.in[namespace]
	f.in[namespace] = service.Addresses
	return !known || !was && r.countsByName(called, service) || r.byAddress && !slices.Equal(before, service.Addresses)
}

// countsByName tells whether it matters which namespaces have the Service: those of a peer are named one by one, and
// so is the first of those in which it stands for nothing.
func (r *Registry) countsByName(called plan.Called, service *plan.Service) bool {
	return called.Peer != "" || service.Problem != "" || r.byAddress
}

// Variants returns the forms of all Services, those in one form in an order that does not depend on who came first.
func (r *Registry) Variants() map[plan.Called][]plan.Variant {
	out := make(map[plan.Called][]plan.Variant, len(r.forms))
	for called, forms := range r.forms {
		for _, key := range slices.Sorted(maps.Keys(forms)) {
			f := forms[key]
			v := plan.Variant{Service: f.service, Namespaces: slices.Sorted(maps.Keys(f.in))}
			v.Addresses = r.addresses(f)
			out[called] = append(out[called], v)
		}
	}
	return out
}

// addresses are those of a Service in all namespaces, as long as they matter.
func (r *Registry) addresses(f *form) []netip.Addr {
	if !r.byAddress {
		return nil
	}
	out := slices.Concat(slices.Collect(maps.Values(f.in))...)
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}
