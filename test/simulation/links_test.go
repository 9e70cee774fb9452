package simulation

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// answering is how many of four paths that another profile declares are declared from this side, too.
const answering = 3

// drawLinks draws dependencies on tiers of other profiles: answers to theirs, most often the same as it looks from
// this side, and some of the profile's own, which may have no answer.
func drawLinks(
	t *rapid.T, name string, tiers []string, there map[string]*v1alpha1.SegmentationProfile, others []string,
) []v1alpha1.Dependency {
	var out []v1alpha1.Dependency
	for _, other := range others {
		if other == name {
			continue
		}
		if p := there[other]; p != nil {
			out = append(out, drawAnswers(t, name, tiers, p)...)
		}
		for range rapid.IntRange(0, 2).Draw(t, "links to "+other) {
			out = append(out, drawLink(t, tiers, other))
		}
	}
	for i := range out {
		out[i].Name, out[i].Access = v1alpha1.Name(fmt.Sprint("x", i+1)), nil
	}
	return out
}

// drawAnswers draws which paths that another profile declares this one declares, too.
func drawAnswers(t *rapid.T, name string, tiers []string, other *v1alpha1.SegmentationProfile) []v1alpha1.Dependency {
	var out []v1alpha1.Dependency
	for i := range other.Spec.Dependencies {
		d, asked := mirrored(other.Name, name, tiers, &other.Spec.Dependencies[i])
		if !asked || rapid.IntRange(0, 3).Draw(t, "answer") >= answering {
			continue
		}
		if rapid.IntRange(0, 7).Draw(t, "uneven") == 0 {
			d.Ports = drawPorts(t, true)
		}
		out = append(out, d)
	}
	return out
}

// drawLink draws a path between a tier of the profile, or all of them, and one of another profile. Tiers have the same few
// names in all profiles.
func drawLink(t *rapid.T, tiers []string, other string) v1alpha1.Dependency {
	near, far := drawEnd(t, tiers, false), drawEnd(t, []string{"t1", "t2", "t3"}, false)
	if far.AllTiers {
		far.AllTiers, far.Tier = false, "t1"
	}
	far.Profile = v1alpha1.Name(other)
	d := v1alpha1.Dependency{From: near, To: far, Ports: drawPorts(t, true)}
	if rapid.Bool().Draw(t, "calls") {
		d.From, d.To = far, near
	}
	return d
}

// mirrored is a path that another profile declares as it looks from this side, if it is one to a tier of this profile.
// All tiers of the other profile cannot be named: one is.
func mirrored(other, name string, tiers []string, of *v1alpha1.Dependency) (d v1alpha1.Dependency, asked bool) {
	d = *of.DeepCopy()
	far, near := &d.From, &d.To
	if string(far.Profile) == name {
		far, near = near, far
	}
	if string(near.Profile) != name || !slices.Contains(tiers, string(near.Tier)) || far.Peer != "" || far.Service != "" {
		return d, false
	}
	near.Profile, far.Profile = "", v1alpha1.Name(other)
	if far.AllTiers {
		far.AllTiers, far.Tier = false, "t1"
	}
	return d, true
}
