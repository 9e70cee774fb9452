package simulation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/segmentation-dev/segmentation-operator/controllers"
	"github.com/segmentation-dev/segmentation-operator/internal/apply"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
)

// home is the operator's own namespace.
const home = "home"

// soon is what the operator waits less than before it tries something again that is likely to go
// well then. It waits for about a minute after a refused write, and for exactly one
// (transition.Patience) if others have to wake it up. That is not made here: who is not woken up is to
// be found out.
const soon = 50 * time.Second

// atOnce is what the operator waits less than before it looks at a namespace again whatever happens. If
// it waits for longer, it waits for something that it is told of.
const atOnce = 100 * time.Millisecond

// workers is how many namespaces are worked on at the same time.
const workers = 4

// machine runs the operator's namespace reconciler. Of the passes that have begun, one at a time
// goes on to its next write, and which one is drawn.
type machine struct {
	store *store
	// choose draws one of n.
	choose func(n int) int
	// wrote is called after each write. It is late if the pass that makes it had begun before the
	// change on the way was seen.
	wrote func(namespace, text string, late bool)
	// swap breaks the order of writes on purpose: see writer.
	swap bool
	// recreate changes objects in another way, on purpose: see writer.
	recreate bool
	// late lets watches be late: what they show next, and when, is drawn.
	late bool
	// saw is called with what a late watch shows when it has shown a change that is not the operator's.
	saw func(shown *store)
	// wanted is called before something changes that is not the operator's, and was to be expected.
	wanted func()
	// faults has one of so many writes fail, made or not; none if zero.
	faults int
	// crashAt is the number of writes after which the operator crashes; none if negative.
	crashAt int
	// interruptAt is the number of writes after which interrupt is called; none if negative.
	interruptAt int
	interrupt   func()
	// overtaken are the passes that had begun before the change on the way was seen.
	overtaken map[*pass]bool
	// refused are the namespaces in which writes are refused, and how many are.
	refused map[string]int
	// garbage are profiles that are gone and whose bookmarks are still there.
	garbage []string
	// alone lets each namespace believe that there is no other, to show that a broken order across
	// namespaces is found out.
	alone bool

	life   *life
	now    time.Time
	writes int
	passes int
	failed int
}

// life is one life of the operator, from a start to a crash or the end.
type life struct {
	reconciler *controllers.NamespaceReconciler
	cache      *cache
	writer     *writer
	dirty      map[string]bool
	active     map[string]*pass
	// later are the namespaces that are tried again after a while, since a write was refused, and waits
	// those that are looked at again if the cache shows nothing new for a second or some.
	later, waits map[string]bool
	// timers are what is done after a second.
	timers []func()
}

// pass is one call of Reconcile, which goes on when it is told to.
type pass struct {
	goOn chan fate
	// parked gets a value when the pass is about to write, and is closed when it has ended.
	parked chan struct{}
	result reconcile.Result
	err    error
}

// start begins a new life, that knows nothing of the one before.
func (m *machine) start() {
	l := &life{
		cache: newCache(m.store), active: map[string]*pass{},
		dirty: map[string]bool{}, later: map[string]bool{}, waits: map[string]bool{},
	}
	w := &writer{
		store: m.store,
		turn:  func(namespace string) (fate, error) { return l.turn(namespace) },
		wrote: func(namespace, text string) { m.after(l, namespace, text) },
		swap:  m.swap, recreate: m.recreate,
		late: map[string]func(){},
	}
	l.writer = w
	census := transition.NewCensus()
	l.reconciler = &controllers.NamespaceReconciler{
		Reader: l.cache.shown,
		Applier: apply.New(w, w).Timed(
			func() time.Time { return m.now },
			func(_ time.Duration, do func()) { l.timers = append(l.timers, do) }),
		Profiles: controllers.NewProfiles(l.cache.shown, claim.Protected{home}, census, home),
		Ledger:   controllers.NewLedger(),
		Census:   census,

		Protected: claim.Protected{home},
		Clock:     func() time.Time { return time.Unix(0, 0) },
	}
	wake := func(namespaces []string) {
		for _, name := range namespaces {
			l.dirty[name] = true
		}
	}
	l.reconciler.Profiles.ChangedWith(wake)
	census.WakeWith(wake)
	census.WakeSoonWith(wake)
	m.life = l
	for name := range m.store.namespaces {
		l.dirty[name] = true
	}
}

// turn parks a pass until it is told to write, and what becomes of the write.
func (l *life) turn(namespace string) (fate, error) {
	p := l.active[namespace]
	p.parked <- struct{}{}
	switch f := <-p.goOn; f {
	case crashed:
		return f, errCrashed
	case dropped:
		return f, errLost
	case refused:
		return f, errRefused
	default:
		return f, nil
	}
}

// fate draws what becomes of the next write. It is drawn here and not where the write is made,
// since only one goroutine may draw.
func (m *machine) fate(namespace string) fate {
	if m.refused[namespace] > 0 {
		m.refused[namespace]--
		return refused
	}
	if m.faults == 0 || m.choose(m.faults) > 0 {
		return made
	}
	m.failed++
	if m.choose(2) == 0 {
		return unanswered
	}
	return dropped
}

func (m *machine) after(l *life, namespace, text string) {
	m.writes++
	m.tell(false)
	m.wrote(namespace, text, m.overtaken[l.active[namespace]])
}

var errNotSettled = errors.New("not settled")

// run works until there is nothing left to do. It fails if that takes too long.
func (m *machine) run(ctx context.Context) error {
	began := m.writes
	for m.writes-began < 5000 && m.passes < 100_000 {
		if m.crashAt >= 0 && m.writes >= m.crashAt {
			m.crash()
		}
		if m.interruptAt >= 0 && m.writes >= m.interruptAt {
			m.interruptAt = -1
			for _, p := range m.life.active {
				m.overtaken[p] = true
			}
			m.interrupt()
		}
		ready := append(m.candidates(), m.life.cache.late()...)
		if m.letTimeGoBy(len(ready) == 0) {
			continue
		}
		if len(ready) == 0 {
			return nil
		}
		switch next := ready[m.choose(len(ready))]; {
		case len(m.life.cache.pending[next]) > 0:
			m.show(next)
		default:
			m.advance(ctx, next)
		}
	}
	return fmt.Errorf("%w after %d writes and %d passes", errNotSettled, m.writes-began, m.passes)
}

// candidates are the namespaces of which a pass can begin or go on.
func (m *machine) candidates() []string {
	out := slices.Collect(maps.Keys(m.life.active))
	if len(out) < workers {
		for name := range m.life.dirty {
			if m.life.active[name] == nil {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return out
}

// advance lets a pass go on to its next write, or to its end.
func (m *machine) advance(ctx context.Context, namespace string) {
	l := m.life
	p := l.active[namespace]
	if p == nil {
		p = m.begin(ctx, namespace)
	} else {
		p.goOn <- m.fate(namespace)
	}
	if _, more := <-p.parked; more {
		return
	}
	delete(l.active, namespace)
	l.writer.catchUp(namespace)
	switch wait := p.result.RequeueAfter; {
	case p.err != nil, wait > 0 && wait < atOnce:
		l.dirty[namespace] = true
	case wait == controllers.EchoRetry && p.result.Priority != nil: // It is no wait for the cache of the same length.
		// That echoes are enough is to be seen.
	case wait > 0 && wait < soon:
		l.waits[namespace] = true
	case wait > 0 && wait != transition.Patience:
		l.later[namespace] = true
	}
}

// letTimeGoBy does now and then, and when there is nothing else to do, what happens after some time:
// bookmarks of deleted profiles go, and refused writes are tried again. It tells whether it did. A second
// goes by only if there is nothing else to do: all watches have shown everything by then.
func (m *machine) letTimeGoBy(idle bool) bool {
	if l := m.life; idle && len(l.timers)+len(l.waits) > 0 {
		m.now = m.now.Add(10 * time.Second)
		for _, do := range l.timers {
			do()
		}
		l.timers = nil
		maps.Copy(l.dirty, l.waits)
		clear(l.waits)
		return true
	}
	if len(m.garbage)+len(m.life.later) == 0 || !idle && m.choose(8) > 0 {
		return false
	}
	if len(m.garbage) > 0 {
		m.wanted()
	}
	for _, profile := range m.garbage {
		m.watch(func() { m.store.collect(profile) })
	}
	m.garbage = nil
	maps.Copy(m.life.dirty, m.life.later)
	clear(m.life.later)
	return true
}

func (m *machine) begin(ctx context.Context, namespace string) *pass {
	l := m.life
	p := &pass{goOn: make(chan fate), parked: make(chan struct{})}
	l.active[namespace] = p
	if l.cache.isBehind() {
		m.overtaken[p] = true
	}
	delete(l.dirty, namespace)
	m.passes++
	request := reconcile.Request{}
	request.Name = namespace
	reconciler := l.reconciler
	if m.alone {
		reconciler = m.lonely(namespace)
	}
	go func() {
		defer close(p.parked)
		p.result, p.err = reconciler.Reconcile(ctx, request)
	}()
	return p
}

// crash ends the operator where it is, and starts another.
func (m *machine) crash() {
	m.crashAt = -1
	old := m.life
	for _, name := range slices.Sorted(maps.Keys(old.active)) {
		p := old.active[name]
		p.goOn <- crashed
		for range p.parked { // It may try other writes before it gives up.
			p.goOn <- crashed
		}
	}
	m.start()
}
