package suggest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/observed"
	"github.com/segmentation-dev/segmentation-operator/internal/offline"
)

// Options say what a profile is suggested for.
type Options struct {
	// Name is the name of the profile. One of the same name that is there is not looked at.
	Name string
	// Select chooses the namespaces that become tiers; nil for all that no profile has.
	Select labels.Selector
	// GroupBy are the keys of the labels by which namespaces are grouped; none if they are to be found.
	GroupBy []string
	// Peers are namespaces that are not to become tiers, but stay outside.
	Peers []string
	// Flows are flows that were observed.
	Flows []observed.Flow
	// ObservedOnly leaves out all that no flow shows.
	ObservedOnly bool
}

// Suggestion is a first profile.
type Suggestion struct {
	// Profile is the profile. It is in Preview: it is looked at before it is enforced.
	Profile *v1alpha1.SegmentationProfile
	// About says what it is made from.
	About []Remark
	// Tiers, Peers and Dependencies are what is said of each, by its name.
	Tiers, Peers, Dependencies map[v1alpha1.Name][]Remark
	// Asks are Services in the tiers of which no caller is known, as namespace/name with what they are called on.
	Asks []string
	// Unmet are observed flows that it does not allow, and why.
	Unmet []Unmet
}

// Remark is something said of a part of a suggestion.
type Remark struct {
	// Guess is set if it was guessed, and is to be confirmed.
	Guess bool `json:"guess"`
	// Text says it.
	Text string `json:"text"`
}

// Unmet is an observed flow that a suggestion does not allow.
type Unmet struct {
	// Flow is the flow.
	Flow observed.Flow
	// Why says why it is not allowed, and what to do.
	Why string
}

// From suggests a profile for a world. An error says what to choose differently.
func From(w *offline.World, o Options) (*Suggestion, error) {
	s := newSuggester(w, o)
	for _, name := range o.Peers {
		if s.cluster.namespaces[name] == nil {
			return nil, fmt.Errorf("there is no namespace %s, which is to be a peer", name)
		}
	}
	if err := s.group(); err != nil {
		return nil, err
	}
	if err := s.findFlows(); err != nil {
		return nil, err
	}
	if !o.ObservedOnly {
		s.readPolicies()
		s.readServices()
	}
	out, err := s.compose()
	if err != nil {
		return nil, err
	}
	out.Asks = s.uncalled(out.Profile)
	slices.SortStableFunc(out.Unmet, func(a, b Unmet) int { return strings.Compare(a.Flow.String(), b.Flow.String()) })
	return out, nil
}

// suggester has what a suggestion is made from.
type suggester struct {
	world *offline.World
	Options

	cluster *index
	names   *namer
	tiers   []tier
	// tierOf are the tiers of namespaces, by their place in tiers.
	tierOf map[string]int
	// otherOf are the profile and tier of namespaces that another profile has.
	otherOf map[string]side
	// inside are the tiers in whose namespaces pods were seen to reach each other.
	inside map[int]bool
	about  []Remark
	// skipped are the policies of which something is not taken over, by the reason.
	skipped map[string][]string
	// seen are the observed flows that need a dependency, and unmet those that cannot have one.
	seen  []seen
	unmet []Unmet
	// wishes are what policies and Services ask for, and outsiders the peers among them, by their keys.
	wishes    []wish
	outsiders map[string]outsider
}

func byName(a, b metav1.Object) int {
	return cmp.Or(strings.Compare(a.GetNamespace(), b.GetNamespace()), strings.Compare(a.GetName(), b.GetName()))
}

func newSuggester(w *offline.World, o Options) *suggester {
	world := *w
	// What is suggested does not depend on the order of what there is.
	world.Pods, world.Policies = slices.Clone(w.Pods), slices.Clone(w.Policies)
	slices.SortFunc(world.Pods, func(a, b corev1.Pod) int { return byName(&a, &b) })
	slices.SortFunc(world.Policies, func(a, b networkingv1.NetworkPolicy) int { return byName(&a, &b) })
	world.Profiles = slices.DeleteFunc(slices.Clone(w.Profiles), func(p v1alpha1.SegmentationProfile) bool { return p.Name == o.Name })
	return &suggester{
		world: &world, Options: o, cluster: newIndex(&world), names: newNamer(), tierOf: map[string]int{}, otherOf: map[string]side{},
		inside: map[int]bool{}, outsiders: map[string]outsider{}, skipped: map[string][]string{},
	}
}
