package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// Exit codes.
const (
	// ExitDone says that the command did what it was to do, and has nothing to report.
	ExitDone = 0
	// ExitFailed says that it could not, or that it was used wrongly.
	ExitFailed = 1
	// ExitFound says that it found what it looks for: a change, an undeclared path, a flow that does not pass.
	ExitFound = 2
)

// errFound makes a command end with ExitFound. What was found is printed already.
var errFound = errors.New("found")

// Run runs the command with these arguments, and returns its exit code.
func Run(ctx context.Context, args []string, streams genericiooptions.IOStreams, version string) int {
	root := newRoot(streams, version)
	root.SetArgs(args)
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.ErrOut)
	err := root.ExecuteContext(ctx)
	switch {
	case errors.Is(err, errFound):
		return ExitFound
	case err != nil:
		fmt.Fprintf(streams.ErrOut, "error: %v\n", err)
		return ExitFailed
	default:
		return ExitDone
	}
}

func newRoot(streams genericiooptions.IOStreams, version string) *cobra.Command {
	root := &cobra.Command{
		Use:   "kubectl-segmentation",
		Short: "See, preview and explain SegmentationProfiles",
		Long: `See what SegmentationProfiles make of a cluster, preview a change, and explain why a flow passes or does not.

Nothing is ever written to a cluster. What is told is worked out by the operator's own compiler.`,
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
		// A mistake is answered in one sentence.
		DisableSuggestions: true,
	}
	// kubectl runs it as "kubectl segmentation".
	root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl segmentation"}
	flags := genericclioptions.NewConfigFlags(true)
	flags.Namespace = nil // All is told of the whole cluster: a namespace would be ignored.
	flags.AddFlags(root.PersistentFlags())
	base := common{streams: streams, config: flags}
	root.AddCommand(newRender(&base), newPlan(&base), newCan(&base), newMap(&base), newAudit(&base, version), newSuggest(&base))
	return root
}

// common is what all commands have.
type common struct {
	streams genericiooptions.IOStreams
	config  *genericclioptions.ConfigFlags
}
