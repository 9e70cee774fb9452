package suggest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/offline"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// judge is what decides over flows once a profile is enforced, as the operator would write it: without the policies of
// others, which allow what the profile is to say.
func (s *suggester) judge(p *v1alpha1.SegmentationProfile) (*reach.Cluster, error) {
	world := *s.world
	world.Pods = nil // No flow depends on them, and they are looked through for mistyped ports.
	p = p.DeepCopy()
	// It comes after those that are there, and claims nothing of theirs.
	p.CreationTimestamp = metav1.NewTime(time.Unix(0, 0))
	for i := range world.Profiles {
		if created := world.Profiles[i].CreationTimestamp; !created.Before(&p.CreationTimestamp) {
			p.CreationTimestamp = metav1.NewTime(created.Add(time.Second))
		}
	}
	world.Profiles = append(slices.Clone(world.Profiles), *p)
	rendered := offline.Render(&world, p.Name)
	if invalid := rendered.Profiles[p.Name].Invalid; len(invalid) > 0 {
		return nil, fmt.Errorf("what is suggested would not compile, which is a bug: %w", invalid.ToAggregate())
	}
	return rendered.Cluster(nil)
}

// check judges all observed flows. Dependencies on a Service that do not allow what they are for are widened, and it is
// to be composed again.
func (c *composer) check(out *Suggestion) (widened bool, err error) {
	judge, err := c.judge(out.Profile)
	if err != nil {
		return false, err
	}
	for i := range c.seen {
		f := &c.seen[i]
		explained := judge.Explain(f.judged)
		if explained.Verdict().Allowed() {
			continue
		}
		k := c.keyOf(f)
		if service, _, ok := c.serviceOf(f); ok && !c.wide[key{k.from, k.to, service}] {
			c.wide[key{k.from, k.to, service}] = true
			widened = true
			continue
		}
		out.Unmet = append(out.Unmet, Unmet{f.flow, c.whyNot(k, explained)})
	}
	return widened, nil
}

func (c *composer) whyNot(k key, explained reach.Explanation) string {
	for _, s := range []side{k.from, k.to} {
		if s.profile != "" {
			return fmt.Sprintf("tier %s is of profile %s, which has to declare the path from its side, too", s.tier, s.profile)
		}
	}
	for _, side := range []reach.Side{explained.Egress, explained.Ingress} {
		if !side.Allowed() {
			return side.String()
		}
	}
	return ""
}

// compare sorts dependencies by who calls whom.
func (k key) compare(other key) int {
	return cmp.Or(k.from.compare(other.from), k.to.compare(other.to), strings.Compare(k.service, other.service))
}

func (s side) compare(other side) int {
	return cmp.Or(strings.Compare(s.tier, other.tier), strings.Compare(s.profile, other.profile),
		strings.Compare(s.peer, other.peer), strings.Compare(s.pods, other.pods))
}
