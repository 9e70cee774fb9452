package chart

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/common"
	chartv2 "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	release "helm.sh/helm/v4/pkg/release/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// The release that is rendered, in the namespace that kustomize installs into.
const (
	releaseName = "isolation"
	oldest      = "v1.34.0"
)

// objects are what is rendered or built, by kind, namespace and name.
type objects map[string]*unstructured.Unstructured

// must is for what cannot fail unless the test is wrong.
func must[T any](value T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return value
	}
}

// repository is a path in the repository.
func repository(tb testing.TB, elements ...string) string {
	tb.Helper()
	return filepath.Join(append([]string{must(deploy.Root())(tb)}, elements...)...)
}

// checkout is the chart of the checkout.
func checkout(tb testing.TB) *chartv2.Chart {
	tb.Helper()
	return must(loader.LoadDir(repository(tb, "config", "chart")))(tb)
}

// parse reads values as they are written in a file.
func parse(tb testing.TB, values string) map[string]any {
	tb.Helper()
	out := map[string]any{}
	if err := yaml.Unmarshal([]byte(values), &out); err != nil {
		tb.Fatalf("values %s: %v", values, err)
	}
	return out
}

// try renders a chart as "helm template" does.
func try(chart *chartv2.Chart, namespace string, values map[string]any) (*release.Release, error) {
	version, err := common.ParseKubeVersion(oldest)
	if err != nil {
		return nil, err
	}
	install := action.NewInstall(action.NewConfiguration())
	install.DryRunStrategy = action.DryRunClient
	install.ReleaseName, install.Namespace, install.KubeVersion = releaseName, namespace, version
	rendered, err := install.RunWithContext(context.Background(), chart, values)
	if err != nil {
		return nil, err
	}
	out, is := rendered.(*release.Release)
	if !is {
		return nil, fmt.Errorf("a release is a %T", rendered)
	}
	return out, nil
}

// render renders the chart of the checkout into kustomize's namespace.
func render(tb testing.TB, values string) objects {
	tb.Helper()
	return readObjects(tb, must(try(checkout(tb), deploy.Namespace, parse(tb, values)))(tb).Manifest)
}

// readObjects reads the objects of a stream of YAML documents.
func readObjects(tb testing.TB, stream string) objects {
	tb.Helper()
	out := objects{}
	for document := range strings.SplitSeq("\n"+stream, "\n---") {
		obj := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), &obj.Object); err != nil {
			tb.Fatalf("%v in\n%s", err, document)
		}
		if len(obj.Object) == 0 {
			continue
		}
		if out[key(obj)] != nil {
			tb.Errorf("there are two of %s", key(obj))
		}
		out[key(obj)] = obj
	}
	return out
}

func key(obj *unstructured.Unstructured) string {
	return strings.Join(strings.Fields(obj.GetKind()+" "+obj.GetNamespace()+" "+obj.GetName()), " ")
}
