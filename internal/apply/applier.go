package apply

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/backpressure"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
)

// fieldOwner is the one field owner of everything that the operator applies.
const fieldOwner = client.FieldOwner(v1alpha1.ManagedByValue)

// Applier writes to namespaces. It may be used by several goroutines, one at a time for each
// namespace.
type Applier struct {
	network, access client.Writer
	expected        *expectations
	contests        *contests
	pauses          *backpressure.Pauses
	permit          Permit
	labelled        Labelled
	after           func(time.Duration, func())
}

// While returns the applier with writes that are made as long as they are permitted. A pass that meets
// with one that is not makes no other, and its Result is Outdated. A change of labels is told of before that
// write ends.
func (a *Applier) While(permit Permit, labelled Labelled) *Applier {
	out := *a
	out.permit, out.labelled = permit, labelled
	return &out
}

// New returns an applier that writes policies and labels with the first client, and Roles and
// RoleBindings with the second. The API server lets nobody grant what he does not hold, so
// the second should hold what may be granted and nothing else.
func New(network, access client.Writer) *Applier {
	return &Applier{
		network: network, access: access, expected: newExpectations(), contests: newContests(), pauses: &backpressure.Pauses{},
		labelled: func(transition.Membership, bool) {},
		after:    func(d time.Duration, do func()) { time.AfterFunc(d, do) },
	}
}

// Timed returns the applier with another clock, and another way to have something done later.
func (a *Applier) Timed(clock func() time.Time, after func(time.Duration, func())) *Applier {
	out := *a
	out.expected, out.pauses, out.after = newExpectations(), &backpressure.Pauses{Clock: clock}, after
	out.expected.clock = clock
	return &out
}

// writer is the client for objects of a kind.
func (a *Applier) writer(kind Kind) client.Writer {
	if kind == KindRole || kind == KindRoleBinding {
		return a.access
	}
	return a.network
}

// Outstanding tells how long to wait at most for the cache to show what was last written to
// the namespace; zero if it shows all of it. Until then, what the cache shows must not be
// acted upon.
func (a *Applier) Outstanding(observed *Observed) time.Duration {
	return a.expected.outstanding(observed)
}

// Forget drops what is remembered of a namespace that is gone.
func (a *Applier) Forget(namespace string) {
	a.expected.forget(namespace)
	a.contests.forget(namespace)
	a.pauses.Forget(namespace)
}

// Result is what came of bringing a namespace to what it should be.
type Result struct {
	// Writes is the number of requests that were made.
	Writes int
	// Taken are names that the operator needs and somebody else's objects have.
	Taken []Taken
	// Stuck are objects that should be gone and wait for finalizers.
	Stuck []Taken
	// Failures are the writes that failed.
	Failures []Failure
	// Withheld are the bindings that are declared and were not to be written.
	Withheld []render.Withheld
	// Seen counts the objects that the cache showed to be as they should be.
	Seen Counts
	// Progress is how far the namespace is on the way to its labels.
	Progress transition.Progress
	// Paused is how long to wait before writes are tried again that the API server had no room for; zero if
	// there were none.
	Paused time.Duration
	// IsGoing is set if the API server said that the namespace is being deleted, which the cache does not show yet.
	IsGoing bool
	// Outdated is set if a write was not permitted any more. Nothing else counts then.
	Outdated bool
}

// Task is what a claimed namespace should be brought to.
type Task struct {
	// Rendered are the objects that it should have in the end.
	Rendered render.Objects
	// Policies returns the policies that it should have as long as the labels of others are due
	// to change.
	Policies func(render.Sight) []*networkingv1.NetworkPolicy
	// Owner is the UID of its profile.
	Owner types.UID
	// Profile and Tier are what its labels should say.
	Profile, Tier string
	// Linked are the profiles that have paths to it.
	Linked []string
	// View says what it may do now.
	View transition.View
}

// isForged tells whether the labels of a namespace are neither those that are due nor any that the
// operator gave it: somebody wrote them. Such a namespace is not one that moves. It loses them, and
// joins.
func (t *Task) isForged(observed *Observed) bool {
	return observed.carriesMembership() && !observed.isMember(render.MembershipLabels(t.Profile, t.Tier)) &&
		(t.View.IsForged || !observed.IsVouchedFor())
}

// run is one pass over one namespace.
type run struct {
	Result
	*Applier
	ctx      context.Context //nolint:containedctx // A run lives for the length of one call.
	log      logr.Logger
	observed *Observed
	// based tells whether the base policy is in place.
	based bool
	// unsettled are Roles, RoleBindings and policies that could not be written or removed.
	unsettled []client.Object
	// blocked are the names of policies that cannot be written: see Changes.
	blocked []string
	// written are the objects that this pass wrote, as the API server returned them.
	written map[key]client.Object
	// contested is set if others were faster often enough, and insists if writes are made whatever version an object has.
	contested, insists bool
}

func (a *Applier) begin(ctx context.Context, view *transition.View, observed *Observed) *run {
	contested := a.contests.isDecided(observed.Namespace.Name)
	return &run{
		Applier:  a,
		ctx:      ctx,
		log:      logr.FromContextOrDiscard(ctx),
		observed: observed,
		based:    observed.basePolicy() != nil,
		written:  map[key]client.Object{},

		contested: contested,
		insists:   view.FailsForLong || contested,
	}
}

// Member brings a namespace to the objects of its tier and, once its policies exist and all
// others are ready for it, labels it as a member. One that moves has lost what it is to lose of access by then.
func (a *Applier) Member(ctx context.Context, task *Task, observed *Observed) Result {
	r := a.begin(ctx, &task.View, observed)
	r.member(task)
	r.settle()
	return r.Result
}

func (r *run) member(task *Task) {
	observed := r.observed
	changes := Diff(task.Rendered, observed, task.Owner)
	r.Taken, r.Stuck, r.Seen, r.blocked = changes.Taken, changes.Stuck, changes.Seen, changes.Blocked
	r.Withheld, r.unsettled = task.Rendered.Withheld, changes.withheld
	r.take(&changes)
	if task.isForged(observed) {
		r.expel(task, &changes)
		return
	}
	exact := r.bring(task)
	if task.View.Role == transition.Joining {
		// Access waits for the policies, and others wait for the labels: that a grant is checked takes the API server
		// up to a tenth of a second.
		r.relabel(task, exact)
		r.give(&changes, &task.View)
		r.judgeFailures()
		return
	}
	r.give(&changes, &task.View)
	r.relabel(task, exact)
}

func (r *run) failed(kind Kind) bool {
	for _, f := range r.Failures {
		if f.Kind == kind {
			return true
		}
	}
	return false
}

// put creates or changes one object. A change falls upon the very object that was compared, and as it was
// then: whoever has changed it since may have added something that has to stay. Who does so again and again does
// not keep it from being changed: see contests.
func (r *run) put(w Write) error {
	if w.UID != "" && r.contested && kindOf(w.Desired) != KindNetworkPolicy {
		if err := r.clear(w); err != nil {
			return err
		}
		w.UID = ""
	}
	obj := copyOf(w.Desired)
	if w.UID != "" {
		obj = replacement(w.Desired, r.known(w))
		switch {
		case r.insists:
			obj.SetResourceVersion("")
		case w.Version != "":
			obj.SetResourceVersion(w.Version)
		}
	}
	err := r.request(keyOf(w.Desired), func(ctx context.Context) error {
		if w.UID == "" {
			return r.writer(kindOf(w.Desired)).Create(ctx, obj, fieldOwner)
		}
		return r.writer(kindOf(w.Desired)).Update(ctx, obj, fieldOwner)
	})
	if err != nil {
		return fmt.Errorf("writing %s %s: %w", kindOf(w.Desired), w.Desired.GetName(), err)
	}
	r.log.V(1).Info("Written", "kind", kindOf(w.Desired), "object", w.Desired.GetName(), "created", w.UID == "")
	r.expected.wrote(r.observed.Namespace.Name, keyOf(w.Desired), obj.GetResourceVersion())
	r.written[keyOf(w.Desired)] = obj
	if !matches(w.Desired, obj) {
		return errAltered
	}
	return nil
}

// clear deletes a Role or RoleBinding that is to be changed, for it to be created anew. To see what is granted takes the API
// server up to a tenth of a second, after which it begins again if somebody has changed the object meanwhile: who goes
// on doing that would keep what he is to lose. To delete it takes no such look.
func (r *run) clear(w Write) error {
	return client.IgnoreNotFound(r.erase(w.Desired, w.UID))
}

// known is an object as this pass wrote it, or as it was seen before.
func (r *run) known(w Write) client.Object {
	if written, ok := r.written[keyOf(w.Desired)]; ok {
		return written
	}
	return r.observed.find(keyOf(w.Desired))
}

func (r *run) remove(objects []client.Object) {
	for _, obj := range objects {
		if err := r.erase(obj, obj.GetUID()); err != nil && !apierrors.IsNotFound(err) {
			r.unsettled = append(r.unsettled, obj)
			r.failOn(obj, err)
		}
	}
}

// erase deletes an object as it was seen or written; whatever it is by now, if the operator insists.
func (r *run) erase(obj client.Object, uid types.UID) error {
	must := client.Preconditions{UID: &uid}
	if version := r.version(keyOf(obj), obj); !r.insists {
		must.ResourceVersion = &version
	}
	err := r.request(keyOf(obj), func(ctx context.Context) error {
		// The cache's object must not be handed to the client, which writes into it.
		return r.writer(kindOf(obj)).Delete(ctx, bare(obj), must)
	})
	if err != nil {
		return fmt.Errorf("deleting %s %s: %w", kindOf(obj), obj.GetName(), err)
	}
	r.log.V(1).Info("Deleted", "kind", kindOf(obj), "object", obj.GetName())
	r.expected.deleted(r.observed.Namespace.Name, keyOf(obj), uid)
	return nil
}
