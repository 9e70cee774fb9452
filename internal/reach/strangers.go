package reach

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// Strangers are one namespace for each kind of namespaces that the selectors in some policies tell apart. Together they
// stand for every namespace that could exist beside one.
type Strangers struct {
	// Namespaces are the namespaces. Their names are made up; their labels are such that the same selectors match.
	Namespaces []Namespace

	// inPlay are the values that selectors name, by key.
	inPlay map[string]sets.Set[string]
	// byName are what is known of each of them.
	byName map[string][]literal
}

// NewStrangers makes strangers for policies that are in one namespace, of this name. It fails if there would be more of
// them than the limit.
func NewStrangers(policies []*networkingv1.NetworkPolicy, beside string, limit int) (*Strangers, error) {
	return NewTieredStrangers(policies, nil, beside, limit)
}

// NewTieredStrangers makes strangers that selectors in ClusterNetworkPolicies tell apart too.
func NewTieredStrangers(
	policies []*networkingv1.NetworkPolicy, clusterPolicies []*policyv1alpha2.ClusterNetworkPolicy, beside string, limit int,
) (*Strangers, error) {
	parser := newParser()
	for _, p := range policies {
		if _, err := parser.spec(&p.Spec); err != nil {
			return nil, fmt.Errorf("policy %s: %w", p.Name, err)
		}
	}
	if _, err := parser.guards(clusterPolicies); err != nil {
		return nil, err
	}
	var selectors []labels.Requirements
	for _, s := range parser.namespaces.list {
		if len(s.requirements) > 0 {
			selectors = append(selectors, s.requirements)
		}
	}
	kinds, count := kindsOf(selectors, limit)
	if kinds == nil {
		return nil, fmt.Errorf("selectors tell more than %d kinds of namespaces apart: %d or more", limit, count)
	}
	s := &Strangers{inPlay: map[string]sets.Set[string]{}, byName: map[string][]literal{}}
	s.putInPlay(selectors)
	sorter, seen := newSorter(parser.namespaces.list), sets.New[string]()
	for _, kind := range kinds {
		if name, named := kind[corev1.LabelMetadataName]; !named || name == beside {
			// Every namespace has the label, and no other one has this name.
			kind = labels.Merge(kind, labels.Set{corev1.LabelMetadataName: s.otherName(beside)})
		}
		if key := sorter.matching(kind).key(); !seen.Has(key) {
			seen.Insert(key)
			s.add(kind)
		}
	}
	return s, nil
}

// putInPlay takes note of the values that selectors name.
func (s *Strangers) putInPlay(selectors []labels.Requirements) {
	for _, key := range keys(selectors) {
		values := valuesInPlay(selectors, key)
		s.inPlay[key] = sets.New(values[:len(values)-1]...)
	}
}

// add adds a kind under a name that no namespace can have.
func (s *Strangers) add(kind labels.Set) {
	name := fmt.Sprintf("(%d)", len(s.Namespaces))
	s.Namespaces = append(s.Namespaces, Namespace{Name: name, Labels: kind})
	s.byName[name] = s.literals(kind)
}

// otherName is the name of a namespace that no selector names.
func (s *Strangers) otherName(beside string) string {
	name := "other"
	for s.inPlay[corev1.LabelMetadataName].Has(name) || name == beside {
		name += "-other"
	}
	return name
}

// literal is what is known of one label of a kind: its value, or that it is none of those that selectors name.
type literal struct {
	key, value string
	// profile is set for the tier of a profile, which is one thing.
	profile string
	// other is set for a label with a value that no selector names, and missing for none.
	other, missing bool
}

// maxWords is how many groups of namespaces are told in words.
const maxWords = 16

// Words says in few words which namespaces some of the strangers are.
func (s *Strangers) Words(names []string) []string {
	if len(names) == len(s.Namespaces) {
		return []string{"every other namespace"}
	}
	chosen := sets.New(names...)
	var out []string
	for covered := sets.New[string](); covered.Len() < chosen.Len(); {
		if len(out) == maxWords {
			return append(out, "others")
		}
		i := slices.IndexFunc(names, func(name string) bool { return !covered.Has(name) })
		term := s.general(s.byName[names[i]], chosen)
		for _, name := range names {
			if s.fits(name, term) {
				covered.Insert(name)
			}
		}
		out = append(out, words(term))
	}
	return out
}

// literals are those of a kind. Of the name only a value that selectors name says something.
func (s *Strangers) literals(kind labels.Set) []literal {
	var out []literal
	profile, tier := kind[v1alpha1.ProfileLabel], kind[v1alpha1.TierLabel]
	isTier := s.inPlay[v1alpha1.ProfileLabel].Has(profile) && s.inPlay[v1alpha1.TierLabel].Has(tier)
	if isTier {
		out = append(out, literal{key: v1alpha1.TierLabel, value: tier, profile: profile})
	}
	for _, key := range slices.Sorted(maps.Keys(s.inPlay)) {
		if isTier && (key == v1alpha1.ProfileLabel || key == v1alpha1.TierLabel) {
			continue
		}
		value, has := kind[key]
		out = append(out, literal{key: key, value: value, missing: !has, other: has && !s.inPlay[key].Has(value)})
	}
	return out
}

// general leaves out what need not be said: what is missing first.
func (s *Strangers) general(term []literal, chosen sets.Set[string]) []literal {
	term = slices.Clone(term)
	slices.SortStableFunc(term, func(a, b literal) int { return compareBool(b.missing || b.other, a.missing || a.other) })
	for i := 0; i < len(term); {
		fewer := slices.Delete(slices.Clone(term), i, i+1)
		if s.isAmong(fewer, chosen) {
			term = fewer
			continue
		}
		i++
	}
	return term
}

// isAmong tells whether all that fits is chosen.
func (s *Strangers) isAmong(term []literal, chosen sets.Set[string]) bool {
	return !slices.ContainsFunc(s.Namespaces, func(n Namespace) bool { return !chosen.Has(n.Name) && s.fits(n.Name, term) })
}

func (s *Strangers) fits(name string, term []literal) bool {
	have := s.byName[name]
	return !slices.ContainsFunc(term, func(l literal) bool { return !slices.Contains(have, l) })
}

// words says what fits.
func words(term []literal) string {
	subject, in, outside := "namespaces", "", ""
	var with, without []string
	for _, l := range term {
		switch {
		case l.profile != "":
			in = fmt.Sprintf("tier %s of profile %s", l.value, l.profile)
		case l.missing && (l.key == v1alpha1.ProfileLabel || l.key == v1alpha1.TierLabel):
			outside = " outside of these tiers"
		case l.missing:
			without = append(without, l.key)
		case l.key == corev1.LabelMetadataName && !l.other:
			subject = "namespace " + l.value
		default:
			with = append(with, l.valueText())
		}
	}
	if in != "" {
		subject = strings.TrimPrefix(subject+" in "+in, "namespaces in ")
	}
	return subject + outside + listed(" with ", with) + listed(" without ", without)
}

func (l *literal) valueText() string {
	switch {
	case l.other && l.key == corev1.LabelMetadataName:
		return "another name"
	case l.other:
		return "another " + l.key
	default:
		return l.key + "=" + l.value
	}
}

func listed(word string, list []string) string {
	if len(list) == 0 {
		return ""
	}
	return word + strings.Join(list, ", ")
}
