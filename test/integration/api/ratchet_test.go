package api

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"
)

// A later version may have stricter rules than the one under which a profile was stored. Such
// a profile must stay in the operator's reach: its status and metadata can be written, and its
// spec can be changed where that leaves the bad part as it is.
func TestStricterRulesDoNotLockStoredProfiles(t *testing.T) {
	installed, strict := earlierCRD(t), earlierCRD(t)
	for i := range installed.Spec.Versions {
		dropRules(installed.Spec.Versions[i].Schema.OpenAPIV3Schema)
	}
	if _, err := envtest.InstallCRDs(config, envtest.CRDInstallOptions{CRDs: []*apiextensionsv1.CustomResourceDefinition{installed}}); err != nil {
		t.Fatal(err)
	}
	remove(t, installed)
	create(t, earlierProfile(t, "range", `
tiers: [{name: web, namespaces: {names: [web]}}]
peers: [{name: payments, cidrs: [{cidr: 198.51.100.7/24}]}]`))
	create(t, earlierProfile(t, "reference", `
tiers: [{name: web, namespaces: {names: [web]}}]
dependencies: [{name: web-api, from: {tier: web}, to: {tier: api}}]`))
	create(t, earlierProfile(t, "dns", `
dns: {port: 5353}
tiers: [{name: web, namespaces: {names: [web]}}]`))
	create(t, earlierProfile(t, "server", `
tiers: [{name: web, namespaces: {names: [web]}}]
peers: [{name: api-server, apiServer: {}}]
dependencies: [{name: watch, from: {tier: web}, to: {peer: api-server}, ports: [{port: 6443}]}]`))
	tighten(t, installed, strict)

	tests := map[string]struct {
		profile, field string
		value          any
		status         bool
		says           string
	}{
		"the status of a profile with a bad range":     {profile: "range", field: "status.findingsTotal", value: int64(1), status: true},
		"the status of a profile with a bad reference": {profile: "reference", field: "status.findingsTotal", value: int64(1), status: true},
		"the metadata":                                           {profile: "reference", field: "metadata.labels.team", value: "shop"},
		"the spec apart from a bad range":                        {profile: "range", field: "spec.mode", value: "Preview"},
		"the spec with a bad reference anywhere":                 {profile: "reference", field: "spec.mode", value: "Preview", says: "names api, which spec.tiers does not have"},
		"the list that holds a bad range":                        {profile: "range", field: "spec.peers", value: []any{badPeer("198.51.100.8/24")}, says: "has bits set beyond its prefix length"},
		"the list that holds a bad range, mended":                {profile: "range", field: "spec.peers", value: []any{badPeer("198.51.100.0/24")}},
		"the status of a profile with a port of the DNS Service": {profile: "dns", field: "status.findingsTotal", value: int64(1), status: true},
		"the spec apart from a port of the DNS Service":          {profile: "dns", field: "spec.mode", value: "Preview"},
		"the spec with a port of the DNS Service, mended":        {profile: "dns", field: "spec.dns.pods", value: map[string]any{}},
		"the peer that has no ports of its own, replaced": {
			profile: "server", field: "spec.peers", value: []any{badPeer("198.51.100.0/24")}, says: "names api-server",
		},
		"the spec with ports of the API server, which go": {profile: "server", field: "spec.dependencies", value: []any{}},
		"the list that holds the bad reference too":       {profile: "reference", field: "spec.dependencies", value: []any{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			stored := earlierProfile(t, test.profile, "")
			if err := server.Get(t.Context(), client.ObjectKeyFromObject(stored), stored); err != nil {
				t.Fatal(err)
			}
			if err := unstructured.SetNestedField(stored.Object, test.value, strings.Split(test.field, ".")...); err != nil {
				t.Fatal(err)
			}
			err := write(t.Context(), stored, test.status)
			if test.says == "" && err != nil {
				t.Errorf("the API server refused it: %v", err)
			}
			if test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)) {
				t.Errorf("the API server said %v, want %s", err, test.says)
			}
		})
	}
}

// write tries an update, without keeping it.
func write(ctx context.Context, obj client.Object, status bool) error {
	if status {
		return server.Status().Update(ctx, obj, client.DryRunAll)
	}
	return server.Update(ctx, obj, client.DryRunAll)
}

func badPeer(cidr string) map[string]any {
	return map[string]any{"name": "payments", "cidrs": []any{map[string]any{"cidr": cidr}}}
}

// earlierCRD is the CRD under another group, so that other tests keep theirs.
func earlierCRD(t *testing.T) *apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(crds, "segmentation.dev_segmentationprofiles.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(content, crd); err != nil {
		t.Fatal(err)
	}
	crd.Spec.Group = "earlier.segmentation.dev"
	crd.Spec.Names.ShortNames, crd.Spec.Names.Categories = nil, nil
	crd.Name = "segmentationprofiles." + crd.Spec.Group
	return crd
}

func earlierProfile(t *testing.T, name, spec string) *unstructured.Unstructured {
	t.Helper()
	object := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(spec), &object); err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{Object: map[string]any{"spec": object}}
	u.SetAPIVersion("earlier.segmentation.dev/v1alpha1")
	u.SetKind("SegmentationProfile")
	u.SetName(name)
	return u
}

// dropRules removes the CEL rules of a schema, which an earlier version might not have had.
func dropRules(schema *apiextensionsv1.JSONSchemaProps) {
	schema.XValidations = nil
	for name, property := range schema.Properties {
		dropRules(&property)
		schema.Properties[name] = property
	}
	if schema.Items != nil {
		dropRules(schema.Items.Schema)
	}
	if schema.AdditionalProperties != nil {
		dropRules(schema.AdditionalProperties.Schema)
	}
}

// tighten replaces the rules of a CRD and waits until they are in force.
func tighten(t *testing.T, installed, strict *apiextensionsv1.CustomResourceDefinition) {
	t.Helper()
	if err := server.Get(t.Context(), client.ObjectKeyFromObject(installed), installed); err != nil {
		t.Fatal(err)
	}
	installed.Spec = strict.Spec
	if err := server.Update(t.Context(), installed); err != nil {
		t.Fatal(err)
	}
	refused := func(ctx context.Context) (bool, error) {
		bad := earlierProfile(t, "bad", `{tiers: [{name: Web, namespaces: {names: [web]}}]}`)
		return server.Create(ctx, bad, client.DryRunAll) != nil, nil
	}
	if err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true, refused); err != nil {
		t.Fatalf("the stricter rules are not in force: %v", err)
	}
}
