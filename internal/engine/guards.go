package engine

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/version"
)

// Guards tells what the engine makes of ClusterNetworkPolicies, and in words, as the end of a sentence that its name begins.
// Where it enforces them from some version on, a version that is not known is not taken to be a new one: what depends on
// it is that others cannot open anything.
func (f Found) Guards() (reading Reading, what string) {
	if !f.IsKnown() {
		return Unread, ""
	}
	cell := Of(f.Name, ClusterNetworkPolicy)
	if cell.Reading != Enforced || cell.Since == "" {
		return cell.at(f.Version)
	}
	switch have, err := version.ParseGeneric(f.Version); {
	case err != nil:
		return Optional, fmt.Sprintf("enforces them from version %s on, and its version is not known (--%s=%s@%s says it)",
			cell.Since, Flag, f.Name, cell.Since)
	case have.LessThan(version.MustParseGeneric(cell.Since)):
		return Ignored, fmt.Sprintf("enforces them from version %s on only", cell.Since)
	}
	return Enforced, ""
}

// WithoutGuards says that the engine is known, and not to enforce ClusterNetworkPolicies; empty if it may.
func (f Found) WithoutGuards() string {
	reading, what := f.Guards()
	if !f.IsKnown() || reading == Enforced {
		return ""
	}
	if what == "" {
		what = "does not know ClusterNetworkPolicies"
	}
	return f.String() + " " + what
}
