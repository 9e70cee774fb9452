package controllers

import (
	"context"
	"maps"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
)

type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// SetupWithManager watches namespaces, the objects that the operator writes, and profiles.
func (r *NamespaceReconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager, options controller.Options) error {
	if err := indexClusterRoles(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	workers := max(options.MaxConcurrentReconciles, 1)
	err := mgr.Add(manager.RunnableFunc(func(ctx context.Context) error { return r.keepUp(ctx, workers) }))
	if err != nil {
		return err
	}
	b := ctrl.NewControllerManagedBy(mgr)
	if r.WatchPods {
		b.Watches(&corev1.Pod{}, r.enqueuePods(), builder.WithPredicates(portsChange()))
	}
	return b.
		Named("namespace").
		WithOptions(options).
		WithLogConstructor(logsBy(mgr.GetLogger(), "namespace")).
		WatchesMetadata(&corev1.Namespace{}, r.enqueueItself(), builder.WithPredicates(membershipMayChange())).
		// Those of others count, too: what they open and grant is compared with what is declared.
		Watches(&networkingv1.NetworkPolicy{}, r.enqueueNamespace()).
		Watches(&rbacv1.Role{}, r.enqueueNamespace()).
		Watches(&rbacv1.RoleBinding{}, r.enqueueNamespace()).
		Watches(&rbacv1.ClusterRole{}, r.enqueueBound()).
		Watches(&corev1.Service{}, r.enqueueService()).
		Watches(&discoveryv1.EndpointSlice{}, r.enqueueCluster(), builder.WithPredicates(isOfAPIServer())).
		Watches(&corev1.Node{}, r.enqueueCluster(), builder.WithPredicates(addressesChange())).
		Watches(&networkingv1.ServiceCIDR{}, r.enqueueCluster(), builder.WithPredicates(specChanges())).
		Watches(&v1alpha1.SegmentationProfile{}, r.enqueueConcerned()).
		Watches(&networkingv1.NetworkPolicy{}, r.enqueueBookmarked(), builder.WithPredicates(isIn(r.Profiles.own))).
		WatchesRawSource(r.woken()).
		WatchesRawSource(r.toldOf()).
		Complete(inTurn{r})
}

// callersDelay is how long a namespace is not looked at for callers that came, while still more are about to:
// for each of them, all that they call would be written to.
const callersDelay = time.Second

// woken enqueues namespaces that waited for others and need not wait any more.
func (r *NamespaceReconciler) woken() source.Source {
	return source.Func(func(ctx context.Context, q queue) error {
		r.backlog.on(q)
		r.Census.OweWith(r.Ledger.unsettle)
		r.Census.WakeSoonWith(func(namespaces []string) {
			r.enqueue(q, unfinished, callersDelay, namespaces...)
		})
		if r.Guards != nil {
			r.Guards.wakeWith(func(namespaces []string) { r.enqueue(q, unfinished, 0, namespaces...) })
			r.Guards.rejudgeWith(func() { r.enqueueMembers(ctx, q) })
		}
		r.Census.WakeWith(func(namespaces []string) {
			for _, name := range namespaces {
				r.enqueue(q, r.ofWoken(name), 0, name)
			}
		})
		return nil
	})
}

// enqueueMembers enqueues all members of all profiles, a while later: more may change until then.
func (r *NamespaceReconciler) enqueueMembers(ctx context.Context, q queue) {
	namespaces, err := listNamespaces(ctx, r.Reader)
	if err != nil {
		return // The cache is stopping, and with it the operator.
	}
	var members []string
	for i := range namespaces {
		if membershipOf(&namespaces[i]).Profile != "" {
			members = append(members, namespaces[i].Name)
		}
	}
	r.enqueue(q, unfinished, callersDelay, members...)
}

// logsBy makes the loggers of a controller, in which the object worked on has its kind as key.
func logsBy(base logr.Logger, kind string) func(*reconcile.Request) logr.Logger {
	base = base.WithValues("controller", kind)
	return func(request *reconcile.Request) logr.Logger {
		if request == nil {
			return base
		}
		return base.WithValues(kind, request.Name)
	}
}

// membershipMayChange passes events of namespaces whose labels or deletion changed.
func membershipMayChange() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return !maps.Equal(e.ObjectOld.GetLabels(), e.ObjectNew.GetLabels()) ||
			(e.ObjectOld.GetDeletionTimestamp() == nil) != (e.ObjectNew.GetDeletionTimestamp() == nil) ||
			e.ObjectOld.GetResourceVersion() == e.ObjectNew.GetResourceVersion()
	}}
}

// enqueueItself enqueues a namespace, and takes note of when the watch showed it. A standby, which works on none,
// must not remember those that are gone.
func (r *NamespaceReconciler) enqueueItself() handler.EventHandler {
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q queue) {
			r.arrivals.saw(e.Object.GetName(), time.Now())
			r.enqueue(q, ofArrival(e), 0, e.Object.GetName())
		},
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) {
			r.arrivals.saw(e.ObjectNew.GetName(), time.Now())
			r.enqueueAfter(q, r.Applier.Saw(e.ObjectNew), ofUpdate(e, ofNamespace(e.ObjectNew)), e.ObjectNew.GetName())
		},
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) {
			r.arrivals.forget(e.Object.GetName())
			r.enqueue(q, urgent, 0, e.Object.GetName())
		},
	}
}

// enqueueNamespace enqueues the namespace of an object.
func (r *NamespaceReconciler) enqueueNamespace() handler.EventHandler {
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q queue) {
			r.enqueueAfter(q, r.Applier.Saw(e.Object), ofCreation(e, ofObjects(e.Object)), e.Object.GetNamespace())
		},
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) {
			r.enqueueAfter(q, r.Applier.Saw(e.ObjectNew), ofUpdate(e, ofObjects(e.ObjectOld, e.ObjectNew)), e.ObjectNew.GetNamespace())
		},
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) {
			r.enqueueAfter(q, r.Applier.SawDeletion(e.Object), ofObjects(e.Object), e.Object.GetNamespace())
		},
	}
}

// enqueueConcerned enqueues the namespaces that a profile selects, selected until now, or has
// as members.
func (r *NamespaceReconciler) enqueueConcerned() handler.EventHandler {
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q queue) {
			r.enqueueOf(ctx, q, ofCreation(e, declared), e.Object)
		},
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) {
			if sameDeclaration(e.ObjectOld, e.ObjectNew) {
				return
			}
			r.enqueueOf(ctx, q, declared, e.ObjectOld, e.ObjectNew)
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q queue) { r.enqueueOf(ctx, q, declared, e.Object) },
	}
}

func sameDeclaration(before, after client.Object) bool {
	return before.GetUID() == after.GetUID() &&
		before.GetGeneration() == after.GetGeneration() &&
		(before.GetDeletionTimestamp() == nil) == (after.GetDeletionTimestamp() == nil)
}

func (r *NamespaceReconciler) enqueueOf(ctx context.Context, q queue, priority int, profiles ...client.Object) {
	namespaces, err := listNamespaces(ctx, r.Reader)
	if err != nil {
		// The cache is stopping, and with it the operator.
		ctrl.LoggerFrom(ctx).Error(err, "Namespaces of a changed profile could not be listed")
		return
	}
	var claimants []claim.Claimant
	for _, obj := range profiles {
		if profile, ok := obj.(*v1alpha1.SegmentationProfile); ok {
			claimants = append(claimants, r.Profiles.claimant(profile))
		}
	}
	var concerned []string
	for i := range namespaces {
		n := claim.Namespace{Name: namespaces[i].Name, Labels: namespaces[i].Labels}
		for _, c := range claimants {
			if c.Selects(n) || n.Labels[v1alpha1.ProfileLabel] == c.Profile {
				concerned = append(concerned, n.Name)
				break
			}
		}
	}
	r.enqueue(q, priority, 0, concerned...)
}

// enqueueBookmarked enqueues the members of a profile whose bookmark comes or goes, and what the
// profile selects.
func (r *NamespaceReconciler) enqueueBookmarked() handler.EventHandler {
	enqueue := func(ctx context.Context, q queue, priority int, obj client.Object) {
		name := obj.GetLabels()[v1alpha1.BookmarkLabel]
		if name == "" {
			return
		}
		profile := &v1alpha1.SegmentationProfile{}
		if err := r.Reader.Get(ctx, client.ObjectKey{Name: name}, profile); err != nil {
			profile.Name = name // It is gone; its members are not.
		}
		r.enqueueOf(ctx, q, priority, profile)
	}
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q queue) {
			enqueue(ctx, q, ofCreation(e, declared), e.Object)
		},
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) {
			if ownerOf(e.ObjectOld) != ownerOf(e.ObjectNew) {
				enqueue(ctx, q, declared, e.ObjectNew)
			}
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q queue) { enqueue(ctx, q, declared, e.Object) },
	}
}

func requestFor(name string) reconcile.Request {
	request := reconcile.Request{}
	request.Name = name
	return request
}
