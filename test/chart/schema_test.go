package chart

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// TestMistakesAreRefused insists that what Helm says names the value.
func TestMistakesAreRefused(t *testing.T) {
	cases := map[string]struct{ values, want string }{
		"a name that there is not":             {"replicaCount: 3", "'replicaCount'"},
		"a name that there is not, further in": {"image: {name: operator}", "'name'"},
		"a name in another case":               {"watchpods: false", "'watchpods'"},
		"a number as text":                     {"replicas: '2'", "'/replicas'"},
		"a list as text":                       {"protectedNamespaces: openshift-*", "'/protectedNamespaces'"},
		"namespaces in one entry":              {"protectedNamespaces: ['vault,consul']", "'/protectedNamespaces/0'"},
		"a class of characters":                {"protectedNamespaces: ['team-[ab]']", "'/protectedNamespaces/0'"},
		"a digest without its algorithm":       {"image: {digest: 0123abcd}", "'/image/digest'"},
		"a level that there is not":            {"logLevel: verbose", "'/logLevel'"},
		"a flag without dashes":                {"extraArgs: [watch-pods=false]", "'/extraArgs/0'"},
		"a failure policy in small letters":    {"admission: {podAdmissionFailurePolicy: fail}", "'/admission/podAdmissionFailurePolicy'"},
		"a group that ends the expression":     {`admission: {breakGlassGroup: "x' || 'a' == 'a"}`, "'/admission/breakGlassGroup'"},
		"no break-glass group":                 {"admission: {breakGlassGroup: ''}", "'/admission/breakGlassGroup'"},
		"metrics for everybody, by mistake":    {"networkPolicy: {metricsFrom: []}", "'/networkPolicy/metricsFrom'"},
		"all objects passed for the operator's": {
			"commonLabels: {app.kubernetes.io/managed-by: segmentation-operator}", "'app.kubernetes.io/managed-by'",
		},
		"all ClusterRoles given to the ceiling": {
			"commonLabels: {segmentation.dev/grantable: 'true'}", "'segmentation.dev/grantable'",
		},
		"the operator's rights given to who may read": {
			"commonLabels: {rbac.authorization.k8s.io/aggregate-to-view: 'true'}", "'rbac.authorization.k8s.io/aggregate-to-view'",
		},
		"a group that is taken away":  {"metrics: null", "'metrics'"},
		"a group that templates need": {"image: null", "'image'"},
		"an interval without a unit":  {"metrics: {serviceMonitor: {interval: '30'}}", "'/metrics/serviceMonitor/interval'"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { refused(t, parse(t, c.values), c.want) })
	}
}

func refused(t *testing.T, values map[string]any, want string) {
	t.Helper()
	_, err := try(checkout(t), deploy.Namespace, values)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("values %v: want a refusal that names %s, got %v", values, want, err)
	}
}

// TestEveryValueOfAnotherTypeIsRefused sets each value to something that none of them can be.
func TestEveryValueOfAnotherTypeIsRefused(t *testing.T) {
	paths := settable(t)
	if len(paths) < 40 {
		t.Errorf("there are %d values only", len(paths))
	}
	for _, path := range paths {
		t.Run(path, func(t *testing.T) {
			refused(t, nested(path, 1.5), "'/"+strings.ReplaceAll(path, ".", "/")+"'")
		})
	}
}

// TestEveryGroupOfValuesIsClosed sets an unknown name beside each value.
func TestEveryGroupOfValuesIsClosed(t *testing.T) {
	for _, path := range settable(t) {
		group := path[:strings.LastIndex("."+path, ".")]
		t.Run(path, func(t *testing.T) { refused(t, nested(group+"unknown", "x"), "'unknown'") })
	}
}

// nested are values of which one is set, by its path.
func nested(path string, value any) map[string]any {
	first, rest, deeper := strings.Cut(path, ".")
	if deeper {
		return map[string]any{first: nested(rest, value)}
	}
	return map[string]any{first: value}
}

// settable are the paths of all values that the schema knows, but for those that Helm or another chart sets.
func settable(tb testing.TB) []string {
	tb.Helper()
	var schema node
	if err := json.Unmarshal(must(os.ReadFile(repository(tb, "config", "chart", "values.schema.json")))(tb), &schema); err != nil {
		tb.Fatal(err)
	}
	delete(schema.Properties, "global")
	delete(schema.Properties, "enabled")
	return schema.paths("")
}

// node is a part of a schema.
type node struct {
	Properties map[string]node `json:"properties"`
}

func (n node) paths(prefix string) []string {
	if len(n.Properties) == 0 {
		return []string{strings.TrimSuffix(prefix, ".")}
	}
	var out []string
	for _, name := range sortedKeys(n.Properties) {
		out = append(out, n.Properties[name].paths(prefix+name+".")...)
	}
	return out
}

func sortedKeys[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

// defaults are the values in values.yaml, by path.
func defaults(tb testing.TB) map[string]string {
	tb.Helper()
	all := map[string]any{}
	if err := yaml.Unmarshal(must(os.ReadFile(repository(tb, "config", "chart", "values.yaml")))(tb), &all); err != nil {
		tb.Fatal(err)
	}
	out := map[string]string{}
	for _, path := range settable(tb) {
		value, is := lookUp(all, path)
		if !is {
			tb.Errorf("the schema knows %s, and values.yaml does not", path)
			continue
		}
		out[path] = string(must(json.Marshal(value))(tb))
	}
	return out
}

func lookUp(values map[string]any, path string) (any, bool) {
	first, rest, deeper := strings.Cut(path, ".")
	value, is := values[first]
	if !deeper || !is {
		return value, is
	}
	group, _ := value.(map[string]any)
	return lookUp(group, rest)
}
