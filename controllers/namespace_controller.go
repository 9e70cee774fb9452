package controllers

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/go-logr/logr"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/segmentation-dev/segmentation-operator/internal/apply"
	"github.com/segmentation-dev/segmentation-operator/internal/audit"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/internal/status"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
)

// refusedRetry is how long the operator waits, give or take a tenth, before it tries again
// a write that the API server refused for a reason that a person has to mend. Nothing
// tells the operator when they did.
const refusedRetry = time.Minute

// goingRetry is how long a namespace that was found to be going is left alone, if the cache does not show it before.
const goingRetry = time.Second

// overtakenRetry is how long the operator waits at most for the cache to show by what a write was overtaken.
const overtakenRetry = 100 * time.Millisecond

// EchoRetry is when the operator looks again at a namespace that it wrote to, if the watches have told of nothing
// until then. As a rule they tell of the last write within milliseconds. It is longer than the cache is waited for.
const EchoRetry = 6 * time.Second

// NamespaceReconciler brings one namespace at a time to what its profile declares.
type NamespaceReconciler struct {
	// Reader reads from the cache.
	Reader client.Reader
	// Applier writes.
	Applier *apply.Applier
	// Profiles compiles profiles.
	Profiles *Profiles
	// Ledger remembers what came of it.
	Ledger *Ledger
	// Census tells how far the namespaces of each profile are.
	Census *transition.Census
	// Protected are the namespaces that no profile may claim.
	Protected claim.Protected
	// Guards tells which namespaces must not get other labels yet.
	Guards *Guards
	// WatchPods is set if the ports and labels of pods are compared with what dependencies say.
	WatchPods bool
	// Clock tells the time.
	Clock func() time.Time

	networks networks
	arrivals arrivals
	backlog  backlog
}

// Reconcile gathers, claims, renders, applies and records one namespace. It looks at
// no other, so that its cost does not grow with their number.
func (r *NamespaceReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	profiles, err := r.Profiles.current(ctx)
	if errors.Is(err, errUnderWay) {
		return r.await(request.Name), nil
	}
	if err != nil {
		return reconcile.Result{}, err
	}
	g, wait, err := r.gather(ctx, profiles, request.Name)
	if g == nil {
		return reconcile.Result{RequeueAfter: wait}, err
	}
	r.arriving(profiles, &g.decision, g.observed)
	result, err := r.carryOut(ctx, profiles, g)
	if err != nil {
		return reconcile.Result{}, err
	}
	if result.Outdated {
		return r.await(request.Name), nil
	}
	r.arrived(request.Name, &g.decision, &result.Progress)
	again := r.Census.Report(profiles.serial, request.Name, g.view, result.Progress, r.Clock())
	logr.FromContextOrDiscard(ctx).V(1).Info("Looked at", "outcome", g.decision.Outcome, "state", result.State(), "writes", result.Writes)
	if err := r.record(ctx, profiles, g, &result); err != nil {
		return reconcile.Result{}, err
	}
	if again {
		return reconcile.Result{RequeueAfter: time.Millisecond}, nil
	}
	return r.next(ctx, &result.Result)
}

// gathered is what a look at a namespace begins with.
type gathered struct {
	observed *apply.Observed
	decision claim.Decision
	view     transition.View
	// isHeld is set if its labels must not change yet, as guardrails deny by them.
	isHeld bool
	// own are the Services of the namespace that its tier has rules about, and outside those that are called as a peer's.
	own     map[string]plan.Service
	outside map[plan.Called]plan.Service
}

// gather reads a namespace, and finds out what is due to it. There is nothing if it is gone, or is to be looked at after
// a wait.
func (r *NamespaceReconciler) gather(ctx context.Context, profiles *snapshot, name string) (*gathered, time.Duration, error) {
	observed, err := gather(ctx, r.Reader, name)
	if err != nil {
		return nil, 0, err
	}
	if observed == nil {
		return nil, r.forget(name), nil
	}
	if wait := r.Applier.Outstanding(observed); wait > 0 {
		return nil, wait, nil
	}
	decision := profiles.decide(observed.Namespace, r.Protected)
	called, err := profiles.calledIn(ctx, r.Reader, observed.Namespace, decision)
	if err != nil {
		return nil, 0, err
	}
	if !r.Profiles.noteCalled(profiles, name, called) {
		return nil, time.Millisecond, nil
	}
	view, current := r.Census.Enter(profiles.serial, name, profiles.place(observed, decision))
	if !current {
		return nil, time.Millisecond, nil
	}
	isHeld, err := r.isHeld(ctx, observed.Namespace, &view, decision.Profile)
	if err != nil {
		return nil, 0, err
	}
	own, outside := plan.OwnServices(decision.Profile, decision.Tier, called.services), outsideServices(called.services)
	return &gathered{observed, decision, view, isHeld, own, outside}, 0, nil
}

// isHeld tells whether the labels of a namespace must not change yet, as guardrails deny by those that it has or is to get.
// One that joins and is the only one whose labels are about to change need not wait: those of all others say who they are.
func (r *NamespaceReconciler) isHeld(ctx context.Context, namespace client.Object, view *transition.View, due string) (bool, error) {
	if r.Guards == nil || view.IsForged || view.IsOverdue {
		return false, nil
	}
	var profiles []string
	switch view.Role {
	case transition.Joining:
		if !view.AloneOfAll {
			profiles = []string{due}
		}
	case transition.Leaving:
		profiles = []string{view.Has.Profile}
	case transition.Moving:
		profiles = []string{view.Has.Profile, due}
	default:
	}
	for _, profile := range profiles {
		if isHeld, err := r.Guards.hold(ctx, profile, namespace); isHeld || err != nil {
			return isHeld, err
		}
	}
	return false, nil
}

// permitted is what the namespace may do, guardrails considered.
func (g *gathered) permitted() transition.View {
	view := g.view
	view.MayRelabel = view.MayRelabel && !g.isHeld
	return view
}

// record takes note of what came of a look at a namespace.
func (r *NamespaceReconciler) record(ctx context.Context, profiles *snapshot, g *gathered, result *outcome) error {
	seen, err := r.look(ctx, profiles, g)
	if err != nil {
		return err
	}
	name, state := g.observed.Namespace.Name, result.State()
	if state == status.Settled && r.Census.IsOwed(name) {
		state = status.Written
	}
	r.Ledger.record(entry{
		basis:    profiles.basisOf(g.decision.Profile, g.decision.Tier),
		snapshot: profiles.serial,
		isCalled: len(g.outside) > 0,
		Namespace: status.Namespace{
			Name:     name,
			Decision: g.decision,
			State:    state,
			Problems: result.Problems(),
			Policies: result.Seen.Policies,
			Roles:    result.Seen.Roles,
			Bindings: result.Seen.Bindings,

			Undeclared: result.undeclared,
			Opened:     result.opened,
			Ports:      seen.ports,
			PeerOf:     seen.peerOf,

			WithoutPods:       seen.withoutPods,
			CalledWithoutPods: seen.calledWithoutPods,
		},
	})
	return nil
}

// forget drops what is remembered of a namespace that is gone. If Services went with it that others call, what the
// cluster says is looked at again at once: no event of another namespace need come.
func (r *NamespaceReconciler) forget(namespace string) (again time.Duration) {
	r.Applier.Forget(namespace)
	r.Ledger.forget(namespace)
	r.Census.Forget(namespace)
	r.arrivals.forget(namespace)
	if r.Profiles.forget(namespace) {
		return time.Millisecond
	}
	return 0
}

// await says when to come back after profiles have changed: once the writes have ended that were decided
// on under earlier ones. Then the namespace is woken up.
func (r *NamespaceReconciler) await(namespace string) reconcile.Result {
	if r.Census.Await(namespace) {
		return reconcile.Result{}
	}
	return reconcile.Result{RequeueAfter: time.Millisecond}
}

// outcome is what came of a look at a namespace.
type outcome struct {
	apply.Result
	// undeclared is what others grant in it beyond what is declared.
	undeclared []audit.Undeclared
	// opened is what policies of others open beyond it.
	opened []audit.OpenedPaths
}

// carryOut does to the namespace what was decided.
func (r *NamespaceReconciler) carryOut(ctx context.Context, profiles *snapshot, g *gathered) (outcome, error) {
	d, view, observed := g.decision, g.permitted(), g.observed
	log := logr.FromContextOrDiscard(ctx)
	if d.Profile != "" {
		log = log.WithValues("profile", d.Profile, "tier", d.Tier)
	}
	ctx = logr.NewContext(ctx, log)
	applier := r.Applier.While(
		func() (func(), bool) { return r.Census.End, r.Census.Begin(profiles.serial) },
		func(now transition.Membership, sure bool) { r.Census.Labelled(observed.Namespace.Name, now, sure) },
	)
	switch d.Outcome {
	case claim.Claimed:
		owner := profiles.byName[d.Profile]
		suit := owner.suit(d.Tier, g.own)
		rendered, roles, err := r.render(ctx, d, suit, observed)
		if err != nil {
			return outcome{}, err
		}
		return outcome{
			Result:     applier.Member(ctx, r.task(d, profiles, suit, rendered, view, observed.Namespace.Name), observed),
			undeclared: undeclared(rendered, observed, owner.identity.uid, roles),
			opened:     r.networks.opened(d, suit, observed, owner.identity.uid, r.Guards.judgement()),
		}, nil
	case claim.Held:
		r.Census.NoteCalled(membershipOf(observed.Namespace), observed.BoundTiers())
		return outcome{Result: applier.Hold(ctx, view, observed, r.Census.Callers)}, nil
	default:
		return outcome{Result: applier.Release(ctx, view, observed)}, nil
	}
}

// render renders what a claimed namespace is to have, as far as it may be written. With it come the
// ClusterRoles that are bound there, or are to be.
func (r *NamespaceReconciler) render(
	ctx context.Context, d claim.Decision, suit *suit, observed *apply.Observed,
) (render.Objects, clusterRoles, error) {
	rendered := suit.objects.In(observed.Namespace.Name).WithCallers(func(tier string) []string {
		return r.Census.Callers(transition.Membership{Profile: d.Profile, Tier: tier})
	})
	roles, err := gatherClusterRoles(ctx, r.Reader, rendered.Bindings, observed.Bindings)
	if err != nil {
		return render.Objects{}, nil, err
	}
	return rendered.Withhold(roles.rules), roles, nil
}

// task is what a claimed namespace should be brought to.
func (r *NamespaceReconciler) task(
	d claim.Decision, profiles *snapshot, suit *suit, rendered render.Objects, view transition.View, namespace string,
) *apply.Task {
	return &apply.Task{
		Rendered: rendered,
		Policies: func(sight render.Sight) []*networkingv1.NetworkPolicy {
			return render.PoliciesIn(suit.policies(sight, r.Census.Exceptions(d.Profile)), namespace)
		},
		Owner:   profiles.byName[d.Profile].identity.uid,
		Linked:  profiles.groups.With(d.Profile),
		Profile: d.Profile,
		Tier:    d.Tier,
		View:    view,
	}
}

// next says when to come back: when the API server has room again if it had none, with a growing delay after a
// passing failure, and now and then after a refusal.
func (r *NamespaceReconciler) next(ctx context.Context, result *apply.Result) (reconcile.Result, error) {
	if result.Paused > 0 {
		logr.FromContextOrDiscard(ctx).V(1).Info("The API server has no room for writes", "again", result.Paused)
		return reconcile.Result{RequeueAfter: result.Paused}, nil
	}
	if err := result.Err(); err != nil {
		return reconcile.Result{}, err
	}
	if result.IsGoing {
		// Where namespaces come and go the cache often shows it too late, and it is nobody's mistake.
		return reconcile.Result{RequeueAfter: goingRetry}, nil
	}
	if result.IsOvertaken() {
		// The event of what has overtaken it comes first, as a rule.
		return reconcile.Result{RequeueAfter: overtakenRetry}, nil
	}
	if result.Refused() {
		for _, f := range result.Failures {
			logr.FromContextOrDiscard(ctx).Info("The API server refused a write", "kind", f.Kind, "reason", f.Class, "error", f.Err.Error())
		}
		jitter := time.Duration(rand.Int64N(int64(refusedRetry / 5))) //nolint:gosec // Spreading load needs no secrecy.
		return behind(refusedRetry*9/10 + jitter), nil
	}
	if result.Progress.Waiting {
		// It is woken up when that may have changed.
		return behind(transition.Patience), nil
	}
	if result.Writes > 0 {
		return behind(EchoRetry), nil
	}
	return reconcile.Result{}, nil
}
