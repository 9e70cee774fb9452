package gitops

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	appv1 "github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	clustercache "github.com/argoproj/gitops-engine/pkg/cache"
	"github.com/argoproj/gitops-engine/pkg/health"
	"github.com/argoproj/gitops-engine/pkg/utils/kube"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// TestOneApplicationForAll tells the life of an Application that delivers CustomResourceDefinition, operator, profiles and
// namespaces, and pods' configuration in a wave after them.
func TestOneApplicationForAll(t *testing.T) { //nolint:tparallel // Its parts follow each other.
	t.Parallel()
	p := startPlane(t)
	kubelet := startKubelet(t, p)
	argo := installArgoCD(t, p, "")
	if argo.tracking != appv1.TrackingMethodAnnotation {
		t.Fatalf("Argo CD tracks by %s", argo.tracking)
	}
	app := argo.deliver(shipped(t, "together.yaml"), append(kustomize(t, "config", "argocd", "together"), after("2")))
	for _, chapter := range []struct {
		name string
		tell func(*testing.T, *application)
	}{
		{"one sync brings all of it, wave after wave", arrives},
		{"a second sync writes nothing", secondSync},
		{"what the operator writes is nobody's to prune", notListed},
		{"what the operator writes is below its profile", belowProfile},
		{"self-heal and the operator leave each other in peace", peace},
		{"self-heal mends what a person did, and the operator follows", mended},
		{"a profile that cannot be enforced is Degraded and says why", degraded},
		{"a profile that the API server refuses fails the sync and says why", refused},
		{"a profile that is gone from git is pruned with all that it wrote", pruned},
	} {
		if !t.Run(chapter.name, func(t *testing.T) { chapter.tell(t, app) }) {
			return
		}
	}
	t.Run("deleted with its profiles, the operator takes everything back first", func(t *testing.T) {
		p.bystander(t)
		t.Logf("deleted in %s", app.delete(t))
		eventually(t, "no operator runs", func(context.Context) string { return none(kubelet.running()) })
		leavesNothing(t, p)
		if members := p.members(t); len(members) > 0 {
			t.Errorf("%v still carry the labels of members", members)
		}
	})
}

// after is an object of a later wave: it stands for what may only start when namespaces are isolated.
func after(wave string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{
			"namespace": "shop-api-orders", "name": "settings", "annotations": map[string]any{"argocd.argoproj.io/sync-wave": wave},
		},
	}}
}

func arrives(t *testing.T, app *application) {
	isolated := false
	watch := func(o *operation) {
		o.onStep = func() {
			_, err := app.plane.clients.CoreV1().ConfigMaps("shop-api-orders").Get(t.Context(), "settings", metav1.GetOptions{})
			if apierrors.IsNotFound(err) || isolated {
				return
			}
			check(t, err)
			isolated = true
			for _, name := range []string{"shop-api-orders", "shop-postgres", "wiki"} {
				namespace, err := app.plane.clients.CoreV1().Namespaces().Get(t.Context(), name, metav1.GetOptions{})
				check(t, err)
				if namespace.Labels["segmentation.dev/tier"] == "" {
					t.Errorf("the wave after the profiles began before %s was isolated", name)
				}
			}
		}
	}
	o := app.sync(t, watch).succeeded(t)
	if !isolated {
		t.Error("the last wave was not seen")
	}
	c := app.settled(t, health.HealthStatusHealthy)
	transcript(t, app, o, c)
	if preview := c.of("SegmentationProfile", "warehouse"); preview.health.Status != health.HealthStatusHealthy ||
		!strings.Contains(preview.health.Message, "nothing is written") {
		t.Errorf("a profile in Preview is %s: %s", preview.health.Status, preview.health.Message)
	}
}

// settled waits until the Application is in sync and has a health.
func (a *application) settled(t *testing.T, want health.HealthStatusCode) comparison {
	t.Helper()
	var c comparison
	eventually(t, "the Application is in sync and "+string(want), func(context.Context) string {
		c = a.compare(t)
		if left := c.outOfSync(); len(left) > 0 {
			return fmt.Sprintf("out of sync: %v", left)
		}
		if c.health != want {
			return fmt.Sprintf("it is %s", c.health)
		}
		return ""
	})
	return c
}

// versions are the versions of all objects that git has or the operator wrote.
func (a *application) versions(t *testing.T) map[kube.ResourceKey]string {
	t.Helper()
	out := map[kube.ResourceKey]string{}
	for key, r := range a.cache.FindResources("", func(r *clustercache.Resource) bool {
		m, ok := r.Info.(*marks)
		return ok && m.application == a.spec.Name
	}) {
		out[key] = r.ResourceVersion
	}
	for key, r := range a.generated(t) {
		out[key] = r.ResourceVersion
	}
	return out
}

// contents are what is in the objects of git, and the versions of what the operator wrote. Kubernetes sorts the appliers of
// an object by the time of their last apply. When Argo CD applies an object whose status somebody else has applied after
// it, as the operator does on profiles and the API server on FlowSchemas, the two change places, and that is a new version.
func (a *application) contents(t *testing.T) map[kube.ResourceKey]string {
	t.Helper()
	out := a.versions(t)
	for key, live := range a.live(t, a.spec.Name, nil) {
		obj := live.DeepCopy()
		fields := obj.GetManagedFields()
		for j := range fields {
			fields[j].Time = nil
		}
		slices.SortFunc(fields, func(x, y metav1.ManagedFieldsEntry) int {
			return strings.Compare(x.Manager+x.Subresource, y.Manager+y.Subresource)
		})
		obj.SetManagedFields(fields)
		obj.SetResourceVersion("")
		content, err := obj.MarshalJSON()
		check(t, err)
		out[key] = string(content)
	}
	return out
}

// same fails the test if objects are not what they were.
func same(t *testing.T, before, now map[kube.ResourceKey]string) {
	t.Helper()
	for key, version := range before {
		if now[key] != version {
			t.Errorf("%s was written: it was %s and is %s", key.String(), version, now[key])
		}
	}
	if len(now) != len(before) {
		t.Errorf("there are %d objects, and there were %d", len(now), len(before))
	}
}

// secondSync syncs two more times. The second of them may not even bring appliers of an object into another order.
func secondSync(t *testing.T, app *application) {
	before := app.contents(t)
	if len(before) < 80 {
		t.Fatalf("only %d objects", len(before))
	}
	app.sync(t).succeeded(t)
	app.settled(t, health.HealthStatusHealthy)
	same(t, before, app.contents(t))
	before = app.versions(t)
	app.sync(t).succeeded(t)
	app.settled(t, health.HealthStatusHealthy)
	same(t, before, app.versions(t))
}

// notListed compares what the operator wrote with what Argo CD lists. An object without an owner and with the same marks
// shows that it would list it.
func notListed(t *testing.T, app *application) {
	stray := after("2")
	stray.SetName("stray")
	check(t, app.resources.SetAppInstance(stray, app.labelKey, app.spec.Name, app.spec.Spec.Destination.Namespace, app.tracking, ""))
	configMaps := app.plane.objects.Resource(configMapResource).Namespace(stray.GetNamespace())
	_, err := configMaps.Create(t.Context(), stray, metav1.CreateOptions{})
	check(t, err)
	eventually(t, "the stray is listed", func(context.Context) string {
		if r := app.compare(t).of("ConfigMap", "stray"); !r.prune {
			return "it is not listed for pruning"
		}
		return ""
	})
	listed := app.compare(t).resources
	generated := app.generated(t)
	if len(generated) < 30 {
		t.Fatalf("only %d generated objects", len(generated))
	}
	for key, r := range generated {
		if slices.ContainsFunc(listed, func(l resource) bool { return l.key == key }) {
			t.Errorf("%s is listed", key.String())
		}
		if m, ok := r.Info.(*marks); !ok || m.application != "" {
			t.Errorf("%s is taken for a part of the Application", key.String())
		}
	}
	before := len(generated)
	if !app.heal(t) {
		t.Error("nothing was pruned")
	}
	app.settled(t, health.HealthStatusHealthy)
	if now := len(app.generated(t)); now != before {
		t.Errorf("pruning the stray left %d generated objects of %d", now, before)
	}
}

// belowProfile asks of each generated object what Argo CD from 3.3 on goes by to draw it below a profile: the owner's UID.
// Argo CD's older engine looks for children in the owner's namespace only, which a cluster-scoped owner does not have.
func belowProfile(t *testing.T, app *application) {
	list, err := app.plane.profiles().List(t.Context(), metav1.ListOptions{})
	check(t, err)
	profiles := map[types.UID]string{}
	for i := range list.Items {
		profiles[list.Items[i].GetUID()] = list.Items[i].GetName()
	}
	for key, r := range app.generated(t) {
		owners := slices.DeleteFunc(slices.Clone(r.OwnerRefs), func(o metav1.OwnerReference) bool { return o.Kind != "SegmentationProfile" })
		if len(owners) != 1 || profiles[owners[0].UID] != owners[0].Name || owners[0].APIVersion != "segmentation.dev/v1alpha1" {
			t.Errorf("%s has the owners %v", key.String(), r.OwnerRefs)
		}
	}
	for profile, want := range map[string]int{"shop": 10, "wiki": 1, "warehouse": 0} {
		if got := len(app.children(t, profile)); got != want {
			t.Errorf("%s has children in %d namespaces, want %d", profile, got, want)
		}
	}
}

func none(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("there are %d", n)
}

// leavesNothing waits until nothing is left of what the operator wrote, and no profile.
func leavesNothing(t *testing.T, p *plane) {
	t.Helper()
	eventually(t, "nothing is left that the operator wrote", func(context.Context) string {
		written := p.written(t)
		return none(len(written))
	})
	list, err := p.profiles().List(t.Context(), metav1.ListOptions{})
	check(t, err)
	if len(list.Items) > 0 {
		t.Errorf("%d profiles are left", len(list.Items))
	}
}

// bystander is a namespace that git does not have, of a tier of the profile tenants. It outlives the Application.
func (p *plane) bystander(t *testing.T) {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "acme", Labels: map[string]string{"tenant": "acme"}}}
	_, err := p.clients.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{})
	check(t, err)
	eventually(t, "it is a member", func(context.Context) string {
		if !slices.Contains(p.members(t), "acme") {
			return "it is not"
		}
		return ""
	})
}

// members are the namespaces that carry the labels of members.
func (p *plane) members(t *testing.T) []string {
	t.Helper()
	namespaces, err := p.clients.CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{LabelSelector: "segmentation.dev/profile"})
	check(t, err)
	var names []string
	for i := range namespaces.Items {
		names = append(names, namespaces.Items[i].Name)
	}
	return names
}
