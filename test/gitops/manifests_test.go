package gitops

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	appv1 "github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// kustomize builds a directory of the repository, as Argo CD's repository server would.
func kustomize(t *testing.T, path ...string) []*unstructured.Unstructured {
	t.Helper()
	dir := filepath.Join(append([]string{root}, path...)...)
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		t.Fatalf("building %s: %v", dir, err)
	}
	content, err := built.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return objectsOf(t, content)
}

func objectsOf(t *testing.T, content []byte) []*unstructured.Unstructured {
	t.Helper()
	var out []*unstructured.Unstructured
	decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), 4096)
	for {
		obj := &unstructured.Unstructured{}
		err := decoder.Decode(&obj.Object)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if obj.Object != nil {
			out = append(out, obj)
		}
	}
}

// shipped reads one of the Applications that config/argocd ships.
func shipped(t *testing.T, file string) *appv1.Application {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, "config", "argocd", file))
	if err != nil {
		t.Fatal(err)
	}
	app := &appv1.Application{}
	if err := yaml.UnmarshalStrict(content, app); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return app
}

// releasedConfig is the argocd-cm that this release of Argo CD is installed with.
func releasedConfig(t *testing.T) []byte {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/argoproj/argo-cd/v3").Output()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "manifests", "base", "config", "argocd-cm.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// configWithHealth is Argo CD's argocd-cm with the component that adds the health script.
func configWithHealth(t *testing.T, namespace string) *unstructured.Unstructured {
	t.Helper()
	dir := t.TempDir()
	component, err := filepath.Abs(filepath.Join(root, "config", "argocd", "resource_customizations"))
	if err != nil {
		t.Fatal(err)
	}
	if resolved, err := filepath.EvalSymlinks(dir); err == nil {
		dir = resolved
	}
	relative, err := filepath.Rel(dir, component)
	if err != nil {
		t.Fatal(err)
	}
	overlay := "resources: [argocd-cm.yaml]\ncomponents: [" + relative + "]\n"
	if namespace != "" {
		overlay += "namespace: " + namespace + "\n"
	}
	write(t, filepath.Join(dir, "argocd-cm.yaml"), releasedConfig(t))
	write(t, filepath.Join(dir, "kustomization.yaml"), []byte(overlay))
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		t.Fatal(err)
	}
	content, err := built.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	objects := objectsOf(t, content)
	if len(objects) != 1 {
		t.Fatalf("%d objects instead of argocd-cm alone:\n%s", len(objects), content)
	}
	return objects[0]
}

func write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
