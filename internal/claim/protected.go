package claim

import (
	"fmt"
	"path"
	"strings"
)

// DefaultProtected are the namespaces that no profile may claim unless the operator is told
// otherwise: those that Kubernetes itself creates for the system.
const DefaultProtected = "kube-system,kube-public,kube-node-lease"

// Protected is a list of namespaces that no profile may claim. An entry is a name or a
// pattern such as openshift-*, with the wildcards of path.Match.
type Protected []string

// ParseProtected reads a list of entries separated by commas. Blanks around entries mean nothing, nor do empty ones.
func ParseProtected(list string) Protected {
	var out Protected
	for entry := range strings.SplitSeq(list, ",") {
		if entry = strings.TrimSpace(entry); entry != "" {
			out = append(out, entry)
		}
	}
	return out
}

// Has tells whether the namespace is protected.
func (p Protected) Has(namespace string) bool {
	for _, pattern := range p {
		if matched, err := path.Match(pattern, namespace); err == nil && matched {
			return true
		}
	}
	return false
}

// Validate tells which pattern cannot be read, if there is one. Has takes such a
// pattern to match nothing, so it must be refused where it enters.
func (p Protected) Validate() error {
	for _, pattern := range p {
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("the pattern %q for protected namespaces cannot be read: %w", pattern, err)
		}
	}
	return nil
}
