package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	segv1alpha1 "github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// Who waits for a profile compares status.observedGeneration with metadata.generation; -1 keeps
// a profile that nobody has looked at from being taken for one that is done.
func TestAFreshProfileIsNotMistakenForAReconciledOne(t *testing.T) {
	profile := oneTier("fresh")
	create(t, profile)
	want := segv1alpha1.SegmentationProfileStatus{ObservedGeneration: -1}

	if diff := cmp.Diff(want, read(t, "fresh").Status); diff != "" {
		t.Errorf("status read (-want +got):\n%s", diff)
	}
	list := &segv1alpha1.SegmentationProfileList{}
	fresh := client.MatchingFields{"metadata.name": "fresh"}
	if err := server.List(t.Context(), list, fresh); err != nil || len(list.Items) != 1 {
		t.Fatalf("list: %d profiles, %v", len(list.Items), err)
	}
	if diff := cmp.Diff(want, list.Items[0].Status); diff != "" {
		t.Errorf("status listed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, firstSeen(t, fresh).Status); diff != "" {
		t.Errorf("status watched (-want +got):\n%s", diff)
	}
}

// firstSeen returns the first profile that a watch shows.
func firstSeen(t *testing.T, options ...client.ListOption) *segv1alpha1.SegmentationProfile {
	t.Helper()
	watcher, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	events, err := watcher.Watch(t.Context(), &segv1alpha1.SegmentationProfileList{}, options...)
	if err != nil {
		t.Fatal(err)
	}
	defer events.Stop()
	event := <-events.ResultChan()
	profile, ok := event.Object.(*segv1alpha1.SegmentationProfile)
	if event.Type != watch.Added || !ok {
		t.Fatalf("the watch began with %s of %T", event.Type, event.Object)
	}
	return profile
}

func TestSpecAndStatusAreWrittenApart(t *testing.T) {
	profile := oneTier("apart")
	profile.Status.ObservedGeneration = 1
	create(t, profile)
	if got := read(t, "apart").Status.ObservedGeneration; got != -1 {
		t.Errorf("a status that was sent with the spec was stored: observedGeneration is %d", got)
	}

	profile = read(t, "apart")
	profile.Status = segv1alpha1.SegmentationProfileStatus{ObservedGeneration: 1, FindingsTotal: 3}
	profile.Spec.Mode = segv1alpha1.ModePreview
	if err := server.Status().Update(t.Context(), profile); err != nil {
		t.Fatal(err)
	}
	profile = read(t, "apart")
	if profile.Spec.Mode != segv1alpha1.ModeEnforce || profile.Generation != 1 {
		t.Errorf("a write of the status changed the spec: mode %s, generation %d", profile.Spec.Mode, profile.Generation)
	}
	if profile.Status.FindingsTotal != 3 {
		t.Errorf("the status was not written: %+v", profile.Status)
	}

	profile.Status.FindingsTotal = 5
	profile.Spec.Mode = segv1alpha1.ModePreview
	if err := server.Update(t.Context(), profile); err != nil {
		t.Fatal(err)
	}
	profile = read(t, "apart")
	if profile.Spec.Mode != segv1alpha1.ModePreview || profile.Generation != 2 {
		t.Errorf("the spec was not written: mode %s, generation %d", profile.Spec.Mode, profile.Generation)
	}
	if profile.Status.FindingsTotal != 3 || profile.Status.ObservedGeneration != 1 {
		t.Errorf("a write of the spec changed the status: %+v", profile.Status)
	}
}

// The status stays small, whatever the operator finds.
func TestTheStatusIsBounded(t *testing.T) {
	create(t, oneTier("bounded"))
	tests := map[string]struct {
		status segv1alpha1.SegmentationProfileStatus
		says   string
	}{
		"as many findings as there may be": {
			status: segv1alpha1.SegmentationProfileStatus{Findings: findings(segv1alpha1.MaxFindings), FindingsTotal: 4000},
		},
		"one more": {
			status: segv1alpha1.SegmentationProfileStatus{Findings: findings(segv1alpha1.MaxFindings + 1)},
			says:   "status.findings: Too many: 21: must have at most 20 items",
		},
		"a finding that is too long": {
			status: segv1alpha1.SegmentationProfileStatus{
				Findings: []segv1alpha1.Finding{{Reason: "Long", Message: strings.Repeat("m", 1025)}},
			},
			says: "status.findings[0].message: Too long",
		},
		"a finding without words": {
			status: segv1alpha1.SegmentationProfileStatus{Findings: []segv1alpha1.Finding{{Reason: "Silent"}}},
			says:   "status.findings[0].message: Required value",
		},
		"more tiers than a profile may have": {
			status: segv1alpha1.SegmentationProfileStatus{Tiers: tierStatuses(maxTiers + 1)},
			says:   "status.tiers: Too many: 65: must have at most 64 items",
		},
		"two conditions of one type": {
			status: segv1alpha1.SegmentationProfileStatus{Conditions: []metav1.Condition{condition("Ready"), condition("Ready")}},
			says:   `status.conditions[1]: Duplicate value: {"type":"Ready"}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			profile := read(t, "bounded")
			profile.Status = test.status
			err := server.Status().Update(t.Context(), profile)
			switch {
			case test.says == "" && err != nil:
				t.Errorf("the API server refused it: %v", err)
			case test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)):
				t.Errorf("the API server said %v, want %s", err, test.says)
			}
		})
	}
}

func oneTier(name string) *segv1alpha1.SegmentationProfile {
	return builders.MakeProfile(name).Tier(builders.MakeTier("web").Names("web").Obj()).Obj()
}

func findings(count int) []segv1alpha1.Finding {
	out := make([]segv1alpha1.Finding, count)
	for i := range out {
		out[i] = segv1alpha1.Finding{
			Reason:    strings.Repeat("R", 64),
			Namespace: "shop-web",
			Message:   strings.Repeat("m", 1024),
		}
	}
	return out
}

func tierStatuses(count int) []segv1alpha1.TierStatus {
	out := make([]segv1alpha1.TierStatus, count)
	for i := range out {
		out[i].Name = segv1alpha1.Name(fmt.Sprintf("tier-%d", i))
	}
	return out
}

func condition(kind string) metav1.Condition {
	return metav1.Condition{
		Type: kind, Status: metav1.ConditionTrue, Reason: segv1alpha1.ReasonSegmented,
		Message: "10 of 10 namespaces are segmented", LastTransitionTime: metav1.Now(),
	}
}
