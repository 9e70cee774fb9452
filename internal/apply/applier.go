package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
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
	permit          Permit
	labelled        Labelled
	after           func(time.Duration, func())
}

// Permit tells whether a write may be made now. If so, end has to be called when it has been answered.
type Permit func() (end func(), ok bool)

// Labelled is told what the operator has made the labels of the namespace say; not sure, if the API server
// did not say whether they were changed.
type Labelled func(now transition.Membership, sure bool)

// requestTimeout is how long a write may take. When profiles change, all namespaces wait for the writes
// that are under way.
const requestTimeout = 30 * time.Second

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
		network: network, access: access, expected: newExpectations(),
		labelled: func(transition.Membership, bool) {},
		after:    func(d time.Duration, do func()) { time.AfterFunc(d, do) },
	}
}

// Timed returns the applier with another clock, and another way to have something done later.
func (a *Applier) Timed(clock func() time.Time, after func(time.Duration, func())) *Applier {
	out := *a
	out.expected, out.after = newExpectations(), after
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
}

// SawDeletion takes note of a deletion that the watch showed, so that the object is written
// anew at once.
func (a *Applier) SawDeletion(obj client.Object) {
	a.expected.sawDeletion(obj)
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
	// Seen counts the objects that the cache showed to be as they should be.
	Seen Counts
	// Progress is how far the namespace is on the way to its labels.
	Progress transition.Progress
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
	// View says what it may do now.
	View transition.View
}

// isForged tells whether the labels of a namespace are neither those that are due nor any that the
// operator gave it: somebody wrote them. Such a namespace is not one that moves. It loses them, and
// joins.
func (t *Task) isForged(observed *Observed) bool {
	return observed.carriesMembership() && !observed.isMember(render.MembershipLabels(t.Profile, t.Tier)) &&
		(t.View.IsForged || !observed.isVouchedFor())
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
	written map[key]metav1.ObjectMeta
}

func (a *Applier) begin(ctx context.Context, observed *Observed) *run {
	return &run{
		Applier:  a,
		ctx:      ctx,
		log:      logr.FromContextOrDiscard(ctx),
		observed: observed,
		based:    observed.basePolicy() != nil,
		written:  map[key]metav1.ObjectMeta{},
	}
}

// Member brings a namespace to the objects of its tier and, once its policies exist and all
// others are ready for it, labels it as a member.
func (a *Applier) Member(ctx context.Context, task *Task, observed *Observed) Result {
	r := a.begin(ctx, observed)
	changes := Diff(task.Rendered, observed, task.Owner)
	r.Taken, r.Stuck, r.Seen, r.blocked = changes.Taken, changes.Stuck, changes.Seen, changes.Blocked
	r.take(&changes)
	if task.isForged(observed) {
		r.expel(task, &changes)
		return r.Result
	}
	exact := r.bring(task)
	r.give(&changes, &task.View)
	r.relabel(task, exact)
	return r.Result
}

// take takes access away.
func (r *run) take(changes *Changes) {
	r.remove(changes.Revoke)
	for _, w := range changes.Narrow {
		r.write(w)
	}
}

// expel takes forged labels off, and brings the namespace to what is declared at once, whether they go or
// not: it must not pass for a member and be open. If they went, it joins with the next pass.
func (r *run) expel(task *Task, changes *Changes) {
	r.unlabel(ofAnyVersion)
	target := r.writable(transition.Exactly(task.Rendered.Policies))
	r.steps(transition.Steps(r.ownPolicies(task.Owner), target, r.observed.start()))
	r.give(changes, &task.View)
	r.judgeFailures()
}

// give gives access, and then takes what it replaces, once all policies are in place. While trying again
// may help, both wait for that, so that nobody is left without either. But what only a person can mend, or
// lasts, must not leave somebody with a role that he is not to have any more.
func (r *run) give(changes *Changes, view *transition.View) {
	switch {
	case r.isolated():
		r.widen(changes.Widen)
		r.prune(changes.Prune)
	case r.isLasting(view):
		r.remove(changes.Prune)
	}
}

// Hold leaves a namespace as it is, but does not let it pass for a member without a policy
// of its own, nor for a member of another tier than that policy vouches for, nor leave it open if
// it was about to leave. It never
// labels: who may write in the namespace may write the policy's labels too.
func (a *Applier) Hold(ctx context.Context, observed *Observed) Result {
	r := a.begin(ctx, observed)
	if observed.carriesMembership() && !observed.isVouchedFor() {
		r.unlabel(ofAnyVersion)
	}
	r.steps(transition.Shutting(r.ownPolicies("")))
	if !r.failed(KindNetworkPolicy) {
		r.Progress.Reached = transition.Settled
	}
	r.judgeFailures()
	return r.Result
}

func (r *run) failed(kind Kind) bool {
	for _, f := range r.Failures {
		if f.Kind == kind {
			return true
		}
	}
	return false
}

// errOutdated is what a write gets that is not permitted any more.
var errOutdated = errors.New("what was decided on has changed")

// request makes a write of an object, if it is still permitted. If it is not known what became of it, it
// counts as being under way until the cache has had the time to show it.
func (r *run) request(k key, write func(context.Context) error) error {
	end := func() {}
	if r.permit != nil && !r.Outdated {
		permitted, ok := r.permit()
		r.Outdated = !ok
		if ok {
			end = permitted
		}
	}
	if r.Outdated {
		return errOutdated
	}
	var err error
	defer func() {
		if isUnsure(err) {
			r.after(settling, end)
			return
		}
		end()
	}()
	ctx, cancel := context.WithTimeout(r.ctx, requestTimeout)
	defer cancel()
	r.Writes++
	if err = write(ctx); isUnsure(err) {
		_, written := r.written[k]
		r.expected.unsure(r.observed.Namespace.Name, k, r.version(k), written && r.observed.find(k) == nil)
	}
	return err
}

// version is the resource version of an object as it was last seen or written; empty if there is none.
func (r *run) version(k key) string {
	if meta, written := r.written[k]; written {
		return meta.ResourceVersion
	}
	return versionOf(r.observed.find(k))
}

func (r *run) fail(kind Kind, role string, err error) {
	r.Failures = append(r.Failures, classify(kind, role, err))
}

// widen gives access, object by object. A binding is left out if its Role could not be written: it would
// bind nothing, or what the Role was before. So is a Role if somebody could not be taken out of what binds
// it.
func (r *run) widen(writes []Write) {
	for _, w := range writes {
		depends := func(other client.Object) bool {
			return bindsRole(w.Desired, roleName(other)) || bindsRole(other, roleName(w.Desired))
		}
		if slices.ContainsFunc(r.unsettled, depends) {
			r.unsettled = append(r.unsettled, w.Desired)
			continue
		}
		r.write(w)
	}
}

// roleName is the name of a Role; empty for other objects.
func roleName(obj client.Object) string {
	if kindOf(obj) == KindRole {
		return obj.GetName()
	}
	return ""
}

// write creates or changes a Role or a RoleBinding.
func (r *run) write(w Write) {
	if err := r.apply(w); err != nil {
		r.unsettled = append(r.unsettled, w.Desired)
		r.fail(kindOf(w.Desired), grantedRole(w.Desired), err)
	}
}

// apply creates or changes one object. Only what the cache showed to be the operator's is
// taken by force.
func (r *run) apply(w Write) error {
	config, err := configuration(w)
	if err != nil {
		return err
	}
	opts := []client.ApplyOption{fieldOwner}
	if w.UID != "" {
		opts = append(opts, client.ForceOwnership)
	}
	err = r.request(keyOf(w.Desired), func(ctx context.Context) error {
		return r.writer(kindOf(w.Desired)).Apply(ctx, client.ApplyConfigurationFromUnstructured(config), opts...)
	})
	if err != nil {
		return fmt.Errorf("applying %s %s: %w", kindOf(w.Desired), w.Desired.GetName(), err)
	}
	r.log.V(1).Info("Applied", "kind", kindOf(w.Desired), "object", w.Desired.GetName(), "created", w.UID == "")
	r.expected.wrote(r.observed.Namespace.Name, keyOf(w.Desired), config.GetResourceVersion())
	r.written[keyOf(w.Desired)] = metav1.ObjectMeta{UID: config.GetUID(), ResourceVersion: config.GetResourceVersion()}
	return storedAsDesired(config, w.Desired)
}

// grantedRole is the name by which a profile knows what a Role or RoleBinding grants.
func grantedRole(obj client.Object) string {
	switch o := obj.(type) {
	case *rbacv1.Role:
		return strings.TrimPrefix(o.Name, render.Prefix+"-")
	case *rbacv1.RoleBinding:
		if o.RoleRef.Kind == "Role" {
			return strings.TrimPrefix(o.RoleRef.Name, render.Prefix+"-")
		}
		return o.RoleRef.Name
	default:
		return ""
	}
}

// prune removes access that nothing declares: bindings, but for those of subjects whose other role could
// not be written, and then Roles, unless a Role or RoleBinding could not be written or removed.
func (r *run) prune(objects []client.Object) {
	for _, obj := range objects {
		isKept := slices.ContainsFunc(r.unsettled, func(other client.Object) bool { return shareSubjects(other, obj) })
		if kindOf(obj) == KindRole {
			isKept = r.failed(KindRole) || r.failed(KindRoleBinding)
		}
		if !isKept {
			r.remove([]client.Object{obj})
		}
	}
}

func (r *run) remove(objects []client.Object) {
	for _, obj := range objects {
		uid, version := obj.GetUID(), r.version(keyOf(obj))
		err := r.request(keyOf(obj), func(ctx context.Context) error {
			// The cache's object must not be handed to the client, which writes into it.
			return r.writer(kindOf(obj)).Delete(ctx, bare(obj), client.Preconditions{UID: &uid, ResourceVersion: &version})
		})
		switch {
		case err == nil:
			r.log.V(1).Info("Deleted", "kind", kindOf(obj), "object", obj.GetName())
			r.expected.deleted(r.observed.Namespace.Name, keyOf(obj), uid)
		case !apierrors.IsNotFound(err):
			r.unsettled = append(r.unsettled, obj)
			r.fail(kindOf(obj), grantedRole(obj), fmt.Errorf("deleting %s %s: %w", kindOf(obj), obj.GetName(), err))
		}
	}
}
