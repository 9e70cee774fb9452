package transitions

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// witness compares what a profile's status says with what is in the cluster, all the time.
type witness struct {
	scene   *scene
	profile string
	end     context.CancelFunc
	ended   sync.WaitGroup

	judged, ready int
	lies          []string
}

// witnessed begins to look at the status of a profile that is the only one of the scene.
func (s *scene) witnessed(profile string) *witness {
	ctx, end := context.WithCancel(s.ctx())
	w := &witness{scene: s, profile: s.name + "-" + profile, end: end}
	w.ended.Go(func() {
		for ctx.Err() == nil {
			// An API server that is away has nothing to say.
			_ = w.look(ctx)
			select {
			case <-ctx.Done():
			case <-time.After(tick / 2):
			}
		}
	})
	return w
}

// look reads profile, objects, and profile again, and judges if the profile has not changed: what
// the status said was then said of these objects.
func (w *witness) look(ctx context.Context) error {
	var before, after v1alpha1.SegmentationProfile
	if err := env.admin.Get(ctx, client.ObjectKey{Name: w.profile}, &before); err != nil {
		return err
	}
	found, err := w.scene.found(ctx)
	if err != nil {
		return err
	}
	if err := env.admin.Get(ctx, client.ObjectKey{Name: w.profile}, &after); err != nil {
		return err
	}
	if before.ResourceVersion != after.ResourceVersion {
		return nil
	}
	w.judged++
	if !saysReady(&after) {
		return nil
	}
	w.ready++
	wanted, err := w.scene.compile(ctx, map[string]*v1alpha1.SegmentationProfile{only: &after}, declared(&after))
	if err != nil {
		return err
	}
	if diff := cmp.Diff(wanted, found); diff != "" {
		w.lies = append(w.lies, fmt.Sprintf("at version %s, generation %d, the profile is Ready (-want +got):\n%s",
			after.ResourceVersion, after.Generation, diff))
	}
	return nil
}

// saysReady tells whether a status says that all is as the present generation declares.
func saysReady(p *v1alpha1.SegmentationProfile) bool {
	ready := meta.FindStatusCondition(p.Status.Conditions, v1alpha1.ConditionReady)
	return ready != nil && ready.Status == metav1.ConditionTrue &&
		ready.ObservedGeneration == p.Generation && p.Status.ObservedGeneration == p.Generation
}

// only is what a profile is called that is the only one.
const only = "only"

// declared is the state that a profile declares, if it is the only one.
func declared(p *v1alpha1.SegmentationProfile) state {
	st := state{members: map[string]string{}}
	for i := range p.Spec.Tiers {
		st.members[only+"/"+string(p.Spec.Tiers[i].Name)] = slotsOf(&p.Spec.Tiers[i])
	}
	return st
}

// heard ends the looking, and insists that the status has told the truth.
func (w *witness) heard() {
	w.scene.t.Helper()
	w.end()
	w.ended.Wait()
	w.scene.counts[statusesJudged] += w.judged
	w.scene.counts[statusesReady] += w.ready
	for _, lie := range w.lies[:min(len(w.lies), 3)] {
		w.scene.t.Error(lie)
	}
	if len(w.lies) > 0 {
		w.scene.t.Errorf("the status said %d of %d times that all is as declared when it was not", len(w.lies), w.ready)
	}
	if w.ready == 0 || w.ready == w.judged {
		w.scene.t.Errorf("of %d statuses %d were Ready; nothing is shown", w.judged, w.ready)
	}
}
