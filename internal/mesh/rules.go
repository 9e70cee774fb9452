package mesh

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// The most rules that a policy, and sources that a rule may have, by the CustomResourceDefinition.
const (
	maxRules   = 512
	maxSources = 512
)

// opening is what one rule opens.
type opening struct {
	// order places the rule among the others.
	order     string
	from      []From
	ports     []int32
	everyPort bool
}

// rulesOf joins openings to the same sources, and sorts them.
func rulesOf(openings []opening) []Rule {
	bySources := map[string]*opening{}
	var keys []string
	for i := range openings {
		o := &openings[i]
		if len(o.from) == 0 {
			continue
		}
		key := render.Key(o.from)
		known := bySources[key]
		if known == nil {
			bySources[key] = &opening{order: o.order, from: o.from, ports: slices.Clone(o.ports), everyPort: o.everyPort}
			keys = append(keys, key)
			continue
		}
		known.order, known.everyPort = min(known.order, o.order), known.everyPort || o.everyPort
		known.ports = append(known.ports, o.ports...)
	}
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(cmp.Compare(bySources[a].order, bySources[b].order), cmp.Compare(a, b))
	})
	var out []Rule
	for _, key := range keys {
		out = append(out, bySources[key].rules()...)
	}
	return out
}

// rules are the rules of an opening: one, unless it has too many sources.
func (o *opening) rules() []Rule {
	var to []To
	if !o.everyPort {
		to = []To{{Operation: Operation{Ports: portTexts(o.ports)}}}
	}
	var out []Rule
	for from := range slices.Chunk(o.from, maxSources) {
		out = append(out, Rule{From: from, To: to})
	}
	return out
}

func portTexts(ports []int32) []string {
	slices.Sort(ports)
	ports = slices.Compact(ports)
	out := make([]string, 0, len(ports))
	for _, port := range ports {
		out = append(out, strconv.Itoa(int(port)))
	}
	return out
}

// fit leaves out the last rules of a policy that the API server would not store.
func (r *renderer) fit(policy *AuthorizationPolicy) {
	had := len(policy.Spec.Rules)
	if had > maxRules {
		policy.Spec.Rules = policy.Spec.Rules[:maxRules]
	}
	for size := sizeOf(policy); size > render.MaxBytes; size = sizeOf(policy) {
		// At least one less, and as many as the excess is likely to be.
		kept := len(policy.Spec.Rules) * render.MaxBytes / size
		policy.Spec.Rules = policy.Spec.Rules[:min(kept, len(policy.Spec.Rules)-1)]
	}
	if left := had - len(policy.Spec.Rules); left > 0 {
		r.findf(v1alpha1.ReasonMeshAdmitsLess, r.namespace, "the AuthorizationPolicy %s would be too large, and %d of its %d rules are "+
			"left out; declare fewer peers or service accounts, or split tiers with many namespaces", policy.Name, left, had)
	}
}

func sizeOf(policy *AuthorizationPolicy) int {
	raw, err := json.Marshal(policy)
	if err != nil {
		panic("a policy that was rendered can be marshalled: " + err.Error()) // It holds strings only.
	}
	return len(raw)
}

func (r *renderer) findMoref(format string, args ...any) {
	r.findf(v1alpha1.ReasonMeshAdmitsMore, "", format, args...)
}

func (r *renderer) findLessf(format string, args ...any) {
	r.findf(v1alpha1.ReasonMeshAdmitsLess, "", format, args...)
}

// findf takes note of a finding, once.
func (r *renderer) findf(reason, namespace, format string, args ...any) {
	f := plan.Finding{Reason: reason, Namespace: namespace, Message: fmt.Sprintf(format, args...)}
	if !r.found[f] {
		r.found[f] = true
		r.findings = append(r.findings, f)
	}
}
