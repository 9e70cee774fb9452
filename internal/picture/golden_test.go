package picture_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/offline"
	"github.com/segmentation-dev/segmentation-operator/internal/picture"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

var update = flag.Bool("update", false, "write testdata/town.golden.* anew")

// The golden files are for a person to read: paste the Mermaid into an issue, open the page in a browser. To see what a
// change does to them: go test ./internal/picture -update, and git diff.
func TestGoldenTown(t *testing.T) {
	t.Parallel()
	page := pageOf(t, town(t))
	for format, got := range map[string]string{
		"dot": picture.DOT(page.Graph), "mmd": picture.Mermaid(page.Graph), "svg": picture.SVG(page.Graph), "html": htmlOf(t, page),
	} {
		golden := filepath.Join("testdata", "town.golden."+format)
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s is not what is drawn; if it should be, run with -update (-want +got):\n%s", golden, diff)
		}
	}
}

// town is what the golden files are drawn from: two profiles with what is known of a cluster.
func town(t *testing.T) *offline.World {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("testdata", "town.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	w := &offline.World{
		Namespaces: []corev1.Namespace{
			*builders.MakeNamespace("bank-counters").Obj(), *builders.MakeNamespace("elsewhere").Obj(),
			*builders.MakeNamespace("gateways").Label("team", "gateways").Obj(),
			*builders.MakeNamespace("market-a").Label("team", "market").Obj(), *builders.MakeNamespace("market-b").Label("team", "market").Obj(),
			*builders.MakeNamespace("market-scales").Obj(), *builders.MakeNamespace("market-watch").Obj(),
		},
		Services: []corev1.Service{{Spec: corev1.ServiceSpec{
			Selector: map[string]string{"app": "scales"}, Ports: []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromInt32(8080)}},
		}}},
	}
	w.Services[0].Namespace, w.Services[0].Name = "market-scales", "scales"
	for document := range bytes.SplitSeq(source, []byte("---\n")) {
		profile := v1alpha1.SegmentationProfile{}
		if err := yaml.UnmarshalStrict(document, &profile); err != nil {
			t.Fatal(err)
		}
		w.Profiles = append(w.Profiles, profile)
	}
	return w
}

// pageOf is the page of all profiles of a world.
func pageOf(t *testing.T, w *offline.World) *picture.Page {
	t.Helper()
	names := make([]string, 0, len(w.Profiles))
	for i := range w.Profiles {
		names = append(names, w.Profiles[i].Name)
	}
	rendered := offline.Render(w, names...)
	cluster, err := rendered.Cluster(w.Policies)
	if err != nil {
		t.Fatal(err)
	}
	namespaces := make([]reach.Namespace, 0, len(rendered.Namespaces))
	for i := range rendered.Namespaces {
		namespaces = append(namespaces, reach.Namespace{Name: rendered.Namespaces[i].Name, Labels: rendered.Namespaces[i].Labels})
	}
	matrix, err := cluster.Matrix(namespaces)
	if err != nil {
		t.Fatal(err)
	}
	return &picture.Page{Graph: rendered.Graph(names), Matrix: matrix}
}

func htmlOf(t *testing.T, page *picture.Page) string {
	t.Helper()
	out, err := picture.HTML(page)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// big is a profile of 40 tiers and 200 dependencies, in circles and to themselves, too.
func big() *offline.World {
	profile, w := builders.MakeProfile("big"), &offline.World{}
	for i := range 40 {
		name := fmt.Sprintf("tier-%d", i)
		profile.Tier(builders.MakeTier(name).Names(name+"-a", name+"-b").Obj())
		w.Namespaces = append(w.Namespaces, *builders.MakeNamespace(name + "-a").Obj(), *builders.MakeNamespace(name + "-b").Obj())
	}
	for i := range 200 {
		profile.Dependency(builders.MakeDependency(fmt.Sprintf("dependency-%d", i)).
			FromTier(fmt.Sprintf("tier-%d", i%40)).ToTier(fmt.Sprintf("tier-%d", (i*7+i/40+1)%40)).Port(int32(8000 + i)).Obj())
	}
	w.Profiles = []v1alpha1.SegmentationProfile{*profile.Obj()}
	return w
}
