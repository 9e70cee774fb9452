package chart

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"helm.sh/helm/v4/pkg/action"
	chartv2 "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/cli"
	"helm.sh/helm/v4/pkg/kube"
	release "helm.sh/helm/v4/pkg/release/v1"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/segmentation-dev/segmentation-operator/test/cluster"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

const (
	// patience is far more than anything here takes.
	patience = time.Minute
	startup  = 3 * time.Minute
)

// bed is a control plane that Helm installs into, and the operator beside it: there is no kubelet that would run it.
type bed struct {
	testing.TB
	plane  *cluster.Cluster
	admin  client.Client
	dir    string
	binary string
	// namespace is that of the release.
	namespace string
	// serverSide tells whether objects are applied as Helm 4 does, or merged by Helm as Helm 3 does.
	serverSide bool
	operator   *deploy.Process
}

func newBed(t *testing.T, namespace string, serverSide bool) *bed {
	t.Helper()
	if testing.Short() {
		t.Skip("this needs a control plane, which -short leaves out")
	}
	log.SetLogger(logr.Discard())
	ctx, cancel := context.WithTimeout(t.Context(), startup)
	defer cancel()
	b := &bed{TB: t, dir: t.TempDir(), namespace: namespace, serverSide: serverSide}
	// What Helm remembers of a cluster would stay in the user's home.
	t.Setenv("KUBECACHEDIR", filepath.Join(b.dir, "cache"))
	b.binary = must(deploy.Build(ctx, b.dir))(t)
	b.plane = must(cluster.Start(ctx))(t)
	t.Cleanup(func() {
		if err := b.plane.Stop(); err != nil {
			t.Error(err)
		}
	})
	b.admin = must(client.New(b.plane.AdminConfig(), client.Options{Scheme: must(deploy.Scheme())(t)}))(t)
	if err := cluster.WriteKubeconfig(b.kubeconfig(), b.plane.AdminConfig()); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bed) kubeconfig() string { return filepath.Join(b.dir, "admin.kubeconfig") }

// helm is what Helm's commands begin with. It forgets what it knew of the cluster before.
func (b *bed) helm(namespace string) *action.Configuration {
	b.Helper()
	settings := cli.New()
	settings.KubeConfig = b.kubeconfig()
	settings.SetNamespace(namespace)
	config := action.NewConfiguration()
	if err := config.Init(settings.RESTClientGetter(), namespace, "secret"); err != nil {
		b.Fatal(err)
	}
	return config
}

// installation is "helm install --create-namespace", to be run.
func (b *bed) installation(name, namespace string) *action.Install {
	b.Helper()
	install := action.NewInstall(b.helm(namespace))
	install.ReleaseName, install.Namespace, install.CreateNamespace = name, namespace, true
	install.ServerSideApply, install.WaitStrategy, install.Timeout = b.serverSide, kube.HookOnlyStrategy, patience
	return install
}

func (b *bed) install(chart *chartv2.Chart, values string) *release.Release {
	b.Helper()
	installed := must(b.installation(releaseName, b.namespace).Run(chart, parse(b, values)))(b)
	out, _ := installed.(*release.Release)
	return out
}

// upgrade is "helm upgrade".
func (b *bed) upgrade(chart *chartv2.Chart, values string) {
	b.Helper()
	upgrade := action.NewUpgrade(b.helm(b.namespace))
	upgrade.Namespace, upgrade.ServerSideApply = b.namespace, "auto"
	upgrade.WaitStrategy, upgrade.Timeout = kube.HookOnlyStrategy, patience
	must(upgrade.Run(releaseName, chart, parse(b, values)))(b)
}

// uninstall is "helm uninstall", and returns what Helm says.
func (b *bed) uninstall() string {
	b.Helper()
	uninstall := action.NewUninstall(b.helm(b.namespace))
	uninstall.WaitStrategy, uninstall.Timeout = kube.StatusWatcherStrategy, patience
	return must(uninstall.Run(releaseName))(b).Info
}

// run runs the operator as a pod of the Deployment would: with its flags, and as its service account.
func (b *bed) run() {
	b.Helper()
	b.stop()
	var deployment appsv1.Deployment
	b.get(b.namespace, "segmentation-operator", &deployment)
	pod := deployment.Spec.Template.Spec
	config := must(b.plane.ServiceAccountConfig(b.Context(), b.namespace, pod.ServiceAccountName))(b)
	b.operator = must(deploy.NewProcess(b.binary, b.dir, "operator", config))(b).In(b.namespace)
	b.Cleanup(b.operator.Kill)
	flags := slices.DeleteFunc(pod.Containers[0].Args, func(flag string) bool {
		return strings.Contains(flag, "-bind-address=") // A pod has an address of its own.
	})
	if err := b.operator.Start(flags...); err != nil {
		b.Fatal(err)
	}
}

// stop lets the operator end by itself, since the next one would wait for its lease. It may have lost the right to give
// that back.
func (b *bed) stop() {
	b.Helper()
	if b.operator == nil {
		return
	}
	if b.operator.Died() {
		b.operator.PrintLog()
		b.Error("the operator has ended by itself")
	}
	if err := b.operator.Stop(); err != nil {
		b.Logf("stopping the operator: %v", err)
	}
	b.operator = nil
}

func (b *bed) get(namespace, name string, obj client.Object) {
	b.Helper()
	if err := b.admin.Get(b.Context(), client.ObjectKey{Namespace: namespace, Name: name}, obj); err != nil {
		b.Fatal(err)
	}
}

func (b *bed) create(objs ...client.Object) {
	b.Helper()
	for _, obj := range objs {
		if err := b.admin.Create(b.Context(), obj); err != nil {
			b.Fatal(err)
		}
	}
}

// eventually waits until a condition says nothing any more.
func (b *bed) eventually(what string, condition func() string) {
	b.Helper()
	var last string
	err := wait.PollUntilContextTimeout(b.Context(), 50*time.Millisecond, patience, true, func(context.Context) (bool, error) {
		last = condition()
		return last == "", nil
	})
	if err != nil {
		if b.operator != nil {
			b.operator.PrintLog()
		}
		b.Fatalf("waiting for %s: %s", what, last)
	}
}
