package chart

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"

	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// TestHelm3RendersTheSame: it has a template engine and a reader of schemas of its own.
func TestHelm3RendersTheSame(t *testing.T) {
	for name, values := range map[string]string{
		"with nothing set": "",
		"with all parts":   everything,
		"with much set":    "{watchPods: false, protectedNamespaces: ['vault*'], grantable: {view: false, clusterRoles: [edit]}, replicas: 1}",
	} {
		t.Run(name, func(t *testing.T) {
			rendered := must(tryHelm3(t, parse(t, values)))(t)
			var manifest strings.Builder
			for file, content := range rendered {
				if strings.HasSuffix(file, ".yaml") {
					manifest.WriteString("\n---\n" + content)
				}
			}
			if diff := cmp.Diff(plain(render(t, values)), plain(readObjects(t, manifest.String()))); diff != "" {
				t.Errorf("Helm 4 and Helm 3 render differently (-4 +3):\n%s", diff)
			}
		})
	}
}

func TestHelm3RefusesMistakes(t *testing.T) {
	for values, want := range map[string]string{"replicaCount: 3": "'replicaCount'", "replicas: '2'": "'/replicas'"} {
		if _, err := tryHelm3(t, parse(t, values)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: want a refusal that names %s, got %v", values, want, err)
		}
	}
}

func tryHelm3(t *testing.T, values map[string]any) (map[string]string, error) {
	t.Helper()
	chart := must(loader.LoadDir(repository(t, "config", "chart")))(t)
	options := chartutil.ReleaseOptions{Name: releaseName, Namespace: deploy.Namespace, Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValues(chart, values, options, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(chart, all)
}
