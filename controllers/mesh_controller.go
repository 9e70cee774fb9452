package controllers

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/apply"
	"github.com/segmentation-dev/segmentation-operator/internal/backpressure"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// companyWait is how long namespaces wait that others have come to call, or ceased to: more of them may, and each write of a
// policy then does for all.
const companyWait = 200 * time.Millisecond

// MeshReconciler brings the policies of Istio of one namespace at a time to what its profile declares. They wait for nobody,
// and nobody waits for them: what they allow depends on no labels.
type MeshReconciler struct {
	// Reader reads from the cache.
	Reader client.Reader
	// Writer writes.
	Writer client.Writer
	// Profiles compiles profiles.
	Profiles *Profiles
	// Protected are the namespaces that no profile may claim.
	Protected claim.Protected
	// Root is Istio's root namespace.
	Root string
	// Meshes is told what came of it.
	Meshes *Meshes

	pauses backpressure.Pauses
}

// SetupWithManager watches what policies depend on.
func (r *MeshReconciler) SetupWithManager(mgr ctrl.Manager, options controller.Options) error {
	announced := source.Func(func(_ context.Context, q queue) error {
		r.Meshes.wakeWith(func(after time.Duration, namespaces ...string) {
			for _, name := range namespaces {
				q.AddAfter(requestFor(name), after)
			}
		})
		r.Profiles.foundWith(func([]string) { q.Add(requestFor(everyMesh)) })
		return nil
	})
	every := handler.EnqueueRequestsFromMapFunc(func(context.Context, client.Object) []reconcile.Request {
		return []reconcile.Request{requestFor(everyMesh)}
	})
	itself := handler.EnqueueRequestsFromMapFunc(func(_ context.Context, o client.Object) []reconcile.Request {
		return []reconcile.Request{requestFor(o.GetName())}
	})
	where := handler.EnqueueRequestsFromMapFunc(func(_ context.Context, o client.Object) []reconcile.Request {
		return []reconcile.Request{requestFor(o.GetNamespace())}
	})
	return ctrl.NewControllerManagedBy(mgr).
		Named("mesh").
		WithOptions(options).
		WithLogConstructor(logsBy(mgr.GetLogger(), "mesh")).
		WatchesMetadata(&corev1.Namespace{}, itself, builder.WithPredicates(membershipMayChange())).
		Watches(&corev1.Service{}, where, builder.WithPredicates(predicate.NewPredicateFuncs(r.Meshes.isDue))).
		Watches(&v1alpha1.SegmentationProfile{}, every).
		WatchesRawSource(announced).
		Complete(r)
}

// Reconcile gathers, claims, renders and writes the policies of one namespace.
func (r *MeshReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	if wait := r.pauses.Left(request.Name); wait > 0 {
		return reconcile.Result{RequeueAfter: wait}, nil
	}
	profiles, err := r.Profiles.current(ctx)
	if errors.Is(err, errUnderWay) {
		return reconcile.Result{RequeueAfter: underWayRetry}, nil
	}
	if err != nil {
		return reconcile.Result{}, err
	}
	if err := r.survey(ctx, profiles); err != nil {
		return reconcile.Result{}, err
	}
	if request.Name == everyMesh {
		return reconcile.Result{}, nil
	}
	namespace, err := getNamespace(ctx, r.Reader, request.Name)
	if client.IgnoreNotFound(err) != nil {
		return reconcile.Result{}, err
	}
	if apierrors.IsNotFound(err) {
		r.forget(request.Name)
		return reconcile.Result{}, nil
	}
	result, err := r.bring(ctx, profiles, namespace)
	r.pauses.Note(request.Name, err)
	if left := r.pauses.Left(request.Name); left > 0 {
		return reconcile.Result{RequeueAfter: left}, nil
	}
	if isOvertaken(err) {
		// The event of what it was overtaken by comes first, as a rule.
		return reconcile.Result{RequeueAfter: overtakenRetry}, nil
	}
	return result, err
}

// isOvertaken tells whether a write failed since somebody has changed the object, or is deleting the namespace.
func isOvertaken(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause)
}

// survey finds out where all namespaces are due, if that is not known by the profiles as they are; all that have to do with a
// mesh are then looked at.
func (r *MeshReconciler) survey(ctx context.Context, profiles *snapshot) error {
	r.Meshes.mu.Lock()
	defer r.Meshes.mu.Unlock()
	if r.Meshes.serial == profiles.serial {
		return nil
	}
	namespaces, err := listNamespaces(ctx, r.Reader)
	if err != nil {
		return err
	}
	plans := plansOf(profiles)
	places := mesh.NewPlaces(plans, r.Root)
	var concerned []string
	if r.Meshes.serial == 0 {
		seen := r.Meshes.look()
		if concerned, err = seen.written(ctx); err != nil {
			return err
		}
	}
	for i := range namespaces {
		n := &namespaces[i]
		decision := profiles.decide(n, r.Protected)
		due := plan.TierOf(dueIn(n, decision))
		places.Put(n.Name, due, n.Labels)
		_, wasKnown := r.Meshes.known[n.Name]
		if c := profiles.byName[decision.Profile]; wasKnown || c != nil && c.plan != nil && c.plan.Istio != nil {
			concerned = append(concerned, n.Name)
		}
	}
	r.Meshes.places, r.Meshes.serial, r.Meshes.profiles = places, profiles.serial, nil
	for _, p := range plans {
		r.Meshes.profiles = append(r.Meshes.profiles, p.Profile)
	}
	r.Meshes.news()
	r.Meshes.wake(0, concerned...)
	return nil
}

// uidOf is the UID of a profile; empty if there is none of that name.
func (s *snapshot) uidOf(profile string) types.UID {
	if c := s.byName[profile]; c != nil {
		return c.identity.uid
	}
	return ""
}

// plansOf are the plans of profiles that have a part in a mesh.
func plansOf(profiles *snapshot) []*plan.Plan {
	var out []*plan.Plan
	for _, name := range slices.Sorted(maps.Keys(profiles.byName)) {
		if c := profiles.byName[name]; c.plan != nil && c.plan.Istio != nil && !c.identity.deleting {
			out = append(out, c.plan)
		}
	}
	return out
}

// forget drops what is remembered of a namespace that is gone, and has those looked at that it called.
func (r *MeshReconciler) forget(namespace string) {
	r.Meshes.mu.Lock()
	concerned := r.Meshes.places.Forget(namespace)
	r.Meshes.doubt(concerned)
	delete(r.Meshes.echoes, namespace)
	wake := r.Meshes.wake
	r.Meshes.mu.Unlock()
	r.pauses.Forget(namespace)
	r.Meshes.record(namespace, meshed{})
	wake(companyWait, concerned...)
}

// bring brings a namespace to what is due to it. In one that is being deleted nothing is written, and what calls from it is
// let in until it is gone: its pods still run.
func (r *MeshReconciler) bring(ctx context.Context, profiles *snapshot, namespace *metav1.PartialObjectMetadata) (reconcile.Result, error) {
	decision := profiles.decide(namespace, r.Protected)
	r.place(namespace, plan.TierOf(dueIn(namespace, decision)))
	if namespace.DeletionTimestamp != nil {
		r.Meshes.record(namespace.Name, meshed{profile: decision.Profile, isLeaving: true})
		return reconcile.Result{}, nil
	}
	seen := r.Meshes.look()
	observed, err := seen.observe(ctx, client.InNamespace(namespace.Name))
	if err != nil || seen.isUnread(false) {
		return reconcile.Result{}, err
	}
	if wait := r.Meshes.await(namespace.Name, observed); wait > 0 {
		return reconcile.Result{RequeueAfter: wait}, nil
	}
	if decision.Outcome == claim.Held {
		return reconcile.Result{}, nil // What is there stays.
	}
	desired, known, err := r.render(ctx, profiles, namespace, decision)
	if err != nil || seen.isUnread(len(desired.Authentications) > 0) {
		return reconcile.Result{}, err
	}
	place := apply.MeshPlace{Owner: profiles.uidOf(decision.Profile), Revision: mesh.RevisionOf(namespace.Labels)}
	if place.IsGuarded, err = seen.isGuarded(ctx, r.Root, namespace); err != nil {
		return reconcile.Result{}, err
	}
	changes := apply.DiffMesh(seen.writable(desired), observed, place)
	return r.write(ctx, namespace.Name, &changes, known, seen.kinds)
}

// write makes changes in a namespace, and takes note of what came of them.
func (r *MeshReconciler) write(
	ctx context.Context, namespace string, changes *apply.MeshChanges, known meshed, by kinds,
) (reconcile.Result, error) {
	for _, taken := range changes.Taken {
		known.findings = append(known.findings, plan.Finding{
			Reason: v1alpha1.ReasonNameTaken, Namespace: namespace,
			Message: taken + " is not the operator's, or waits for finalizers, and has a name that it needs; rename or delete it",
		})
	}
	err := apply.WriteMesh(ctx, r.Writer, changes.Steps, func(kind, name string, now client.Object) {
		r.Meshes.wrote(namespace, kind, name, now)
	})
	known.isExact, known.isFailing = len(changes.Steps)+len(changes.Taken) == 0, err != nil && !isOvertaken(err)
	known.by = by
	if n := len(changes.Steps); n > 0 {
		logr.FromContextOrDiscard(ctx).V(1).Info("Policies of the mesh written", "profile", known.profile, "writes", n)
	}
	r.Meshes.record(namespace, known)
	if len(changes.Steps) > 0 && err == nil {
		return reconcile.Result{RequeueAfter: EchoRetry}, nil
	}
	return reconcile.Result{}, err
}

// place takes note of where a namespace is due, and has those looked at whose policies name it, or did.
func (r *MeshReconciler) place(namespace *metav1.PartialObjectMetadata, due plan.TierOf) {
	r.Meshes.mu.Lock()
	concerned := r.Meshes.places.Put(namespace.Name, due, namespace.Labels)
	r.Meshes.doubt(concerned)
	wake := r.Meshes.wake
	r.Meshes.mu.Unlock()
	wake(companyWait, concerned...)
}

// render renders what a namespace is to have, and begins what is known of it.
func (r *MeshReconciler) render(
	ctx context.Context, profiles *snapshot, namespace *metav1.PartialObjectMetadata, d claim.Decision,
) (mesh.Objects, meshed, error) {
	c := profiles.byName[d.Profile]
	if d.Outcome != claim.Claimed || c.plan.Istio == nil {
		return mesh.Objects{}, meshed{}, nil
	}
	called, err := profiles.calledIn(ctx, r.Reader, namespace, d)
	if err != nil {
		return mesh.Objects{}, meshed{}, err
	}
	tier := c.plan.Tier(d.Tier).With(plan.OwnServices(d.Profile, d.Tier, called.services))
	r.Meshes.mu.Lock()
	rendered := mesh.Render(c.plan, tier, namespace.Name, r.Meshes.places.Facts(d.Profile))
	r.Meshes.mu.Unlock()
	known := meshed{profile: d.Profile, plan: c.plan}
	for _, f := range rendered.Findings {
		if f.Namespace != "" { // The others were found in the plan.
			known.findings = append(known.findings, f)
		}
	}
	return rendered.Objects, known, nil
}
