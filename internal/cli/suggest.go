package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/segmentation-dev/segmentation-operator/internal/observed"
	"github.com/segmentation-dev/segmentation-operator/internal/suggest"
)

type suggestCommand struct {
	input

	flows        []string
	name         string
	selector     string
	groupBy      []string
	peers        []string
	observedOnly bool
	output       string
}

func newSuggest(base *common) *cobra.Command {
	c := &suggestCommand{input: input{common: base}}
	cmd := &cobra.Command{
		Use:   "suggest [--flows FLOWS]",
		Short: "Suggest a first profile for what runs",
		Long: `Suggest a first profile for what runs: namespaces become tiers by their labels, and dependencies come from flows
that were observed, from the NetworkPolicies that are there, and from Services that are called from outside.

The profile allows every observed flow; one that no profile could allow is told of, and the exit code is then 2. It is
in Preview, and what was guessed says so: read it before you enforce it.

Flows are lines of JSON, as Cilium Hubble exports them, or in a form of our own:
  {"from": {"namespace": "shop-web", "pod": "front-1"}, "to": {"namespace": "shop-api", "labels": {"app": "orders"}}, "port": 9090}
  {"from": {"namespace": "shop-api"}, "to": {"ip": "203.0.113.9"}, "port": 443, "protocol": "TCP"}`,
		Example: `  # For all namespaces that no profile has, from what is in the cluster
  kubectl segmentation suggest

  # For the namespaces of one team, from observed flows
  hubble observe --last 100000 -o jsonpb | kubectl segmentation suggest --name shop -l team=shop --flows -

  # Group namespaces by labels that you choose; the ingress controller stays outside
  kubectl segmentation suggest --group-by team,layer --peers ingress-nginx`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context()) },
	}
	flags := cmd.Flags()
	c.bind(flags, "Files, directories or - with namespaces, pods, Services and policies, in place of the cluster.")
	flags.StringSliceVar(&c.flows, "flows", nil, "Files, or -, with observed flows as lines of JSON.")
	flags.StringVar(&c.name, "name", "suggested", "The name of the profile.")
	flags.StringVarP(&c.selector, "selector", "l", "", "Labels of the namespaces that become tiers; left out, all that no profile has.")
	flags.StringSliceVar(&c.groupBy, "group-by", nil, "Keys of the labels by which namespaces become tiers; left out, they are found.")
	flags.StringSliceVar(&c.peers, "peers", nil, "Namespaces that are to be peers, and no tiers.")
	flags.BoolVar(&c.observedOnly, "observed-only", false, "Leave out what no observed flow shows.")
	addOutput(cmd, &c.output, "yaml (with remarks) or json.", suggestFormats())
	return cmd
}

func suggestFormats() []string { return []string{formatYAML, formatJSON} }

func (c *suggestCommand) run(ctx context.Context) error {
	options, err := c.options()
	if err != nil {
		return err
	}
	w, err := c.world()
	if err != nil {
		return err
	}
	if _, err = c.readEither(ctx, w, suggestNeeds()); err != nil {
		return err
	}
	if err := c.readFlows(options); err != nil {
		return err
	}
	if len(w.Namespaces) == 0 {
		return errors.New("no namespaces: give some by -f, or leave out -f and the cluster is read")
	}
	suggestion, err := suggest.From(w, *options)
	if err != nil {
		return err
	}
	if err := c.print(suggestion); err != nil {
		return err
	}
	for i := range suggestion.Unmet {
		fmt.Fprintf(c.streams.ErrOut, "not allowed: %s: %s\n", suggestion.Unmet[i].Flow, suggestion.Unmet[i].Why)
	}
	if len(suggestion.Unmet) > 0 {
		return errFound
	}
	return nil
}

// options are what flags say of the profile.
func (c *suggestCommand) options() (*suggest.Options, error) {
	if err := checkFormat(c.output, suggestFormats()); err != nil {
		return nil, err
	}
	out := &suggest.Options{Name: c.name, GroupBy: c.groupBy, Peers: c.peers, ObservedOnly: c.observedOnly}
	if len(validation.IsDNS1123Label(c.name)) > 0 {
		return nil, fmt.Errorf("--name %q is no name of a profile: lower-case letters, digits and '-', at most 63 of them", c.name)
	}
	if c.observedOnly && len(c.flows) == 0 {
		return nil, errors.New("--observed-only without --flows leaves nothing to suggest: give observed flows")
	}
	if slices.ContainsFunc(c.flows, isStdin) && slices.ContainsFunc(c.filenames.Filenames, isStdin) {
		return nil, errors.New("both -f and --flows are -, and there is one standard input: give one of them as a file")
	}
	if c.selector != "" {
		var err error
		if out.Select, err = labels.Parse(c.selector); err != nil {
			return nil, fmt.Errorf("-l: %w", err)
		}
	}
	return out, nil
}

// readFlows reads observed flows, and tells of lines that are left out.
func (c *suggestCommand) readFlows(options *suggest.Options) error {
	var flows observed.Flows
	for _, name := range c.flows {
		if err := c.readFile(name, &flows); err != nil {
			return fmt.Errorf("--flows %s: %w", name, err)
		}
	}
	flows.Done()
	for _, line := range flows.LeftOut() {
		fmt.Fprintln(c.streams.ErrOut, line)
	}
	options.Flows = flows.List
	if len(c.flows) > 0 && len(flows.List) == 0 {
		return errors.New("--flows: no flow is in what was given")
	}
	return nil
}

func (c *suggestCommand) readFile(name string, into *observed.Flows) error {
	if name == "-" {
		return into.Read(c.streams.In)
	}
	file, err := os.Open(name) //nolint:gosec // It is what the user asks for.
	if err != nil {
		return err
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.IsDir() {
		return errors.New("it is a directory: give the files in it")
	}
	return into.Read(file)
}

func (c *suggestCommand) print(s *suggest.Suggestion) error {
	if c.output == formatJSON {
		return printJSON(c.streams.Out, suggestionJSON(s, c.unread))
	}
	text, err := suggestionYAML(s, c.unread)
	if err != nil {
		return err
	}
	_, err = c.streams.Out.Write(text)
	return err
}
