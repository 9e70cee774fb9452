package chart

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// TestFromKustomizeToHelm: names and selectors are the same, so Helm can take over what kubectl applied. It does so when
// told, and changes nothing before.
func TestFromKustomizeToHelm(t *testing.T) {
	b := newBed(t, deploy.Namespace, true)
	built := kustomized(t, "default")
	for _, first := range []bool{true, false} { // The Namespace comes before what is in it.
		for _, obj := range built {
			if (obj.GetKind() == "Namespace") == first {
				b.apply(obj)
			}
		}
	}
	b.run()
	web := builders.MakeTier("web").Names("shop-web").ClusterRoleAccess("view", builders.User("ann")).Obj()
	b.create(builders.MakeNamespace("shop-web").Obj(), builders.MakeProfile("shop").Tier(web).Obj())
	b.ready(1)
	was, deployment := b.kept(), b.deployment()

	_, err := b.installation(releaseName, b.namespace).Run(checkout(t), parse(t, "replicas: 3"))
	if err == nil || !strings.Contains(err.Error(), "cannot be imported into the current release") {
		t.Errorf("Helm takes over what is not its own without being told: %v", err)
	}
	if got := b.deployment(); got.ResourceVersion != deployment.ResourceVersion {
		t.Error("Helm changed the Deployment, and then refused")
	}
	taking := b.installation(releaseName, b.namespace)
	taking.TakeOwnership, taking.ForceConflicts = true, true
	must(taking.Run(checkout(t), parse(t, "replicas: 3")))(t)
	if got := b.deployment(); got.UID != deployment.UID || *got.Spec.Replicas != 3 {
		t.Errorf("the Deployment is another one (%v), or has %d replicas", got.UID != deployment.UID, *got.Spec.Replicas)
	}
	b.run()
	b.ready(1)
	if diff := cmp.Diff(was, b.kept()); diff != "" {
		t.Errorf("taking over changed what the operator wrote (-before +after):\n%s", diff)
	}
	b.aSecondReleaseIsRefused()
	b.moves("second", "elsewhere")
}

// aSecondReleaseIsRefused: there is one operator in a cluster, and Helm says so before it has done anything.
func (b *bed) aSecondReleaseIsRefused() {
	b.Helper()
	_, err := b.installation("second", "elsewhere").Run(checkout(b), nil)
	if err == nil || !strings.Contains(err.Error(), "cannot be imported into the current release") {
		b.Errorf("a second release is not refused: %v", err)
	}
}

// moves to a release of another name in another namespace, which the CRD does not say that it belongs to.
func (b *bed) moves(name, namespace string) {
	b.Helper()
	was := b.kept()
	b.uninstall()
	b.stop()
	_, err := b.installation(name, namespace).Run(checkout(b), nil)
	if err == nil || !strings.Contains(err.Error(), crdName) {
		b.Errorf("Helm takes over another release's CRD without being told: %v", err)
	}
	taking := b.installation(name, namespace)
	taking.TakeOwnership = true
	must(taking.Run(checkout(b), nil))(b)
	b.namespace = namespace
	b.run()
	b.ready(1)
	now := b.kept()
	for _, what := range []string{"CRD", "profile", "namespace shop-web"} {
		if now[what] != was[what] {
			b.Errorf("the move changed the %s: it was %s, and is %s", what, was[what], now[what])
		}
	}
}

func (b *bed) deployment() *appsv1.Deployment {
	b.Helper()
	var deployment appsv1.Deployment
	b.get(b.namespace, "segmentation-operator", &deployment)
	return &deployment
}

// apply does what "kubectl apply --server-side" does.
func (b *bed) apply(obj *unstructured.Unstructured) {
	b.Helper()
	config := client.ApplyConfigurationFromUnstructured(obj)
	if err := b.admin.Apply(b.Context(), config, client.FieldOwner("kubectl")); err != nil {
		b.Fatal(err)
	}
}
