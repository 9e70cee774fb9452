package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/segmentation-dev/segmentation-operator/internal/offline"
)

type canCommand struct {
	input

	output               string
	fromLabels, toLabels map[string]string
}

func newCan(base *common) *cobra.Command {
	c := &canCommand{input: input{common: base}}
	cmd := &cobra.Command{
		Use:   "can FROM TO:PORT[/PROTOCOL]",
		Short: "Tell whether one party may reach another, and why",
		Long: `Tell whether one party may reach another, and why, on both sides: the policy and its rule, and what declares it.
When it may not, the line of the profile is given that would allow it.

A party is one of
  pod/NAMESPACE/NAME   a pod of the cluster, or of a file
  ns/NAME              a pod of a namespace, with the labels that --from-labels or --to-labels give
  tier/NAME            a pod of a namespace of a tier; tier/PROFILE/NAME if profiles have tiers of the same name
  peer/NAME            a pod of a peer, or an address of it; peer/PROFILE/NAME if profiles have peers of the same name
  an address           such as 198.51.100.7 or 2001:db8::1; that of a pod stands for the pod
A port is a number, or the name of a port of the pod. The protocol is TCP unless it says /UDP or /SCTP.

It is told for the cluster as it is, whoever wrote its policies. With -f it is told for what the operator would make of
the files. Ends with exit code 2 if the flow does not pass.`,
		Example: `  # May pods of one namespace reach another, on port 9090?
  kubectl segmentation can ns/shop-web ns/shop-api:9090

  # A pod, and a pod's named port
  kubectl segmentation can pod/shop-web/web-0 pod/shop-api/api-0:grpc

  # Before it is applied
  kubectl segmentation can tier/web tier/api:9090 -f shop.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return errors.New("give who calls and who is called, such as: can ns/shop-web ns/shop-api:9090")
			}
			return nil
		},
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, args []string) error { return c.run(cmd.Context(), args[0], args[1]) },
	}
	c.bind(cmd.Flags(), "Files, directories or - with profiles, namespaces, pods and policies, in place of the cluster.")
	cmd.Flags().StringToStringVar(&c.fromLabels, "from-labels", nil, "Labels of the pod that calls, where it is no pod that exists.")
	cmd.Flags().StringToStringVar(&c.toLabels, "to-labels", nil, "Labels of the pod that is called, where it is no pod that exists.")
	addOutput(cmd, &c.output, "text, json or yaml.", canFormats())
	return cmd
}

func canFormats() []string { return []string{"text", formatJSON, formatYAML} }

// answerJSON is an answer for machines.
type answerJSON struct {
	*offline.Answer `json:",inline"`

	Unread []string `json:"unread"`
}

func (c *canCommand) run(ctx context.Context, from, to string) error {
	if err := checkFormat(c.output, canFormats()); err != nil {
		return err
	}
	w, err := c.world()
	if err != nil {
		return err
	}
	areFiles, err := c.readEither(ctx, w, canNeeds())
	if err != nil {
		return err
	}
	if areFiles && len(w.Namespaces) == 0 {
		nameThem(w)
	}
	answer, err := offline.Ask(w, offline.Question{
		From: from, To: to, FromLabels: c.fromLabels, ToLabels: c.toLabels, AsDeclared: areFiles,
	})
	if err != nil {
		return err
	}
	if err := c.print(answer); err != nil {
		return err
	}
	if !answer.Allowed {
		return errFound
	}
	return nil
}

func (c *canCommand) print(a *offline.Answer) error {
	if c.output != "text" {
		return printMachine(c.streams.Out, c.output, answerJSON{a, orEmpty(c.unread)})
	}
	painter := newPainter(c.streams.Out)
	word := painter.paint(red, "no")
	if a.Allowed {
		word = painter.paint(green, "yes")
	}
	_, err := fmt.Fprintf(c.streams.Out, "%s: %s to %s on %s\n", word, a.From, a.To, a.Port)
	for _, line := range a.Why {
		_, err = fmt.Fprintln(c.streams.Out, "  "+line)
	}
	if a.Add != "" {
		_, err = fmt.Fprintf(c.streams.Out, "to allow it, add to %s:\n%s", a.AddTo, a.Add)
	}
	for _, what := range c.unread {
		_, err = fmt.Fprintln(c.streams.Out, "not read, and left out: "+what)
	}
	return err
}
