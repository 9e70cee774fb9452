package cli

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/suggest"
)

// suggestedProfile is a profile as a person writes it: without status, and without what is the default.
type suggestedProfile struct {
	APIVersion string                           `json:"apiVersion"`
	Kind       string                           `json:"kind"`
	Metadata   map[string]string                `json:"metadata"`
	Spec       v1alpha1.SegmentationProfileSpec `json:"spec"`
}

func suggestedOf(p *v1alpha1.SegmentationProfile) suggestedProfile {
	spec := p.Spec.DeepCopy()
	for i := range spec.Dependencies {
		for j := range spec.Dependencies[i].Ports {
			if port := &spec.Dependencies[i].Ports[j]; port.Protocol == corev1.ProtocolTCP {
				port.Protocol = ""
			}
		}
	}
	return suggestedProfile{p.APIVersion, p.Kind, map[string]string{"name": p.Name}, *spec}
}

// jsonSuggestion is a suggestion for machines.
type jsonSuggestion struct {
	Profile suggestedProfile `json:"profile"`
	// Remarks are by what they are about, such as dependencies/web-api.
	Remarks map[string][]suggest.Remark `json:"remarks"`
	// NoCallerKnown are Services in tiers that nothing leads to.
	NoCallerKnown []string `json:"noCallerKnown"`
	// NotAllowed are observed flows that the profile does not allow.
	NotAllowed []jsonUnmet `json:"notAllowed"`
	Unread     []string    `json:"unread"`
}

type jsonUnmet struct {
	Flow string `json:"flow"`
	Why  string `json:"why"`
}

func suggestionJSON(s *suggest.Suggestion, unread []string) jsonSuggestion {
	out := jsonSuggestion{
		Profile: suggestedOf(s.Profile), Remarks: map[string][]suggest.Remark{"profile": s.About},
		NoCallerKnown: orEmpty(s.Asks), NotAllowed: []jsonUnmet{}, Unread: orEmpty(unread),
	}
	for part, of := range partsOf(s) {
		for name, remarks := range of {
			if len(remarks) > 0 {
				out.Remarks[part+"/"+string(name)] = remarks
			}
		}
	}
	for _, u := range s.Unmet {
		out.NotAllowed = append(out.NotAllowed, jsonUnmet{u.Flow.String(), u.Why})
	}
	return out
}

func partsOf(s *suggest.Suggestion) map[string]map[v1alpha1.Name][]suggest.Remark {
	return map[string]map[v1alpha1.Name][]suggest.Remark{"tiers": s.Tiers, "peers": s.Peers, "dependencies": s.Dependencies}
}

// suggestionYAML is a suggestion for a person: a profile with remarks as comments.
func suggestionYAML(s *suggest.Suggestion, unread []string) ([]byte, error) {
	raw, err := sigsyaml.Marshal(suggestedOf(s.Profile))
	if err != nil {
		return nil, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		return nil, err
	}
	profile := doc.Content[0]
	profile.HeadComment = comment(append(s.About, unreadRemarks(unread)...)) + "\n" +
		"# The profile is in Preview, and changes nothing. Look at what it would do with kubectl segmentation plan, settle what is\n" +
		"# marked as a guess, and set mode to Enforce."
	spec := field(profile, "spec")
	for part, of := range partsOf(s) {
		list := field(spec, part)
		if list == nil {
			continue
		}
		for _, item := range list.Content {
			item.HeadComment = comment(of[v1alpha1.Name(field(item, "name").Value)])
			flow(item)
		}
	}
	sortFields(spec, "mode", "dns", "tiers", "peers", "dependencies")
	if len(s.Asks) > 0 {
		profile.FootComment = asksText(s.Asks)
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&doc); err != nil {
		return nil, err
	}
	return out.Bytes(), encoder.Close()
}

// field is the value of a field of a mapping, or nil.
func field(mapping *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// flow writes what is in an item on a line each.
func flow(item *yaml.Node) {
	sortFields(item, "name", "namespaces", "pods", "from", "to", "ports")
	for i := 0; i+1 < len(item.Content); i += 2 {
		if value := item.Content[i+1]; value.Kind != yaml.ScalarNode {
			value.Style = yaml.FlowStyle
			sortFields(value, "tier", "allTiers", "peer", "profile", "service", "pods")
		}
	}
}

// sortFields puts fields first that are to be read first.
func sortFields(mapping *yaml.Node, first ...string) {
	if mapping.Kind != yaml.MappingNode {
		return
	}
	fields := slices.Collect(slices.Chunk(mapping.Content, 2))
	rank := func(field []*yaml.Node) int {
		if at := slices.Index(first, field[0].Value); at >= 0 {
			return at
		}
		return len(first)
	}
	slices.SortStableFunc(fields, func(a, b []*yaml.Node) int { return rank(a) - rank(b) })
	mapping.Content = slices.Concat(fields...)
}

func unreadRemarks(unread []string) []suggest.Remark {
	out := make([]suggest.Remark, 0, len(unread))
	for _, what := range unread {
		out = append(out, suggest.Remark{Guess: true, Text: "not read: " + what})
	}
	return out
}

// comment is remarks as a comment.
func comment(remarks []suggest.Remark) string {
	lines := make([]string, 0, len(remarks))
	for _, r := range remarks {
		text := r.Text
		if r.Guess {
			text = "guess: " + text
		}
		lines = append(lines, "# "+text)
	}
	return strings.Join(lines, "\n")
}

// shownAsks is how many Services without a known caller are listed before the rest is counted.
const shownAsks = 20

func asksText(asks []string) string {
	lines := []string{"# Nobody is known to call these Services; declare who does:"}
	for _, ask := range asks[:min(len(asks), shownAsks)] {
		lines = append(lines, "# - "+ask)
	}
	if more := len(asks) - shownAsks; more > 0 {
		lines = append(lines, fmt.Sprintf("# and %d more (-o json lists all)", more))
	}
	return strings.Join(lines, "\n")
}
