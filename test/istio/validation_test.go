package istio

import (
	"encoding/json"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	security "istio.io/api/security/v1beta1"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/schema/gvk"
	"istio.io/istio/pkg/config/validation"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/plan/plantest"
)

// Whatever a profile says, what it becomes is taken by Istio and by the API server, and is stored as it was written.
func TestIstioTakesWhatIsRendered(t *testing.T) {
	stored := storages(t)
	var policies, authentications atomic.Int64
	rapid.Check(t, func(t *rapid.T) {
		for _, objects := range drawn(t) {
			for _, policy := range objects.Policies {
				policies.Add(1)
				checkPolicy(t, policy)
				checkStored(t, stored[mesh.KindAuthorizationPolicy], policy)
			}
			for _, authentication := range objects.Authentications {
				authentications.Add(1)
				checkAuthentication(t, authentication)
				checkStored(t, stored[mesh.KindPeerAuthentication], authentication)
			}
		}
	})
	t.Logf("judged: %d AuthorizationPolicies, %d PeerAuthentications", policies.Load(), authentications.Load())
}

// drawn are the objects of each tier of some profile, in a namespace.
func drawn(t *rapid.T) []mesh.Objects {
	p, errs := plan.Compile(plantest.Meshed().Draw(t, "profile"))
	if len(errs) > 0 {
		t.Fatal(errs.ToAggregate())
	}
	members := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b-2", "c"}), 0, 3, rapid.ID).Draw(t, "members")
	chosen := map[string][]string{}
	for _, peer := range p.Peers() {
		chosen[peer.Name] = []string{"ops", "outside"}[:rapid.IntRange(0, 2).Draw(t, "chosen")]
	}
	facts := mesh.Facts{Members: func(plan.TierOf) []string { return members }, Chosen: chosen}
	var out []mesh.Objects
	for i := range p.Tiers {
		objects := mesh.Render(p, &p.Tiers[i], "here", &facts).Objects
		out = append(out, objects)
		// What is written on the way: all policies, each with what another one says.
		for _, step := range mesh.Steps(mesh.Objects{}, objects, false) {
			if policy, is := step.Desired.(*mesh.AuthorizationPolicy); is {
				out = append(out, mesh.Objects{Policies: []*mesh.AuthorizationPolicy{policy}})
			}
		}
	}
	return out
}

// checkPolicy reads a policy as Istio does, has Istio validate it, and compares what Istio would write.
func checkPolicy(t *rapid.T, policy *mesh.AuthorizationPolicy) {
	spec := &security.AuthorizationPolicy{}
	again := &mesh.AuthorizationSpec{}
	readBack(t, policy.Spec, spec, again)
	// Istio's own types write no action if it is the one that is meant without any.
	again.Action = mesh.Allow
	if diff := cmp.Diff(policy.Spec, *again); diff != "" {
		t.Fatalf("Istio reads something else (-written +read):\n%s", diff)
	}
	meta := config.Meta{GroupVersionKind: gvk.AuthorizationPolicy, Name: policy.Name, Namespace: policy.Namespace}
	warning, err := validation.ValidateAuthorizationPolicy(config.Config{Meta: meta, Spec: spec})
	mustBeTaken(t, policy, warning, err)
}

func checkAuthentication(t *rapid.T, authentication *mesh.PeerAuthentication) {
	spec := &security.PeerAuthentication{}
	again := &mesh.PeerAuthenticationSpec{}
	readBack(t, authentication.Spec, spec, again)
	if diff := cmp.Diff(authentication.Spec, *again); diff != "" {
		t.Fatalf("Istio reads something else (-written +read):\n%s", diff)
	}
	meta := config.Meta{GroupVersionKind: gvk.PeerAuthentication, Name: authentication.Name, Namespace: authentication.Namespace}
	warning, err := validation.ValidatePeerAuthentication(config.Config{Meta: meta, Spec: spec})
	mustBeTaken(t, authentication, warning, err)
}

// readBack reads what is written into Istio's message, and what Istio writes into the type of internal/mesh.
func readBack(t *rapid.T, written any, message interface {
	json.Unmarshaler
	json.Marshaler
}, again any,
) {
	raw, err := json.Marshal(written)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, message); err != nil {
		t.Fatalf("Istio cannot read %s: %v", raw, err)
	}
	if raw, err = json.Marshal(message); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, again); err != nil {
		t.Fatal(err)
	}
}

func mustBeTaken(t *rapid.T, object any, warning validation.Warning, err error) {
	if err != nil || warning != nil {
		t.Fatalf("Istio says %v, and warns of %v: %+v", err, warning, object)
	}
}

// checkStored has the API server's code take an object, which is not to change it.
func checkStored(t *rapid.T, into *storage, object any) {
	before, after := asObject(t, object), asObject(t, object)
	if err := into.store(t.Context(), after); err != nil {
		t.Fatalf("the API server refuses it: %v", err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Fatalf("it is stored otherwise (-written +stored):\n%s", diff)
	}
}

func asObject(t *rapid.T, object any) map[string]any {
	raw, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// The check is worth something only if it can fail.
func TestIstioRefusesWhatIsWrong(t *testing.T) {
	wrong := map[string]mesh.AuthorizationSpec{
		"a port that is a name":            {Rules: []mesh.Rule{{To: []mesh.To{{Operation: mesh.Operation{Ports: []string{"http"}}}}}}},
		"a source that says nothing":       {Rules: []mesh.Rule{{From: []mesh.From{{}}}}},
		"an operation that says nothing":   {Rules: []mesh.Rule{{To: []mesh.To{{}}}}},
		"an address that is none":          {Rules: []mesh.Rule{{From: []mesh.From{{Source: mesh.Source{IPBlocks: []string{"a"}}}}}}},
		"a policy that denies nothing":     {Action: mesh.Deny},
		"a label that has a wildcard":      {Selector: &mesh.WorkloadSelector{MatchLabels: map[string]string{"app": "a*"}}},
		"a label that has no name":         {Selector: &mesh.WorkloadSelector{MatchLabels: map[string]string{"": "a"}}},
		"a custom policy that asks nobody": {Action: mesh.Custom, Rules: []mesh.Rule{{}}},
	}
	for name, spec := range wrong {
		t.Run(name, func(t *testing.T) {
			raw, err := json.Marshal(spec)
			if err != nil {
				t.Fatal(err)
			}
			message := &security.AuthorizationPolicy{}
			if err := json.Unmarshal(raw, message); err != nil {
				t.Fatal(err)
			}
			if _, err := validation.ValidateAuthorizationPolicy(config.Config{Spec: message}); err == nil {
				t.Errorf("Istio takes %s", raw)
			}
		})
	}
}
