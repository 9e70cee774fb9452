package chart

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// story is what some values change, compared with what is rendered without them: all of it.
type story struct {
	values string
	// instead are the values that it is compared with, where these are not none.
	instead string
	want    []string
	// everywhere is what changes in every object.
	everywhere string
}

const (
	deployment = "Deployment segmentation-system segmentation-operator: "
	pods       = deployment + "spec.template."
	container  = pods + "spec.containers[0]."
	admission  = "ValidatingAdmissionPolicy segmentation-operator-pod-admission: spec."
	digest     = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

func TestWhatValuesChange(t *testing.T) {
	for name, c := range stories() {
		t.Run(name, func(t *testing.T) {
			before, after := render(t, c.instead), render(t, c.values)
			want := c.want
			for key := range before {
				if c.everywhere != "" {
					want = append(want, key+": "+c.everywhere)
				}
			}
			slices.Sort(want)
			if diff := cmp.Diff(want, difference(before, after)); diff != "" {
				t.Errorf("%s changes (-want +got):\n%s", c.values, diff)
			}
		})
	}
}

// TestEveryValueHasAStory keeps the table above as long as the values are many.
func TestEveryValueHasAStory(t *testing.T) {
	told := map[string]bool{}
	for _, c := range stories() {
		for path := range fields(parse(t, c.values)) {
			told[path] = true
		}
	}
	for _, path := range settable(t) {
		if !slices.ContainsFunc(sortedKeys(told), func(set string) bool {
			return set == path || strings.HasPrefix(set, path+".") || strings.HasPrefix(set, path+"[")
		}) {
			t.Errorf("no story tells what %s changes", path)
		}
	}
}

// TestProtectedNamespacesAreTheOperatorsDefault: the chart adds to what the operator would protect without the flag.
func TestProtectedNamespacesAreTheOperatorsDefault(t *testing.T) {
	want := container + "args[3] = --protected-namespaces=" + claim.DefaultProtected + ",vault"
	got := difference(render(t, ""), render(t, "protectedNamespaces: [vault]"))
	if !slices.Contains(got, want) {
		t.Errorf("want %s, got\n%s", want, strings.Join(got, "\n"))
	}
}

// TestPatternsMeanTheSame: a namespace that the operator protects by a pattern is one that strict admission leaves alone.
func TestPatternsMeanTheSame(t *testing.T) {
	patterns := claim.Protected{"openshift-*", "team-?", "*-system", "a?c*"}
	rendered := render(t, "protectedNamespaces: ['"+strings.Join(patterns, "', '")+"']")
	all := fields(rendered["ValidatingAdmissionPolicy segmentation-operator-pod-admission"].Object)
	expression, is := strings.CutPrefix(all["spec.matchConditions[1].expression"], "!request.namespace.matches('")
	if !is {
		t.Fatalf("no pattern in %v", all)
	}
	condition := must(regexp.Compile(strings.TrimSuffix(expression, "')")))(t)
	for _, namespace := range []string{
		"openshift-", "openshift-x", "openshift", "my-openshift-x", "team-1", "team-12", "team-", "x-system", "system", "abc", "abcd", "ac",
	} {
		if got, want := condition.MatchString(namespace), patterns.Has(namespace); got != want {
			t.Errorf("%s: the operator protects it: %v, admission leaves it alone: %v", namespace, want, got)
		}
	}
}

// TestNotes has what Helm prints name the namespace, and warn where there are no admission policies.
func TestNotes(t *testing.T) {
	const warning = "There are no admission policies"
	for values, warns := range map[string]bool{"": false, "admission: {enabled: false}": true} {
		notes := must(try(checkout(t), "net-policies", parse(t, values)))(t).Info.Notes
		if strings.Contains(notes, warning) != warns {
			t.Errorf("with values %q the notes are\n%s", values, notes)
		}
		if strings.Contains(notes, deploy.Namespace) || !strings.Contains(notes, "label namespace net-policies") {
			t.Errorf("the notes name another namespace than the release's:\n%s", notes)
		}
	}
}
