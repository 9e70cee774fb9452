package offline

import (
	"maps"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan/plantest"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// drawnWorld is a world with one profile, which its namespaces are for.
func drawnWorld(profile *v1alpha1.SegmentationProfile) *World {
	w := &World{Profiles: []v1alpha1.SegmentationProfile{*profile}}
	add := func(name string, labels map[string]string) {
		of := map[string]string{corev1.LabelMetadataName: name}
		maps.Copy(of, labels)
		w.Namespaces = append(w.Namespaces, corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: of}})
	}
	for _, tier := range []string{"web", "api", "data", "0"} {
		add(tier, map[string]string{"tier": tier})
		add(tier+"-2", map[string]string{"tier": tier})
	}
	add("ops", map[string]string{"team": "ops"})
	add("outside", nil)
	add("kube-system", nil)
	return w
}

// TestADifferenceIsThatOfEveryFlow compares what a plan says of two profiles with what passes flow by flow.
func TestADifferenceIsThatOfEveryFlow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := Render(drawnWorld(plantest.Profile().Draw(t, "before")), "shop")
		after := Render(drawnWorld(plantest.Profile().Draw(t, "after")), "shop")
		change, err := Compare(before, after, nil)
		if err != nil {
			t.Skip(err) // More classes of pods and addresses than are judged.
		}
		was, err := before.Cluster(nil)
		if err != nil {
			t.Fatal(err)
		}
		is, err := after.Cluster(nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 200 {
			flow := drawnFlow(t, before)
			allowedBefore, allowedAfter := was.Allowed(flow).Allowed(), is.Allowed(flow).Allowed()
			found, differs := change.Reach.Find(flow)
			if differs != (allowedBefore != allowedAfter) || differs && found.Opened != allowedAfter {
				t.Fatalf("%+v: allowed before %t, after %t; the plan has it as changed %t (%+v)", flow, allowedBefore, allowedAfter, differs, found)
			}
		}
	})
}

func drawnFlow(t *rapid.T, r *Rendered) reach.Flow {
	end := func(name string) reach.Endpoint {
		n := rapid.SampledFrom(r.Namespaces).Draw(t, name)
		labels := rapid.SampledFrom([]map[string]string{{}, {"app": "a"}, {"app": "b", "role": "db"}, {"k8s-app": "kube-dns"}}).Draw(t, name+" labels")
		return reach.Endpoint{Pod: &reach.Pod{Namespace: n.Name, Labels: labels}}
	}
	return reach.Flow{
		From: end("from"), To: end("to"),
		Protocol: rapid.SampledFrom([]corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP}).Draw(t, "protocol"),
		Port:     rapid.SampledFrom([]int32{1, 53, 80, 81, 90, 443, 5353, 65535}).Draw(t, "port"),
	}
}
