package mesh_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
)

// What these types have no field for is read, copied and written all the same: who restores a policy must see what somebody
// added to it, and who keeps a part of it must not drop a condition.
func TestWhatIsNotKnownIsKept(t *testing.T) {
	t.Parallel()
	const policy = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: a, namespace: b, creationTimestamp: null}
spec:
  action: ALLOW
  selector: {matchLabels: {app: a}}
  targetRefs: [{kind: Service, name: a}]
  rules:
  - from: [{source: {namespaces: [a], principals: [b], ipBlocks: [10.0.0.0/8], notIpBlocks: [10.0.0.1], remoteIpBlocks: [192.0.2.1]}}]
    to: [{operation: {ports: ["80"], methods: [GET]}}]
    when: [{key: source.ip, values: [192.0.2.1]}]
  - {}
`
	const authentication = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: a, namespace: b, creationTimestamp: null}
spec:
  selector: {matchLabels: {app: a}}
  mtls: {mode: STRICT}
  portLevelMtls: {"80": {mode: PERMISSIVE}}
  later: {something: [1, a]}
`
	for text, object := range map[string]runtime.Object{policy: &mesh.AuthorizationPolicy{}, authentication: &mesh.PeerAuthentication{}} {
		if err := yaml.Unmarshal([]byte(text), object); err != nil {
			t.Fatal(err)
		}
		var want map[string]any
		if err := yaml.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		delete(want["metadata"].(map[string]any), "creationTimestamp")
		for what, one := range map[string]runtime.Object{"it": object, "its copy": object.DeepCopyObject()} {
			if diff := cmp.Diff(want, asMap(t, one)); diff != "" {
				t.Errorf("%s (-read +written):\n%s", what, diff)
			}
		}
	}
}

func TestCopiesShareNothing(t *testing.T) {
	t.Parallel()
	policy := mesh.AuthorizationPolicy{Spec: mesh.AuthorizationSpec{
		Selector: &mesh.WorkloadSelector{MatchLabels: map[string]string{"app": "a"}},
		Rules: []mesh.Rule{{
			From: []mesh.From{{Source: mesh.Source{Namespaces: []string{"a"}}}}, To: []mesh.To{{Operation: mesh.Operation{Ports: []string{"80"}}}},
		}},
	}}
	authentication := mesh.PeerAuthentication{Spec: mesh.PeerAuthenticationSpec{MTLS: &mesh.MutualTLS{Mode: "STRICT"}}}
	policies := &mesh.AuthorizationPolicyList{Items: []mesh.AuthorizationPolicy{policy}}
	authentications := &mesh.PeerAuthenticationList{Items: []mesh.PeerAuthentication{authentication}}
	before := []any{asMap(t, policies), asMap(t, authentications)}
	copied := policies.DeepCopyObject().(*mesh.AuthorizationPolicyList).Items[0].Spec
	copied.Selector.MatchLabels["app"], copied.Rules[0].From[0].Source.Namespaces[0], copied.Rules[0].To[0].Operation.Ports[0] = "b", "b", "b"
	authentications.DeepCopyObject().(*mesh.PeerAuthenticationList).Items[0].Spec.MTLS.Mode = "b"
	if diff := cmp.Diff(before, []any{asMap(t, policies), asMap(t, authentications)}); diff != "" {
		t.Errorf("a change of a copy changes what was copied:\n%s", diff)
	}
}

func TestSchemeKnowsTheKinds(t *testing.T) {
	t.Parallel()
	scheme := runtime.NewScheme()
	if err := mesh.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{mesh.KindAuthorizationPolicy, mesh.KindPeerAuthentication, "AuthorizationPolicyList", "PeerAuthenticationList"} {
		if _, err := scheme.New(mesh.GroupVersion().WithKind(kind)); err != nil {
			t.Error(err)
		}
	}
}

func asMap(t *testing.T, object any) map[string]any {
	t.Helper()
	raw, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
