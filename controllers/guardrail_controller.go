package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/addresses"
	"github.com/segmentation-dev/segmentation-operator/internal/backpressure"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/guardrail"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
)

// guardrailInterval is the time between two looks at all guardrails, which look at all namespaces.
const guardrailInterval = 200 * time.Millisecond

// changingRetry is how often guardrails are looked at while labels are about to change, if no event has them looked at.
const changingRetry = 10 * time.Second

// GuardrailReconciler writes the guardrails of all profiles. They are looked at together, as they share the priorities that
// a cluster has.
type GuardrailReconciler struct {
	// Reader reads from the cache.
	Reader client.Reader
	// Writer writes.
	Writer client.Writer
	// Profiles compiles profiles.
	Profiles *Profiles
	// Protected are the namespaces that no profile may claim.
	Protected claim.Protected
	// Band are the priorities that guardrails may have.
	Band guardrail.Band
	// Transit remembers which namespaces are about to get other labels.
	Transit guardrail.Transit
	// Guards is told what came of it.
	Guards *Guards

	echoes echoes
	pauses backpressure.Pauses
	last   time.Time
}

// allGuardrails stands for the guardrails of all profiles.
const allGuardrails = "all"

// SetupWithManager watches what guardrails depend on.
func (r *GuardrailReconciler) SetupWithManager(mgr ctrl.Manager, options controller.Options) error {
	options.MaxConcurrentReconciles = 1
	announced := source.Func(func(_ context.Context, q queue) error {
		look := func() { q.Add(requestFor(allGuardrails)) }
		r.Guards.lookWith(look)
		r.Profiles.foundWith(func([]string) { look() })
		look() // What was left by an operator before may have nobody else to tell of it.
		return nil
	})
	all := handler.EnqueueRequestsFromMapFunc(func(context.Context, client.Object) []reconcile.Request {
		return []reconcile.Request{requestFor(allGuardrails)}
	})
	namespace := &metav1.PartialObjectMetadata{}
	namespace.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	return ctrl.NewControllerManagedBy(mgr).
		Named("guardrail").
		WithOptions(options).
		WithLogConstructor(logsBy(mgr.GetLogger(), "guardrail")).
		Watches(&v1alpha1.SegmentationProfile{}, all, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(namespace, all, builder.WithPredicates(movesMember())).
		WatchesRawSource(announced).
		Complete(r)
}

// movesMember passes events of namespaces whose labels changed, and that are members before or after: they may be about to
// move or to leave, or have done so, or have joined.
func movesMember() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
		DeleteFunc: func(event.DeleteEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool {
			isMember := membershipOf(e.ObjectOld).Profile != "" || membershipOf(e.ObjectNew).Profile != ""
			return isMember && membershipMayChange().Update(e)
		},
	}
}

// Reconcile brings the guardrails a step further.
func (r *GuardrailReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	if wait := max(r.pauses.Left(request.Name), guardrailInterval-time.Since(r.last)); wait > 0 {
		return reconcile.Result{RequeueAfter: wait}, nil
	}
	profiles, err := r.Profiles.current(ctx)
	if errors.Is(err, errUnderWay) {
		return reconcile.Result{RequeueAfter: underWayRetry}, nil
	}
	if err != nil {
		return reconcile.Result{}, err
	}
	reader, wanted := r.Guards.Kind.Reader(), guarded(profiles)
	if reader == nil {
		r.Guards.absent(wanted)
		r.Guards.judgeBy(nil, profiles.engine)
		return reconcile.Result{}, nil
	}
	observed, err := listGuardrails(ctx, reader)
	if err != nil {
		return reconcile.Result{}, err
	}
	r.Guards.judgeBy(observed, profiles.engine)
	if wait := r.echoes.outstanding(observed, time.Now()); wait > 0 {
		return reconcile.Result{RequeueAfter: wait}, nil
	}
	next, err := r.plan(ctx, profiles, wanted, observed)
	if err != nil {
		return reconcile.Result{}, err
	}
	r.last = time.Now()
	err = r.carryOut(ctx, next, observed)
	r.pauses.Note(request.Name, err)
	r.Guards.record(wanted, next, err)
	again := r.pauses.Left(request.Name)
	if again == 0 && !r.Transit.IsEmpty() {
		again = changingRetry
	}
	return reconcile.Result{RequeueAfter: again}, err
}

// plan decides on the next writes.
func (r *GuardrailReconciler) plan(
	ctx context.Context, profiles *snapshot, wanted map[string]*compiled, observed []*policyv1alpha2.ClusterNetworkPolicy,
) (*guardrail.Next, error) {
	in := &guardrail.Input{Observed: observed, Kept: map[string]bool{}, Band: r.Band}
	for name, c := range profiles.byName {
		in.Kept[name] = !isWritten(c)
	}
	for _, o := range observed {
		if name := guardrail.ProfileOf(o); profiles.byName[name] == nil && !profiles.home.isGone(name) {
			in.Kept[name] = true // It was deleted as an orphan, or nobody knows how.
		}
	}
	changing, err := r.changing(ctx, profiles)
	if err != nil {
		return nil, err
	}
	exempt, waits := r.Transit.Update(changing, observed, profiles.serial, time.Now())
	in.Exempt = exempt
	for name, c := range wanted {
		guard := guardrail.New(c.plan, r.Profiles.addresses(), exempt[name])
		guard.Waits = waits
		in.Guards = append(in.Guards, guard)
	}
	return guardrail.Plan(in), nil
}

// isWritten tells whether what a profile declares is written. If not, what is there stays.
func isWritten(c *compiled) bool {
	return len(c.invalid) == 0 && c.plan != nil && !c.claimant.Preview && !c.identity.deleting
}

// guarded are the profiles that are to be guarded.
func guarded(profiles *snapshot) map[string]*compiled {
	out := map[string]*compiled{}
	for name, c := range profiles.byName {
		if isWritten(c) && c.plan.Guardrails != nil {
			out[name] = c
		}
	}
	return out
}

// changing are the namespaces that are due to get labels, to lose them or to get others, with the profiles concerned.
func (r *GuardrailReconciler) changing(ctx context.Context, profiles *snapshot) (map[string][]string, error) {
	out := map[string][]string{}
	namespaces, err := listNamespaces(ctx, r.Reader)
	if err != nil {
		return nil, err
	}
	for i := range namespaces {
		has, due := membershipOf(&namespaces[i]), transition.Membership{}
		d := profiles.decide(&namespaces[i], r.Protected)
		if d.Outcome == claim.Held {
			continue
		}
		if d.Outcome == claim.Claimed {
			due = transition.Membership{Profile: d.Profile, Tier: d.Tier}
		}
		if has == due {
			continue
		}
		for _, profile := range slices.Compact([]string{has.Profile, due.Profile}) {
			if profile != "" {
				out[namespaces[i].Name] = append(out[namespaces[i].Name], profile)
			}
		}
	}
	return out, nil
}

// carryOut makes writes. What closes is never among those that something opening has to come before, so that one that fails
// keeps no other from being made.
func (r *GuardrailReconciler) carryOut(
	ctx context.Context, next *guardrail.Next, observed []*policyv1alpha2.ClusterNetworkPolicy,
) error {
	known := map[string]*policyv1alpha2.ClusterNetworkPolicy{}
	for _, o := range observed {
		known[o.Name] = o
	}
	errs := make([]error, 0, len(next.Writes)+len(next.Deletes))
	for _, want := range next.Writes {
		errs = append(errs, r.put(ctx, want, known[want.Name]))
	}
	for _, gone := range next.Deletes {
		errs = append(errs, r.remove(ctx, gone))
	}
	if n := len(next.Writes) + len(next.Deletes); n > 0 {
		logr.FromContextOrDiscard(ctx).V(1).Info("Guardrails written", "writes", n)
	}
	return errors.Join(errs...)
}

// put creates or changes an object. What others have put on it, such as their labels, stays.
func (r *GuardrailReconciler) put(ctx context.Context, want, have *policyv1alpha2.ClusterNetworkPolicy) error {
	owner := client.FieldOwner(v1alpha1.ManagedByValue)
	if have == nil {
		obj := want.DeepCopy()
		if err := r.Writer.Create(ctx, obj, owner); err != nil {
			return fmt.Errorf("creating ClusterNetworkPolicy %s: %w", want.Name, err)
		}
		r.echoes.wrote(obj.Name, obj.ResourceVersion, time.Now())
		return nil
	}
	obj := guardrail.Onto(want, have)
	if err := r.Writer.Update(ctx, obj, owner); err != nil {
		return fmt.Errorf("changing ClusterNetworkPolicy %s: %w", want.Name, err)
	}
	r.echoes.wrote(obj.Name, obj.ResourceVersion, time.Now())
	return nil
}

func (r *GuardrailReconciler) remove(ctx context.Context, gone *policyv1alpha2.ClusterNetworkPolicy) error {
	bare := &policyv1alpha2.ClusterNetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: gone.Name}}
	err := r.Writer.Delete(ctx, bare, client.Preconditions{UID: &gone.UID, ResourceVersion: &gone.ResourceVersion})
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("deleting ClusterNetworkPolicy %s: %w", gone.Name, err)
	}
	r.echoes.wrote(gone.Name, "", time.Now())
	return nil
}

// listGuardrails reads all ClusterNetworkPolicies from the cache.
func listGuardrails(ctx context.Context, reader client.Reader) ([]*policyv1alpha2.ClusterNetworkPolicy, error) {
	var list policyv1alpha2.ClusterNetworkPolicyList
	if err := reader.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing ClusterNetworkPolicies: %w", err)
	}
	out := make([]*policyv1alpha2.ClusterNetworkPolicy, 0, len(list.Items))
	for i := range list.Items {
		out = append(out, &list.Items[i])
	}
	return out, nil
}

// addresses are those of the cluster that some profile asks for.
func (p *Profiles) addresses() addresses.Cluster {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.facts.Addresses
}
