package engine

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/version"
)

// Flag is the name of the flag that says which engine enforces policies: the same of the operator and the command line.
const Flag = "network-engine"

// Auto is the value of the flag that has the engine found among the pods.
const Auto = "auto"

// Values are what the flag takes.
func Values() []string {
	names := Names()
	out := make([]string, 0, len(names)+1)
	out = append(out, Auto)
	for _, name := range names {
		out = append(out, string(name))
	}
	return out
}

// Parse reads the value of the flag: the name of an engine, with its version after an @ if that matters. What is to be
// found among the pods has no name.
func Parse(value string) (Found, error) {
	if value == "" || value == Auto {
		return Found{}, nil
	}
	text, number, hasVersion := strings.Cut(value, "@")
	found := Found{Name: Name(text), Why: "given by --" + Flag}
	if !IsName(found.Name) {
		return Found{}, fmt.Errorf("unknown engine %q: --%s takes %s, or one of %v, also with its version as in cilium@1.15",
			text, Flag, Auto, Names())
	}
	if !hasVersion {
		return found, nil
	}
	v, err := version.ParseGeneric(number)
	if err != nil {
		return Found{}, fmt.Errorf("--%s=%s: %q is no version; give it as in cilium@1.15", Flag, value, number)
	}
	found.Version = v.String()
	return found, nil
}

// IsKnown tells whether it is known what enforces policies. A network that enforces none is none.
func (f Found) IsKnown() bool { return f.Name != "" && f.Name != Unknown && f.Name != None }

// String says which engine it is, with its version if that is known.
func (f Found) String() string {
	if f.Version == "" {
		return string(f.Name)
	}
	return string(f.Name) + " " + f.Version
}
