package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// checkFormat refuses an output format that a command does not have.
func checkFormat(format string, known ...string) error {
	if slices.Contains(known, format) {
		return nil
	}
	last := len(known) - 1
	return fmt.Errorf("unknown output format %q: -o takes %s or %s", format, strings.Join(known[:last], ", "), known[last])
}

// printJSON prints for machines, as a person can read it.
func printJSON(out io.Writer, what any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(what)
}
