package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/segmentation-dev/segmentation-operator/internal/offline"
	"github.com/segmentation-dev/segmentation-operator/internal/picture"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

type mapCommand struct {
	input

	output string
}

func newMap(base *common) *cobra.Command {
	c := &mapCommand{input: input{common: base}}
	cmd := &cobra.Command{
		Use:   "map [-f FILES]",
		Short: "Draw tiers, peers and dependencies",
		Long: `Draw the tiers, peers and dependencies of profiles: of files, or of the cluster.

  mermaid  a flowchart for Markdown, as GitHub and others draw it
  dot      for Graphviz
  svg      a drawing, light or dark as who looks at it prefers
  png      the same as pixels
  html     a page of its own that needs no network: the drawing, who reaches whom by all policies together, a search,
           and the findings

A dependency that opens nothing is marked, with the finding that says why.`,
		Example: `  # A flowchart of a profile, for a README
  kubectl segmentation map -f shop.yaml

  # A page about the cluster
  kubectl segmentation map -o html > map.html`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context()) },
	}
	c.bind(cmd.Flags(), "Files, directories or - with profiles, and with namespaces and what else they depend on, in place of the cluster.")
	addOutput(cmd, &c.output, "mermaid, dot, svg, png or html.", mapFormats())
	return cmd
}

func mapFormats() []string { return []string{"mermaid", "dot", "svg", "png", "html"} }

func (c *mapCommand) run(ctx context.Context) error {
	if err := checkFormat(c.output, mapFormats()); err != nil {
		return err
	}
	w, profiles, err := c.declared(ctx)
	if err != nil {
		return err
	}
	rendered := offline.Render(w)
	if len(c.filenames.Filenames) > 0 {
		rendered = offline.Render(w, profiles...)
		if err := c.complain(rendered, profiles); err != nil {
			return err
		}
	}
	graph := rendered.Graph(profiles)
	for _, what := range c.unread {
		graph.Findings = append(graph.Findings, offline.GraphFinding{Finding: plan.Finding{Reason: "NotRead", Message: what}})
	}
	text, err := c.draw(w, rendered, graph)
	if err != nil {
		return err
	}
	_, err = io.WriteString(c.streams.Out, text+c.remark())
	return err
}

// remark says what could not be read in the comments of a drawing. A page has it among its findings.
func (c *mapCommand) remark() string {
	signs := map[string][2]string{"mermaid": {"%% ", ""}, "dot": {"// ", ""}, "svg": {"<!-- ", " -->"}}
	sign, has := signs[c.output]
	if !has {
		return ""
	}
	var out strings.Builder
	for _, what := range c.unread {
		fmt.Fprintf(&out, "%snot read, and left out: %s%s\n", sign[0], what, sign[1])
	}
	return out.String()
}

// declared is the world of the files, or of the cluster, and the names of the profiles to draw.
func (c *mapCommand) declared(ctx context.Context) (w *offline.World, profiles []string, err error) {
	if w, err = c.world(); err != nil {
		return nil, nil, err
	}
	if len(c.filenames.Filenames) == 0 {
		if err := c.readCluster(ctx, w, mapNeeds()); err != nil {
			return nil, nil, err
		}
		for i := range w.Profiles {
			profiles = append(profiles, w.Profiles[i].Name)
		}
		if len(profiles) == 0 {
			return nil, nil, errors.New("no profile: the cluster has no SegmentationProfile; give files by -f")
		}
		return w, profiles, nil
	}
	if profiles, err = c.read(ctx, w, &c.filenames); err != nil {
		return nil, nil, err
	}
	if len(profiles) == 0 {
		return nil, nil, errors.New("no profile: none of the files given by -f has a SegmentationProfile")
	}
	if len(w.Namespaces) == 0 {
		nameThem(w)
	}
	return w, profiles, nil
}

func (c *mapCommand) draw(w *offline.World, rendered *offline.Rendered, graph *offline.Graph) (string, error) {
	switch c.output {
	case "dot":
		return picture.DOT(graph), nil
	case "svg":
		return picture.SVG(graph), nil
	case "png":
		return picture.PNG(graph)
	case "html":
		cluster, err := rendered.Cluster(w.Policies)
		if err != nil {
			return "", fmt.Errorf("judging the policies: %w", err)
		}
		namespaces := make([]reach.Namespace, 0, len(rendered.Namespaces))
		for i := range rendered.Namespaces {
			namespaces = append(namespaces, reach.Namespace{Name: rendered.Namespaces[i].Name, Labels: rendered.Namespaces[i].Labels})
		}
		matrix, err := cluster.Matrix(namespaces)
		if err != nil {
			return "", fmt.Errorf("judging the policies: %w", err)
		}
		return picture.HTML(&picture.Page{Graph: graph, Matrix: matrix})
	default:
		return picture.Mermaid(graph), nil
	}
}
