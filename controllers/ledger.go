package controllers

import (
	"reflect"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/segmentation-dev/segmentation-operator/internal/status"
)

// Ledger remembers what came of each namespace, and tells the profile reconciler when that
// changes. It is rebuilt from the cache after a restart.
type Ledger struct {
	mu      sync.RWMutex
	entries map[string]entry
	notify  func(reconcile.Request)
}

// entry is what is known of one namespace.
type entry struct {
	status.Namespace
	// basis is the profile that the namespace was brought to.
	basis ground
	// snapshot is the serial number of the set of profiles that the decision was made from.
	snapshot int64
	// isCalled is set if dependencies name Services in it as those of a peer.
	isCalled bool
}

// NewLedger returns an empty ledger.
func NewLedger() *Ledger {
	return &Ledger{entries: map[string]entry{}, notify: func(reconcile.Request) {}}
}

// notifyWith sets where profiles are announced whose namespaces changed.
func (l *Ledger) notifyWith(notify func(reconcile.Request)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.notify = notify
}

func (l *Ledger) get(namespace string) (entry, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	e, ok := l.entries[namespace]
	return e, ok
}

func (l *Ledger) record(e entry) {
	l.mu.Lock()
	old, known := l.entries[e.Name]
	l.entries[e.Name] = e
	notify := l.notify
	l.mu.Unlock()
	if known && old.basis == e.basis && reflect.DeepEqual(old.Namespace, e.Namespace) {
		return
	}
	announce(notify, &old.Namespace, &e.Namespace)
}

// unsettle takes note that a namespace that was settled is not so any more.
func (l *Ledger) unsettle(namespace string) {
	l.mu.Lock()
	e, known := l.entries[namespace]
	settled := known && e.State == status.Settled
	if settled {
		e.State = status.Written
		l.entries[namespace] = e
	}
	notify := l.notify
	l.mu.Unlock()
	if settled {
		announce(notify, &e.Namespace)
	}
}

func (l *Ledger) forget(namespace string) {
	l.mu.Lock()
	old, known := l.entries[namespace]
	delete(l.entries, namespace)
	notify := l.notify
	l.mu.Unlock()
	if known {
		announce(notify, &old.Namespace)
	}
}

// announce announces every profile that has to do with the namespace.
func announce(notify func(reconcile.Request), namespaces ...*status.Namespace) {
	names := map[string]bool{}
	for _, n := range namespaces {
		names[n.Decision.Profile] = true
		for _, s := range n.Decision.Selections {
			names[s.Profile] = true
		}
		for _, p := range n.PeerOf {
			names[p.Profile] = true
		}
		for _, c := range n.CalledWithoutPods {
			names[c.Profile] = true
		}
	}
	delete(names, "")
	for name := range names {
		request := reconcile.Request{}
		request.Name = name
		notify(request)
	}
}
