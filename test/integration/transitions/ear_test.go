package transitions

import (
	"fmt"
	"slices"
	"sync"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// ear hears every version of a profile's status, and every event on it.
type ear struct {
	scene   *scene
	watches []watch.Interface
	ended   sync.WaitGroup

	mu         sync.Mutex
	statuses   int
	complaints []string
}

// listens begins to listen to what is said of a profile, which need not be there yet.
func (s *scene) listens(profile string) *ear {
	s.t.Helper()
	e := &ear{scene: s}
	name := s.name + "-" + profile
	e.hear(&v1alpha1.SegmentationProfileList{}, func(obj any) []string {
		if p, ok := obj.(*v1alpha1.SegmentationProfile); ok && p.Name == name {
			e.statuses++
			return complaintsOf(p)
		}
		return nil
	})
	e.hear(&eventsv1.EventList{}, func(obj any) []string {
		if v, ok := obj.(*eventsv1.Event); ok && v.Regarding.Name == name && v.Type != corev1.EventTypeNormal {
			return []string{fmt.Sprintf("event %s: %s", v.Reason, v.Note)}
		}
		return nil
	})
	return e
}

// hear listens to one kind of object until the end.
func (e *ear) hear(list client.ObjectList, judge func(any) []string) {
	e.scene.t.Helper()
	w, err := env.admin.Watch(e.scene.ctx(), list)
	e.scene.Expect(err).NotTo(HaveOccurred())
	e.watches = append(e.watches, w)
	e.ended.Go(func() {
		for event := range w.ResultChan() {
			e.mu.Lock()
			for _, complaint := range judge(event.Object) {
				if !slices.Contains(e.complaints, complaint) {
					e.complaints = append(e.complaints, complaint)
				}
			}
			e.mu.Unlock()
		}
	})
}

// complaintsOf is what a status says of failures: a condition that says that something is wrong, or a finding.
func complaintsOf(p *v1alpha1.SegmentationProfile) []string {
	var out []string
	if ready := meta.FindStatusCondition(p.Status.Conditions, v1alpha1.ConditionReady); ready != nil && ready.Status == metav1.ConditionFalse {
		out = append(out, "Ready=False: "+ready.Reason+": "+ready.Message)
	}
	if stalled := meta.FindStatusCondition(p.Status.Conditions, v1alpha1.ConditionStalled); stalled != nil {
		out = append(out, "Stalled: "+stalled.Reason+": "+stalled.Message)
	}
	for _, c := range p.Status.Conditions {
		if c.Reason == v1alpha1.ReasonRetrying {
			out = append(out, c.Type+" says "+c.Reason)
		}
	}
	for _, f := range p.Status.Findings {
		out = append(out, fmt.Sprintf("finding %s: %s", f.Reason, f.Message))
	}
	return out
}

// heardNoComplaint ends the listening, and insists that nothing was said of failures.
func (e *ear) heardNoComplaint() {
	e.scene.t.Helper()
	for _, w := range e.watches {
		w.Stop()
	}
	e.ended.Wait()
	e.scene.counts["versions of status heard"] += e.statuses
	e.scene.Expect(e.statuses).To(BeNumerically(">", 2))
	for _, complaint := range e.complaints {
		e.scene.t.Error(complaint)
	}
}
