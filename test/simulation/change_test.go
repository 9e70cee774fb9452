package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/apply"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// late is a namespace that is created on the way, if it is in the world at all. The judge knows all
// namespaces from the start, as ones without policies, but flows from and to one that is not there are
// not judged: it has no pods. Some tiers choose this one by its name.
const late = "n5"

func drawLate(t *rapid.T) []string {
	if rapid.IntRange(0, 3).Draw(t, "late") == 0 {
		return []string{late}
	}
	return nil
}

// prepareInterruption draws whether another change is made on the way, and when. If all is done
// before, it is not made.
func (s *simulated) prepareInterruption() {
	s.machine.interruptAt = -1
	if s.undisturbed {
		return
	}
	if rapid.IntRange(0, 2).Draw(s.t, "interruption") > 0 {
		return
	}
	s.machine.interruptAt = s.machine.writes + rapid.IntRange(0, 12).Draw(s.t, "interruption after")
	s.machine.interrupt = func() {
		s.totals.interrupted++
		s.want(s.store)
		s.found()
		var text string
		s.machine.watch(func() { text = s.drawChange() })
		s.lookAtAll()
		s.found()
		if s.relabelled = strings.HasPrefix(text, "relabel"); s.relabelled {
			s.wanted = append(s.wanted, s.tracker.Flows())
		}
		s.record(text + "\n" + s.declared())
	}
}

// prepareRefusals draws a namespace in which some writes are refused. Others do not wait for it then,
// so nothing is promised of flows from and to it.
func (s *simulated) prepareRefusals() {
	s.machine.refused = map[string]int{}
	if rapid.IntRange(0, 9).Draw(s.t, "refusals") > 0 {
		return
	}
	s.totals.refusals++
	name := rapid.SampledFrom(s.store.cluster()).Draw(s.t, "refused in")
	s.machine.refused[name] = rapid.IntRange(1, 8).Draw(s.t, "refused")
	s.exempt = append(s.exempt, name)
}

// drawChange makes a change that is not the operator's, and says which.
func (s *simulated) drawChange() string {
	names := slices.Sorted(maps.Keys(s.store.profiles))
	kinds := []string{"put", "relabel", "invalid", "preview", "deleting", "delete", "create", "remove", "forge", "unprotect", "services"}
	kind := rapid.SampledFrom(kinds).Draw(s.t, "interruption by")
	if len(names) == 0 {
		names, kind = s.profiles[:1], "put"
	}
	name := rapid.SampledFrom(names).Draw(s.t, "interrupted")
	switch kind {
	case "put":
		s.putProfile(name, s.created(name))
	case "relabel":
		return kind + fmt.Sprint(s.relabelOneByOne())
	case "invalid":
		s.spoil(name, func(p *v1alpha1.SegmentationProfile) {
			p.Spec.Dependencies = append(p.Spec.Dependencies,
				builders.MakeDependency("broken").FromTier("nowhere").ToTier(string(p.Spec.Tiers[0].Name)).Obj())
		})
	case "preview":
		s.spoil(name, func(p *v1alpha1.SegmentationProfile) { p.Spec.Mode = v1alpha1.ModePreview })
	case "deleting":
		s.store.beginDeletion(name, rapid.Bool().Draw(s.t, "unmarked"))
	case "delete":
		s.deleteProfile(name)
	case "create":
		return kind + s.create()
	case "services":
		return kind + s.changeServices()
	case "forge":
		return kind + s.forge()
	case "unprotect":
		return kind + s.unprotect()
	default:
		return kind + s.remove()
	}
	return kind + " " + name
}

func (s *simulated) created(profile string) time.Time {
	if p := s.store.profiles[profile]; p != nil {
		return p.CreationTimestamp.Time
	}
	return epoch
}

// spoil changes a profile so that what it has is held; one that is being deleted stays as it is.
func (s *simulated) spoil(name string, change func(*v1alpha1.SegmentationProfile)) {
	p := s.store.profiles[name].DeepCopy()
	if p.DeletionTimestamp == nil {
		change(p)
		s.store.putProfile(p)
	}
}

// deleteProfile deletes a profile in the background. The garbage collector may be late. Until it comes
// the profile's namespaces are held, as those of an orphan are, and that is one more state that was wanted.
func (s *simulated) deleteProfile(name string) {
	delete(s.store.profiles, name)
	if !rapid.Bool().Draw(s.t, "collected later") {
		s.store.collect(name)
		return
	}
	s.want(s.store)
	s.machine.garbage = append(s.machine.garbage, name)
	mark := s.store.objects[home]
	s.store.objects[home] = maps.Clone(mark)
	s.store.collect(name)
	s.want(s.store)
	s.store.objects[home] = mark
}

// relabel draws new labels for some members to be. An operator that starts sees all of them at once.
func (s *simulated) relabel() []string {
	var done []string
	for _, name := range s.members() {
		if rapid.Bool().Draw(s.t, "relabel") {
			layer := drawLayer(s.t)
			s.store.label(name, map[string]string{"layer": layer})
			done = append(done, name+"="+layer)
		}
	}
	return done
}

// relabelOneByOne draws new labels for one or two members to be. For an operator that is there these are
// as many changes, and it learns of them in any order, whatever they come on top of.
func (s *simulated) relabelOneByOne() []string {
	var done []string
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(s.members()), 1, 2, rapid.ID).Draw(s.t, "relabelled") {
		layer := drawLayer(s.t)
		if s.layers[name] == nil {
			s.layers[name] = []string{s.store.namespaces[name].Labels["layer"]}
		}
		s.layers[name] = append(s.layers[name], layer)
		done = append(done, name+"="+layer)
	}
	s.wantAll(slices.Sorted(maps.Keys(s.layers)))
	return done
}

// wantAll takes note of all states in which some namespaces have one of the labels that they had in
// this transition, and leaves them with the last ones.
func (s *simulated) wantAll(names []string) {
	if len(names) == 0 {
		s.want(s.store)
		return
	}
	if s.store.namespaces[names[0]] == nil {
		s.wantAll(names[1:])
		return
	}
	for _, layer := range s.layers[names[0]] {
		s.store.label(names[0], map[string]string{"layer": layer})
		s.wantAll(names[1:])
	}
}

// members are the namespaces that profiles may select.
func (s *simulated) members() []string {
	return slices.DeleteFunc(s.store.cluster(), func(name string) bool { return name == labelled || name == bare })
}

// create creates the late namespace, if there is to be one.
func (s *simulated) create() string {
	if !slices.Contains(s.world.Namespaces, late) || s.store.namespaces[late] != nil {
		return " nothing"
	}
	s.store.addNamespace(late, map[string]string{"layer": drawLayer(s.t)})
	s.drawServices(late)
	// The operator may look at it before it looks at others that got other labels before.
	s.wantAll(slices.Sorted(maps.Keys(s.layers)))
	return " " + late
}

// remove removes a namespace, if it is not the last one. It is gone at once, its pods included.
func (s *simulated) remove() string {
	members := s.members()
	if len(members) < 2 {
		return " nothing"
	}
	name := rapid.SampledFrom(members).Draw(s.t, "removed")
	s.store.removeNamespace(name)
	return " " + name
}

// forge gives a namespace membership labels that are not the operator's to give. Nothing is promised of
// that namespace then, and of all others everything.
func (s *simulated) forge() string {
	s.totals.forged++
	name := rapid.SampledFrom(s.store.cluster()).Draw(s.t, "forged")
	profile := rapid.SampledFrom([]string{"shop", "wiki", "none", ""}).Draw(s.t, "forged profile")
	tier := rapid.SampledFrom([]string{"none", ""}).Draw(s.t, "forged tier")
	if p := s.store.profiles[profile]; p != nil && rapid.Bool().Draw(s.t, "forged well") {
		tier = string(rapid.SampledFrom(p.Spec.Tiers).Draw(s.t, "forged tier").Name)
	}
	s.store.label(name, map[string]string{v1alpha1.ProfileLabel: profile, v1alpha1.TierLabel: tier})
	s.exempt = append(s.exempt, name)
	return fmt.Sprintf(" %s=%s/%s", name, profile, tier)
}

// unprotect removes the operator's policies from a namespace, some or all. Nothing is promised of it.
func (s *simulated) unprotect() string {
	s.totals.forged++
	name := rapid.SampledFrom(s.store.cluster()).Draw(s.t, "unprotected")
	s.exempt = append(s.exempt, name)
	done := []string{"", name}
	for _, p := range s.store.policies(name) {
		if apply.IsManaged(p) && rapid.Bool().Draw(s.t, "removed") {
			s.store.removePolicy(p)
			done = append(done, p.Name)
		}
	}
	return strings.Join(done, " ")
}

// isHeld tells whether a profile holds what it has.
func (s *simulated) isHeld() bool {
	for _, p := range s.store.profiles {
		if c := claimantOf(p); c.Frozen || c.Preview {
			return true
		}
	}
	return false
}
