package gitops

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"github.com/argoproj/argo-cd/v3/common"
	appv1 "github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	argodiff "github.com/argoproj/argo-cd/v3/util/argo/diff"
	"github.com/argoproj/argo-cd/v3/util/argo/normalizers"
	"github.com/argoproj/argo-cd/v3/util/lua"
	"github.com/argoproj/gitops-engine/pkg/diff"
	"github.com/argoproj/gitops-engine/pkg/health"
	"github.com/argoproj/gitops-engine/pkg/sync"
	"github.com/argoproj/gitops-engine/pkg/sync/syncwaves"
	"github.com/argoproj/gitops-engine/pkg/utils/kube"
	"github.com/argoproj/gitops-engine/pkg/utils/tracing"
	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// comparison is what Argo CD finds when it compares git with the cluster.
type comparison struct {
	reconciled sync.ReconciliationResult
	diffs      *diff.DiffResultList
	resources  []resource
	health     health.HealthStatusCode
}

// resource is a line of an Application's page.
type resource struct {
	key     kube.ResourceKey
	wave    int
	synced  bool
	prune   bool
	health  *health.HealthStatus
	changed string
}

// reconcile finds for each object of git the one in the cluster, and those that git does not have.
func (a *application) reconcile(t *testing.T) sync.ReconciliationResult {
	t.Helper()
	targets := a.targets(t)
	return sync.Reconcile(targets, a.live(t, a.spec.Name, targets), a.spec.Spec.Destination.Namespace, a.cache)
}

// compare does what Argo CD's CompareAppState does.
func (a *application) compare(t *testing.T) comparison {
	t.Helper()
	reconciled := a.reconcile(t)
	diffs, err := a.diffs(t, reconciled)
	check(t, err)
	c := comparison{reconciled: reconciled, diffs: diffs, health: health.HealthStatusHealthy}
	for i, target := range reconciled.Target {
		live := reconciled.Live[i]
		if !a.own(live, target) {
			continue
		}
		c.resources = append(c.resources, a.resource(t, live, target, diffs.Diffs[i]))
		c.health = worse(c.health, c.resources[len(c.resources)-1], a.healths())
	}
	slices.SortFunc(c.resources, func(x, y resource) int {
		return cmp.Or(cmp.Compare(x.wave, y.wave), cmp.Compare(x.key.Kind, y.key.Kind), cmp.Compare(x.key.Namespace, y.key.Namespace),
			cmp.Compare(x.key.Name, y.key.Name))
	})
	return c
}

func (a *application) resource(t *testing.T, live, target *unstructured.Unstructured, d diff.DiffResult) resource {
	t.Helper()
	obj := live
	if obj == nil {
		obj = target
	}
	r := resource{key: kube.GetResourceKey(obj), prune: target == nil, synced: target != nil && live != nil && !d.Modified}
	if target != nil {
		r.wave = syncwaves.Wave(target)
	}
	if live == nil {
		r.health = &health.HealthStatus{Status: health.HealthStatusMissing}
		return r
	}
	if d.Modified {
		r.changed = string(d.NormalizedLive) + "\nwould be\n" + string(d.PredictedLive)
	}
	var err error
	r.health, err = health.GetResourceHealth(live, a.healths())
	check(t, err)
	return r
}

// worse is the health of an Application, with one more resource: that of the worst of them. What is missing counts if its
// kind has a health.
func worse(so health.HealthStatusCode, r resource, overrides lua.ResourceHealthOverrides) health.HealthStatusCode {
	if r.health == nil {
		return so
	}
	gvk := r.key.GroupKind().WithVersion("")
	_, scripted := overrides[lua.GetConfigMapKey(gvk)]
	if r.health.Status == health.HealthStatusMissing && !scripted && health.GetHealthCheckFunc(gvk) == nil {
		return so
	}
	if health.IsWorse(so, r.health.Status) {
		return r.health.Status
	}
	return so
}

// diffs compares by the way that the Application's annotation and options choose.
func (a *application) diffs(t *testing.T, reconciled sync.ReconciliationResult) (*diff.DiffResultList, error) {
	t.Helper()
	onServer := strings.Contains(a.spec.Annotations[common.AnnotationCompareOptions], "ServerSideDiff=true")
	builder := argodiff.NewDiffConfigBuilder().
		WithDiffSettings(a.spec.Spec.IgnoreDifferences, a.overrides, false, normalizers.IgnoreNormalizerOpts{}).
		WithTracking(a.labelKey, string(a.tracking)).
		WithNoCache().
		WithGVKParser(a.cache.GetGVKParser()).
		WithManager(common.ArgoCDSSAManager).
		WithServerSideDiff(onServer).
		WithStructuredMergeDiff(a.option("ServerSideApply=true"))
	if onServer {
		applier, cleanup, err := kube.ManageServerSideDiffDryRuns(a.config, a.cache.GetOpenAPISchema(), tracing.NopTracer{}, logr.Discard(), nil)
		check(t, err)
		defer cleanup()
		builder = builder.WithServerSideDryRunner(diff.NewK8sServerSideDryRunner(applier))
	}
	config, err := builder.Build()
	check(t, err)
	return argodiff.StateDiffs(reconciled.Live, reconciled.Target, config)
}

// outOfSync are the resources that differ from git, or are not in it.
func (c comparison) outOfSync() []resource {
	return slices.DeleteFunc(slices.Clone(c.resources), func(r resource) bool { return r.synced })
}

// status is the sync status of the Application.
func (c comparison) status() appv1.SyncStatusCode {
	if len(c.outOfSync()) > 0 {
		return appv1.SyncStatusCodeOutOfSync
	}
	return appv1.SyncStatusCodeSynced
}

// of returns a resource of the Application by kind and name, with no key if it has none.
func (c comparison) of(kind, name string) resource {
	for _, r := range c.resources {
		if r.key.Kind == kind && r.key.Name == name {
			return r
		}
	}
	return resource{}
}
