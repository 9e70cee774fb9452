package gitops

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/argoproj/argo-cd/v3/common"
	appv1 "github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/gitops-engine/pkg/sync"
	synccommon "github.com/argoproj/gitops-engine/pkg/sync/common"
	"github.com/argoproj/gitops-engine/pkg/utils/kube"
	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// waveDelay is how long Argo CD waits between waves, by default.
const waveDelay = 2 * time.Second

// operation is a sync: how far it is, and what it has done.
type operation struct {
	phase   synccommon.OperationPhase
	message string
	results []synccommon.ResourceSyncResult
	started metav1.Time
	// only are the resources that it is about; all if there are none.
	only []resource
	// onStep is called after each step.
	onStep func()
}

// sync syncs the Application to the end, with pruning. Like Argo CD's controller it compares anew before each step.
func (a *application) sync(t *testing.T, options ...func(*operation)) operation {
	t.Helper()
	o := operation{phase: synccommon.OperationRunning, started: metav1.Now(), onStep: func() {}}
	for _, option := range options {
		option(&o)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	again := time.NewTicker(500 * time.Millisecond)
	defer again.Stop()
	for {
		a.step(t, &o)
		o.onStep()
		if o.phase.Completed() {
			return o
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the sync hangs: %s: %s", o.phase, o.message)
		case <-again.C:
		}
	}
}

func (a *application) step(t *testing.T, o *operation) {
	t.Helper()
	c := a.compare(t)
	engine, cleanup, err := sync.NewSyncContext("revision", c.reconciled, a.config, a.config, a.kubectl, a.spec.Spec.Destination.Namespace,
		a.cache.GetOpenAPISchema(), a.syncOptions(o, c)...)
	check(t, err)
	defer cleanup()
	engine.Sync()
	o.phase, o.message, o.results = engine.GetState()
}

// syncOptions are those that Argo CD's SyncAppState gives to the engine.
func (a *application) syncOptions(o *operation, c comparison) []sync.SyncOpt {
	foreground := metav1.DeletePropagationForeground
	return []sync.SyncOpt{
		sync.WithLogr(logr.Discard()),
		sync.WithHealthOverride(a.healths()),
		sync.WithPermissionValidator(func(*unstructured.Unstructured, *metav1.APIResource) error { return nil }),
		sync.WithOperationSettings(false, a.spec.Spec.SyncPolicy.Automated.Prune, false, len(o.only) > 0),
		sync.WithInitialState(o.phase, o.message, ordered(o.results), o.started),
		sync.WithResourcesFilter(func(key kube.ResourceKey, target, live *unstructured.Unstructured) bool {
			return a.own(live, target) && (len(o.only) == 0 || contains(o.only, key))
		}),
		sync.WithManifestValidation(true),
		sync.WithSyncWaveHook(func(_ synccommon.SyncPhase, _ int, final bool) error {
			if !final {
				<-time.After(waveDelay)
			}
			return nil
		}),
		sync.WithPruneLast(a.option("PruneLast=true")),
		sync.WithResourceModificationChecker(a.option("ApplyOutOfSyncOnly=true"), c.diffs),
		sync.WithPrunePropagationPolicy(&foreground),
		sync.WithReplace(a.option("Replace=true")),
		sync.WithServerSideApply(a.option("ServerSideApply=true")),
		sync.WithServerSideApplyManager(common.ArgoCDSSAManager),
		sync.WithClientSideApplyMigration(true, synccommon.DefaultClientSideApplyMigrationManager),
		sync.WithSkipDryRunOnMissingResource(a.option("SkipDryRunOnMissingResource=true")),
	}
}

func ordered(results []synccommon.ResourceSyncResult) []synccommon.ResourceSyncResult {
	for i := range results {
		results[i].Order = i + 1
	}
	return results
}

func contains(resources []resource, key kube.ResourceKey) bool {
	for _, r := range resources {
		// Argo CD's self-heal names resources without their namespace.
		if r.key.GroupKind() == key.GroupKind() && r.key.Name == key.Name {
			return true
		}
	}
	return false
}

// heal does what Argo CD does each time an object of the Application changes: it compares, and with selfHeal it syncs
// what differs. It tells whether there was anything to sync.
func (a *application) heal(t *testing.T) bool {
	t.Helper()
	c := a.compare(t)
	if c.status() == appv1.SyncStatusCodeSynced {
		return false
	}
	o := a.sync(t, func(o *operation) { o.only = c.outOfSync() })
	if o.phase != synccommon.OperationSucceeded {
		t.Fatalf("self-heal failed: %s: %s", o.message, o.failures())
	}
	return true
}

// failures are the messages of what could not be synced.
func (o operation) failures() string {
	var text strings.Builder
	for _, r := range o.results {
		if r.Status == synccommon.ResultCodeSyncFailed || r.HookPhase == synccommon.OperationFailed {
			fmt.Fprintf(&text, "\n%s %s: %s", r.ResourceKey.Kind, r.ResourceKey.Name, r.Message)
		}
	}
	return text.String()
}

// succeeded ends the test if a sync did not succeed.
func (o operation) succeeded(t *testing.T) operation {
	t.Helper()
	if o.phase != synccommon.OperationSucceeded {
		t.Fatalf("the sync is %s: %s%s", o.phase, o.message, o.failures())
	}
	return o
}
