package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/resource"

	"github.com/segmentation-dev/segmentation-operator/internal/offline"
)

type planCommand struct {
	input

	against []string
	output  string
}

func newPlan(base *common) *cobra.Command {
	c := &planCommand{input: input{common: base}}
	cmd := &cobra.Command{
		Use:   "plan -f NEW [--against OLD]",
		Short: "Show what a changed profile would change: objects, reachability and access",
		Long: `Show what a changed profile would change: the objects to be created, changed and removed, what becomes
reachable and what ceases to be, and access gained and lost. It is compared with the cluster, or with another file.

Reachability is compared over every flow that could exist, for whatever pods. Policies of others are taken to stay. Of
the pods that there are, in the cluster or in files, it is said which of them a path concerns.
Ends with exit code 2 if there is a change.`,
		Example: `  # Against the cluster
  kubectl segmentation plan -f shop.yaml

  # Between two versions in Git, for a pull request
  kubectl segmentation plan -f new/ --against old/ -o markdown`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context()) },
	}
	c.bind(cmd.Flags(), "Files, directories or - with the profiles as they are to be, and with namespaces and what else they depend on.")
	c.bindEngine(cmd)
	cmd.Flags().StringSliceVar(&c.against, "against", nil, "Files or directories with the profiles as they are; left out, the cluster.")
	addOutput(cmd, &c.output, "text, markdown (for a pull request), json or yaml.", planFormats())
	return cmd
}

func planFormats() []string { return []string{"text", formatMarkdown, formatJSON, formatYAML} }

func (c *planCommand) run(ctx context.Context) error {
	if err := checkFormat(c.output, planFormats()); err != nil {
		return err
	}
	if len(c.filenames.Filenames) == 0 {
		return errors.New("no profile: give the new one by -f")
	}
	if slices.ContainsFunc(c.filenames.Filenames, isStdin) && slices.ContainsFunc(c.against, isStdin) {
		return errors.New("both -f and --against are -, and there is one standard input: give one of them as a file")
	}
	before, after, profiles, err := c.worlds(ctx)
	if err != nil {
		return err
	}
	was, is := offline.Render(before, namesOf(before)...), offline.Render(after, profiles...)
	if err := c.complain(is, profiles); err != nil {
		return err
	}
	change, err := offline.Compare(was, is, after.Policies)
	if err != nil {
		return fmt.Errorf("comparing what is reachable: %w", err)
	}
	if after.Pods != nil {
		change.Concern(after.Pods)
	}
	if err := c.print(change); err != nil {
		return err
	}
	if !change.IsEmpty() {
		return errFound
	}
	return nil
}

// worlds are the world as it is, and as it is to be, with the names of the new profiles.
func (c *planCommand) worlds(ctx context.Context) (before, after *offline.World, profiles []string, err error) {
	if before, err = c.world(); err != nil {
		return nil, nil, nil, err
	}
	if len(c.against) == 0 {
		err = c.readCluster(ctx, before, planNeeds())
	} else {
		_, err = c.read(ctx, before, &resource.FilenameOptions{Filenames: c.against, Recursive: c.filenames.Recursive})
	}
	if err != nil {
		return nil, nil, nil, err
	}
	after = &offline.World{}
	*after = *before
	after.Profiles = slices.Clone(before.Profiles)
	after.Namespaces = slices.Clone(before.Namespaces)
	if profiles, err = c.read(ctx, after, &c.filenames); err != nil {
		return nil, nil, nil, err
	}
	if len(profiles) == 0 {
		return nil, nil, nil, errors.New("no profile: none of the files given by -f has a SegmentationProfile")
	}
	if len(after.Namespaces) == 0 {
		nameThem(before)
		after.Namespaces = slices.Clone(before.Namespaces)
		nameThem(after)
	}
	// What only the new files have of the cluster is there before as well: it is the profiles that change.
	before.Namespaces, before.Services, before.Pods = after.Namespaces, after.Services, after.Pods
	before.EndpointSlices, before.Nodes, before.ServiceCIDRs = after.EndpointSlices, after.Nodes, after.ServiceCIDRs
	before.Policies, before.ClusterRoles, before.ClusterPolicies = after.Policies, after.ClusterRoles, after.ClusterPolicies
	return before, after, profiles, nil
}

// namesOf are the names of all profiles of a world that are in force.
func namesOf(w *offline.World) []string {
	var out []string
	for i := range w.Profiles {
		if w.Profiles[i].Spec.Mode != "Preview" {
			out = append(out, w.Profiles[i].Name)
		}
	}
	return out
}
