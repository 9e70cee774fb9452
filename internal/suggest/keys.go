package suggest

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// telling are the last parts of the keys of labels that people use to say what a namespace is for. The first says most.
func telling() []string {
	return []string{"tier", "layer", "component", "role", "team", "part-of", "app", "name", "environment", "env", "stage"}
}

// isTelling tells how much the key of a label says: the less the better; none if it is none of those.
func isTelling(key string) int {
	return slices.Index(telling(), key[strings.LastIndex(key, "/")+1:])
}

const none = -1

// isMachines tells whether a label is for programs, and says nothing of what a namespace is for.
func isMachines(key string) bool {
	prefix, name, hasPrefix := strings.Cut(key, "/")
	if !hasPrefix {
		return key == "istio-injection" || key == "control-plane"
	}
	if prefix == "app.kubernetes.io" {
		return name == "managed-by" || name == "instance" || name == "version"
	}
	for _, owner := range []string{
		"kubernetes.io", "k8s.io", v1alpha1.GroupName, "argoproj.io", "helm.sh", "fluxcd.io",
		"istio.io", "linkerd.io", "cattle.io", "openshift.io",
	} {
		if prefix == owner || strings.HasSuffix(prefix, "."+owner) {
			return true
		}
	}
	return false
}

// candidate is the key of a label by which namespaces may be grouped.
type candidate struct {
	key string
	// has is how many namespaces have the label, and values how many values it has.
	has, values int
}

// groupingKeys finds the keys of labels by which to group namespaces, those that say most first: labels that at least
// half of them have, in which they differ, and that do not tell each of them from all others, unless people use the label
// to say what a namespace is for.
func groupingKeys(namespaces []*corev1.Namespace) []candidate {
	values := map[string]map[string]int{}
	for _, n := range namespaces {
		for key, value := range n.Labels {
			if values[key] == nil {
				values[key] = map[string]int{}
			}
			values[key][value]++
		}
	}
	var out []candidate
	for key, of := range values {
		c := candidate{key: key, values: len(of)}
		for _, count := range of {
			c.has += count
		}
		groups := c.values <= c.has/2 || isTelling(key) != none
		differs := c.values > 1 || c.has < len(namespaces)
		if !isMachines(key) && differs && c.has*2 >= len(namespaces) && groups {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(rank(a.key), rank(b.key)), cmp.Compare(a.key, b.key))
	})
	return out
}

// rank sorts keys that say most first.
func rank(key string) int {
	if at := isTelling(key); at != none {
		return at
	}
	return len(telling())
}
