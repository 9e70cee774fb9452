package apply

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// meshOf is what namespace one gets of a profile that is enforced by Istio: a PeerAuthentication, and two policies.
func meshOf(t *testing.T, ports ...int32) mesh.Objects {
	t.Helper()
	b := builders.MakeDependency("web-web").FromTier("web").ToTier("web").ToPods(map[string]string{"app": "x"})
	for _, port := range ports {
		b.Port(port)
	}
	p := compiled(t, shopProfile().Istio(v1alpha1.Istio{MutualTLS: v1alpha1.MutualTLSStrict}).Dependency(b.Obj()))
	facts := mesh.Facts{Members: func(plan.TierOf) []string { return []string{namespace} }}
	return mesh.Render(p, p.Tier("web"), namespace, &facts).Objects
}

// storedMesh are objects as the API server has them.
func storedMesh(objects mesh.Objects) mesh.Objects {
	var out mesh.Objects
	for i, p := range objects.Policies {
		one := p.DeepCopy()
		one.UID, one.ResourceVersion, one.Labels["theirs"] = types.UID("policy-"+strconv.Itoa(i)), "5", "stays"
		out.Policies = append(out.Policies, one)
	}
	for _, a := range objects.Authentications {
		one := a.DeepCopy()
		one.UID, one.ResourceVersion = "authentication", "5"
		out.Authentications = append(out.Authentications, one)
	}
	return out
}

func TestMeshIsBroughtToWhatIsDeclared(t *testing.T) {
	foreign := &mesh.AuthorizationPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "segmentation"}}
	beside := &mesh.AuthorizationPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "theirs"}}
	logged, others := beside.DeepCopy(), beside.DeepCopy()
	logged.Annotations, others.Labels = map[string]string{"istio.io/dry-run": "true"}, map[string]string{"istio.io/rev": "another"}
	going := storedMesh(meshOf(t, 80))
	going.Policies[1].DeletionTimestamp, going.Policies[1].Finalizers = new(metav1.Now()), []string{"theirs"}
	tried := storedMesh(meshOf(t, 80))
	tried.Policies[0].Annotations["istio.io/dry-run"] = "true"
	elsewhere := storedMesh(meshOf(t, 80))
	elsewhere.Policies[1].Labels["istio.io/rev"], elsewhere.Authentications[0].Labels["istio.io/rev"] = "another", "another"
	cases := map[string]struct {
		desired, observed mesh.Objects
		isGuarded         bool
		calls, taken      []string
	}{
		"nothing is there": {
			desired: meshOf(t, 80),
			calls: []string{
				"create PeerAuthentication segmentation", "create AuthorizationPolicy segmentation",
				"create AuthorizationPolicy segmentation-web-web", "change AuthorizationPolicy segmentation",
			},
		},
		"all is as it should be":   {desired: meshOf(t, 80), observed: storedMesh(meshOf(t, 80))},
		"somebody switched it off": {desired: meshOf(t, 80), observed: tried, calls: []string{"change AuthorizationPolicy segmentation"}},
		"somebody gave them to another control plane": {
			desired: meshOf(t, 80), observed: elsewhere,
			calls: []string{"change PeerAuthentication segmentation", "change AuthorizationPolicy segmentation-web-web"},
		},
		"a port is added": {desired: meshOf(t, 80, 81), observed: storedMesh(meshOf(t, 80)), calls: []string{"change AuthorizationPolicy segmentation-web-web"}},
		"nothing is declared any more": {
			observed: storedMesh(meshOf(t, 80)),
			calls: []string{
				"change AuthorizationPolicy segmentation", "delete AuthorizationPolicy segmentation-web-web",
				"delete AuthorizationPolicy segmentation", "delete PeerAuthentication segmentation",
			},
		},
		"somebody else's policy is no reason to write": {
			observed: mesh.Objects{Policies: []*mesh.AuthorizationPolicy{beside}},
		},
		"beside somebody else's policy nothing is opened": {
			desired: meshOf(t, 80), observed: mesh.Objects{Policies: []*mesh.AuthorizationPolicy{beside}},
			calls: []string{
				"create PeerAuthentication segmentation", "create AuthorizationPolicy segmentation", "create AuthorizationPolicy segmentation-web-web",
			},
		},
		"nor if policies of the root namespace are about it": {
			desired: meshOf(t, 80), isGuarded: true,
			calls: []string{
				"create PeerAuthentication segmentation", "create AuthorizationPolicy segmentation", "create AuthorizationPolicy segmentation-web-web",
			},
		},
		"somebody else's policies that are not enforced deny nothing": {
			desired: meshOf(t, 80), observed: mesh.Objects{Policies: []*mesh.AuthorizationPolicy{logged, others}},
			calls: []string{
				"create PeerAuthentication segmentation", "create AuthorizationPolicy segmentation",
				"create AuthorizationPolicy segmentation-web-web", "change AuthorizationPolicy segmentation",
			},
		},
		"without the base policy nothing is written": {
			desired: meshOf(t, 80), observed: mesh.Objects{Policies: []*mesh.AuthorizationPolicy{foreign}},
			taken: []string{"AuthorizationPolicy segmentation"},
		},
		"what waits for finalizers is in the way": {
			desired: meshOf(t, 80), observed: going, taken: []string{"AuthorizationPolicy segmentation-web-web"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			changes := DiffMesh(c.desired, c.observed, MeshPlace{Owner: shopUID, Revision: "default", IsGuarded: c.isGuarded})
			if diff := cmp.Diff(c.taken, changes.Taken); diff != "" {
				t.Errorf("names that are taken (-want +got):\n%s", diff)
			}
			to, wrote := &meshRecorder{}, 0
			err := WriteMesh(t.Context(), to, changes.Steps, func(string, string, client.Object) { wrote++ })
			if err != nil || wrote != len(to.calls) {
				t.Errorf("%d writes were told of, and %d made: %v", wrote, len(to.calls), err)
			}
			if diff := cmp.Diff(c.calls, to.calls); diff != "" {
				t.Errorf("writes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMeshStopsAtTheFirstWriteThatFails(t *testing.T) {
	failure := errors.New("no room")
	to := &meshRecorder{recorder{errs: map[string]error{"create AuthorizationPolicy segmentation": failure}}}
	err := WriteMesh(t.Context(), to, DiffMesh(meshOf(t, 80), mesh.Objects{}, MeshPlace{Owner: shopUID}).Steps, func(string, string, client.Object) {})
	if !errors.Is(err, failure) || len(to.calls) != 2 {
		t.Errorf("calls are %v, and the error %v", to.calls, err)
	}
}

// meshRecorder writes down the kinds of a mesh.
type meshRecorder struct {
	recorder
}

func (r *meshRecorder) Create(_ context.Context, obj client.Object, _ ...client.CreateOption) error {
	if obj.GetUID() != "" {
		return fmt.Errorf("%s is created with UID %s", obj.GetName(), obj.GetUID())
	}
	obj.SetUID("new")
	obj.SetResourceVersion("6")
	return r.did("create %s %s", mesh.KindOf(obj), obj.GetName())
}

func (r *meshRecorder) Update(_ context.Context, obj client.Object, _ ...client.UpdateOption) error {
	if obj.GetUID() == "" || obj.GetResourceVersion() == "" || obj.GetUID() != "new" && mesh.KindOf(obj) == mesh.KindAuthorizationPolicy && obj.GetLabels()["theirs"] == "" {
		return fmt.Errorf("%s is changed without what it was, or what others put on it", obj.GetName())
	}
	if mesh.IsMarked(obj) {
		return fmt.Errorf("%s stays switched off", obj.GetName())
	}
	return r.did("change %s %s", mesh.KindOf(obj), obj.GetName())
}

func (r *meshRecorder) Delete(_ context.Context, obj client.Object, opts ...client.DeleteOption) error {
	options := (&client.DeleteOptions{}).ApplyOptions(opts)
	if options.Preconditions == nil || options.Preconditions.UID == nil || *options.Preconditions.UID == "" {
		return fmt.Errorf("%s is deleted without preconditions", obj.GetName())
	}
	return r.did("delete %s %s", mesh.KindOf(obj), obj.GetName())
}
