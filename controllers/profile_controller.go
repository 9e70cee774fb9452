package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-logr/logr"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/backpressure"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/status"
)

// underWayRetry is how long a profile waits before it looks whether writes are still under way that were
// decided on before it changed. Profiles are few; namespaces are woken up.
const underWayRetry = 50 * time.Millisecond

// ProfileReconciler sums up what is known of a profile's namespaces in its status.
type ProfileReconciler struct {
	// Reader reads from the cache.
	Reader client.Reader
	// Writer writes status and bookmarks.
	Writer Writer
	// Recorder records events on profiles.
	Recorder events.EventRecorder
	// Profiles compiles profiles.
	Profiles *Profiles
	// Ledger tells what came of each namespace.
	Ledger *Ledger
	// Protected are the namespaces that no profile may claim.
	Protected claim.Protected
	// Namespace is the operator's own namespace; empty outside of a cluster.
	Namespace string
	// Guards tells how far guardrails are.
	Guards *Guards
	// Meshes tells how far policies of Istio are.
	Meshes *Meshes

	pace pace
	// pauses are those of profiles that the API server had no room to write about.
	pauses backpressure.Pauses
}

// SetupWithManager watches profiles and what the ledger tells of their namespaces.
func (r *ProfileReconciler) SetupWithManager(mgr ctrl.Manager, options controller.Options) error {
	announced := source.Func(func(_ context.Context, q queue) error {
		r.Ledger.notifyWith(func(request reconcile.Request) { q.Add(request) })
		if r.Guards != nil {
			r.Guards.changedWith(func(profile string) { q.Add(requestFor(profile)) })
		}
		if r.Meshes != nil {
			r.Meshes.changedWith(func(profile string) { q.Add(requestFor(profile)) })
		}
		r.Profiles.foundWith(func(names []string) {
			for _, name := range names {
				q.Add(requestFor(name))
			}
		})
		return nil
	})
	return ctrl.NewControllerManagedBy(mgr).
		Named("profile").
		WithOptions(options).
		WithLogConstructor(logsBy(mgr.GetLogger(), "profile")).
		For(&v1alpha1.SegmentationProfile{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&networkingv1.NetworkPolicy{}, enqueueBookmarked(), builder.WithPredicates(isIn(r.Namespace))).
		WatchesRawSource(announced).
		Complete(r)
}

// Reconcile writes the profile's bookmark and its status, if they are not as they should be.
func (r *ProfileReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	profile := &v1alpha1.SegmentationProfile{}
	if err := r.Reader.Get(ctx, request.NamespacedName, profile); err != nil || profile.DeletionTimestamp != nil {
		r.pace.forget(request.Name)
		r.pauses.Forget(request.Name)
		profileGauges.forget(request.Name)
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if left := r.pauses.Left(request.Name); left > 0 {
		return reconcile.Result{RequeueAfter: left}, nil
	}
	profiles, err := r.Profiles.current(ctx)
	if errors.Is(err, errUnderWay) {
		return reconcile.Result{RequeueAfter: underWayRetry}, nil
	}
	if err != nil {
		return reconcile.Result{}, err
	}
	var unmarked error
	if !profiles.home.has(profile) {
		unmarked = profiles.home.writeBookmark(ctx, r.Writer, profile)
		r.pauses.Note(profile.Name, unmarked)
	}
	if left := r.pauses.Left(profile.Name); left > 0 {
		return reconcile.Result{RequeueAfter: left}, nil
	}
	result, err := r.report(ctx, profile, profiles)
	if left := r.pauses.Left(profile.Name); left > 0 {
		return reconcile.Result{RequeueAfter: left}, nil
	}
	if unmarked != nil {
		return reconcile.Result{}, errors.Join(unmarked, err)
	}
	return result, err
}

// report writes the profile's status if it is not what it should be, at the pace that status is written.
func (r *ProfileReconciler) report(
	ctx context.Context, profile *v1alpha1.SegmentationProfile, profiles *snapshot,
) (reconcile.Result, error) {
	began := time.Now()
	if wait := r.pace.look(profile.Name, began); wait > 0 {
		return reconcile.Result{RequeueAfter: wait}, nil
	}
	current := profiles.byName[profile.Name]
	if current == nil || current.identity != identify(profile) {
		// The profile changed between the two looks at the cache.
		return reconcile.Result{RequeueAfter: lookInterval}, nil
	}
	namespaces, complete, err := r.survey(ctx, profiles, profile.Name)
	if err != nil {
		return reconcile.Result{}, err
	}
	now := time.Now()
	r.pace.looked(profile.Name, began, now)
	if !complete && profile.Status.ObservedGeneration == profile.Generation {
		// After a restart: what the status says holds until all namespaces were looked at.
		return reconcile.Result{RequeueAfter: statusInterval}, nil
	}
	want, counts := status.Measure(status.Input{
		Profile: profile, Invalid: current.invalid, Plan: current.plan, Findings: current.findings, Namespaces: namespaces,
		Now: now, Unmarked: !profiles.home.has(profile), Guard: r.Guards.of(profile),
		Engine: profiles.engine, ByEngine: current.byEngine,
		Mesh: r.Meshes.of(profile.Name, current.plan),
	})
	profileGauges.set(profile.Name, want, counts)
	if wait := r.pace.behind(profile, now); wait > 0 {
		// What is seen is not what was written last, so that it is as wanted means nothing.
		return reconcile.Result{RequeueAfter: wait}, nil
	}
	if equality.Semantic.DeepEqual(profile.Status, want) {
		r.pace.settle(profile, &want, now)
		return reconcile.Result{}, nil
	}
	if wait := max(r.pace.settle(profile, &want, now), r.pace.wait(profile, &want, now)); wait > 0 {
		return reconcile.Result{RequeueAfter: wait}, nil
	}
	return reconcile.Result{}, r.publish(ctx, profile, want)
}

// enqueueBookmarked enqueues the profile of a bookmark.
func enqueueBookmarked() handler.EventHandler {
	return handler.EnqueueRequestsFromMapFunc(func(_ context.Context, obj client.Object) []reconcile.Request {
		if profile := bookmarkOf(obj); profile != "" {
			return []reconcile.Request{requestFor(profile)}
		}
		return nil
	})
}

// survey returns what is known of the namespaces that have to do with the profile. It is
// not complete until the namespace reconciler has looked at every one of them.
func (r *ProfileReconciler) survey(
	ctx context.Context, profiles *snapshot, profile string,
) (known []status.Namespace, complete bool, err error) {
	namespaces, err := listNamespaces(ctx, r.Reader)
	if err != nil {
		return nil, false, err
	}
	complete = true
	for i := range namespaces {
		seen, ok := r.Ledger.get(namespaces[i].Name)
		if !ok || seen.snapshot != profiles.serial {
			seen = r.reconsider(seen, &namespaces[i], profiles)
		}
		if !concerns(&seen.Namespace, profile) {
			continue
		}
		complete = complete && ok
		known = append(known, seen.Namespace)
	}
	return known, complete, nil
}

// reconsider decides anew on a namespace that was last looked at when the profiles were
// others. What came of it still counts if the profile that it belongs to is the same.
func (r *ProfileReconciler) reconsider(seen entry, namespace client.Object, profiles *snapshot) entry {
	decision := profiles.decide(namespace, r.Protected)
	basis := profiles.basisOf(decision.Profile, decision.Tier)
	if seen.basis != basis || seen.Decision.Tier != decision.Tier || seen.Decision.Outcome != decision.Outcome {
		seen.Namespace = status.Namespace{State: status.Unseen}
	}
	seen.Name, seen.Decision = namespace.GetName(), decision
	return seen
}

func concerns(n *status.Namespace, profile string) bool {
	if n.Decision.Profile == profile {
		return true
	}
	return slices.ContainsFunc(n.Decision.Selections, func(s claim.Selection) bool { return s.Profile == profile }) ||
		slices.ContainsFunc(n.PeerOf, func(p status.PeerOf) bool { return p.Profile == profile }) ||
		slices.ContainsFunc(n.CalledWithoutPods, func(c plan.Called) bool { return c.Profile == profile })
}

// publish writes the status, and then the events that tell of what has changed.
func (r *ProfileReconciler) publish(
	ctx context.Context, profile *v1alpha1.SegmentationProfile, want v1alpha1.SegmentationProfileStatus,
) error {
	version, err := applyStatus(ctx, r.Writer, profile, want)
	r.pauses.Note(profile.Name, err)
	if err != nil {
		return client.IgnoreNotFound(fmt.Errorf("writing status: %w", err))
	}
	news := r.pace.wrote(profile, &want, version, time.Now())
	logr.FromContextOrDiscard(ctx).Info("Status written",
		"generation", want.ObservedGeneration, "claimed", want.Namespaces.Claimed, "ready", want.Namespaces.Ready)
	if !news {
		return nil
	}
	// With the version of its own status each event is another one to client-go, which otherwise
	// patches the one before.
	told := &v1alpha1.SegmentationProfile{ObjectMeta: metav1.ObjectMeta{Name: profile.Name, UID: profile.UID, ResourceVersion: version}}
	for _, e := range transitions(&profile.Status, &want) {
		if slices.Contains(ofTheCluster, e.reason) && !r.pace.mayTell(profile.Name, e.reason, time.Now()) {
			continue
		}
		r.Recorder.Eventf(told, nil, e.kind, e.reason, "Reconcile", "%s", e.message)
	}
	return nil
}
