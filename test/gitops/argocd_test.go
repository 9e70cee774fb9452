package gitops

import (
	"slices"
	"testing"

	"github.com/argoproj/argo-cd/v3/common"
	appv1 "github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/argo"
	"github.com/argoproj/argo-cd/v3/util/lua"
	"github.com/argoproj/argo-cd/v3/util/settings"
	clustercache "github.com/argoproj/gitops-engine/pkg/cache"
	"github.com/argoproj/gitops-engine/pkg/health"
	"github.com/argoproj/gitops-engine/pkg/utils/kube"
	"github.com/argoproj/gitops-engine/pkg/utils/tracing"
	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// configMapResource are ConfigMaps.
var configMapResource = corev1.SchemeGroupVersion.WithResource("configmaps")

// argoNamespace is where Argo CD is installed.
const argoNamespace = "argocd"

// argoCD is what Argo CD's application controller has: its settings, a cache of the cluster, and a client.
type argoCD struct {
	plane     *plane
	config    *rest.Config
	overrides map[string]appv1.ResourceOverride
	tracking  appv1.TrackingMethod
	labelKey  string
	resources argo.ResourceTracking
	cache     clustercache.ClusterCache
	kubectl   kube.Kubectl
}

// marks is what the cache remembers of an object that is in no Application's manifests, as Argo CD's does.
type marks struct {
	application string
	health      *health.HealthStatus
}

// installArgoCD installs argocd-cm with the health script, and reads it as Argo CD does. An empty tracking method leaves
// Argo CD's own default.
func installArgoCD(t *testing.T, p *plane, tracking appv1.TrackingMethod) *argoCD {
	t.Helper()
	config := p.createArgoUser(t)
	manager := p.installSettings(t, config, tracking)
	filter, err := manager.GetResourcesFilter()
	check(t, err)
	kubectl := &kube.KubectlCmd{Log: logr.Discard(), Tracer: tracing.NopTracer{}}
	a := &argoCD{plane: p, config: config, resources: argo.NewResourceTracking(), kubectl: kubectl}
	a.overrides, err = manager.GetResourceOverrides()
	check(t, err)
	method, err := manager.GetTrackingMethod()
	check(t, err)
	a.tracking = appv1.TrackingMethod(method)
	a.labelKey, err = manager.GetAppInstanceLabelKey()
	check(t, err)
	a.cache = clustercache.NewClusterCache(config,
		clustercache.SetSettings(clustercache.Settings{ResourceHealthOverride: a.healths(), ResourcesFilter: filter}),
		clustercache.SetPopulateResourceInfoHandler(a.remember),
		clustercache.SetLogr(logr.Discard()),
	)
	check(t, a.cache.EnsureSynced())
	t.Cleanup(func() { a.cache.Invalidate() })
	return a
}

func (p *plane) installSettings(t *testing.T, config *rest.Config, tracking appv1.TrackingMethod) *settings.SettingsManager {
	t.Helper()
	obj := configWithHealth(t, argoNamespace)
	if tracking != "" {
		check(t, unstructured.SetNestedField(obj.Object, string(tracking), "data", "application.resourceTrackingMethod"))
	}
	configMaps := p.objects.Resource(configMapResource).Namespace(argoNamespace)
	_, err := configMaps.Create(t.Context(), obj, metav1.CreateOptions{})
	check(t, err)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Namespace: argoNamespace, Name: common.ArgoCDSecretName, Labels: map[string]string{"app.kubernetes.io/part-of": "argocd"},
	}}
	_, err = p.clients.CoreV1().Secrets(argoNamespace).Create(t.Context(), secret, metav1.CreateOptions{})
	check(t, err)
	clients, err := kubernetes.NewForConfig(config)
	check(t, err)
	return settings.NewSettingsManager(t.Context(), clients, argoNamespace)
}

func (a *argoCD) healths() lua.ResourceHealthOverrides {
	return lua.ResourceHealthOverrides(a.overrides)
}

// remember is the handler of Argo CD's cache: what has an owner belongs to no Application, whatever its marks say.
func (a *argoCD) remember(obj *unstructured.Unstructured, isRoot bool) (info any, cacheManifest bool) {
	m := &marks{}
	m.health, _ = health.GetResourceHealth(obj, a.healths())
	if name := a.resources.GetAppName(obj, a.labelKey, a.tracking, ""); isRoot {
		m.application = name
	}
	return m, m.application != "" || obj.GetKind() == kube.CustomResourceDefinitionKind
}

// live returns the objects of an Application, and those that are to be.
func (a *argoCD) live(t *testing.T, name string, targets []*unstructured.Unstructured) map[kube.ResourceKey]*unstructured.Unstructured {
	t.Helper()
	objects, err := a.cache.GetManagedLiveObjs(targets, func(r *clustercache.Resource) bool {
		m, ok := r.Info.(*marks)
		return ok && m.application == name
	})
	check(t, err)
	return objects
}

// application is an Application and what git has for it.
type application struct {
	*argoCD

	spec *appv1.Application
	git  []*unstructured.Unstructured
}

func (a *argoCD) deliver(spec *appv1.Application, git []*unstructured.Unstructured) *application {
	return &application{argoCD: a, spec: spec, git: git}
}

// targets are the manifests with the marks that Argo CD's repository server adds.
func (a *application) targets(t *testing.T) []*unstructured.Unstructured {
	t.Helper()
	out := make([]*unstructured.Unstructured, 0, len(a.git))
	for _, obj := range a.git {
		target := obj.DeepCopy()
		if !kube.IsCRD(target) {
			check(t, a.resources.SetAppInstance(target, a.labelKey, a.spec.Name, a.spec.Spec.Destination.Namespace, a.tracking, ""))
		}
		out = append(out, target)
	}
	return out
}

// own tells whether an object is what its marks say: they may have been copied from another.
func (a *application) own(live, target *unstructured.Unstructured) bool {
	if live == nil || a.tracking == appv1.TrackingMethodLabel {
		return true
	}
	instance := a.resources.GetAppInstance(live, a.tracking, "")
	if target != nil {
		value := argo.UnstructuredToAppInstanceValue(target, a.spec.Name, "")
		instance = &value
	}
	if instance == nil {
		return true
	}
	return (live.GetNamespace() == instance.Namespace || live.GetNamespace() == "") && live.GetName() == instance.Name &&
		live.GroupVersionKind().GroupKind() == schema.GroupKind{Group: instance.Group, Kind: instance.Kind}
}

func (a *application) option(name string) bool {
	return slices.Contains(a.spec.Spec.SyncPolicy.SyncOptions, name)
}
