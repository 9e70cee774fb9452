package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

// The formats for machines. They say the same.
const (
	formatJSON = "json"
	formatYAML = "yaml"
)

// addOutput adds the flag that chooses among formats, of which the first is the default.
func addOutput(cmd *cobra.Command, into *string, usage string, known []string) {
	cmd.Flags().StringVarP(into, "output", "o", known[0], usage)
	completeOutput(cmd, known)
}

// completeOutput has a shell complete the formats.
func completeOutput(cmd *cobra.Command, known []string) {
	// It fails only for a flag that is not there.
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(known, cobra.ShellCompDirectiveNoFileComp))
}

// checkFormat refuses an output format that a command does not have.
func checkFormat(format string, known []string) error {
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

// printMachine prints in one of the formats for machines.
func printMachine(out io.Writer, format string, what any) error {
	if format != formatYAML {
		return printJSON(out, what)
	}
	text, err := yaml.Marshal(what)
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}
