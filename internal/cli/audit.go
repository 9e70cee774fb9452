package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/segmentation-dev/segmentation-operator/internal/engine"
	"github.com/segmentation-dev/segmentation-operator/internal/offline"
)

type auditCommand struct {
	input

	version, output string
}

func newAudit(base *common, version string) *cobra.Command {
	c := &auditCommand{input: input{common: base}, version: version}
	cmd := &cobra.Command{
		Use:   "audit [-f FILES]",
		Short: "Compare a cluster as it is with its profiles as declared",
		Long: `Compare a cluster as it is with its profiles as declared, and find
  - NetworkPolicies of others that open paths which are not declared, in the namespaces of tiers
  - ClusterNetworkPolicies of others that do so
  - NetworkPolicies in the namespaces of peers that do not allow what a dependency declares
  - RoleBindings of others that grant what is not declared
  - pods of tiers on the network of their node, where no policy applies to them
  - what the engine that enforces NetworkPolicies does not do as declared, and that none is known
  - what the operator writes and is not as declared
  - namespaces that no profile claims, nor names as a peer

Reading is all that it needs; what it may not read it says, and leaves out. Ends with exit code 2 if something is found.`,
		Example: `  # The cluster
  kubectl segmentation audit

  # For a code scanner
  kubectl segmentation audit -o sarif > audit.sarif

  # Files, such as a dump of a cluster
  kubectl segmentation audit -f profiles/ -f dump.yaml`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context()) },
	}
	c.bind(cmd.Flags(), "Files, directories or - with profiles, namespaces, policies and the rest, in place of the cluster.")
	c.bindEngine(cmd)
	addOutput(cmd, &c.output, "text, markdown, json, yaml or sarif (2.1.0).", auditFormats())
	return cmd
}

func auditFormats() []string {
	return []string{"text", formatMarkdown, formatJSON, formatYAML, "sarif"}
}

func (c *auditCommand) run(ctx context.Context) error {
	if err := checkFormat(c.output, auditFormats()); err != nil {
		return err
	}
	w, err := c.world()
	if err != nil {
		return err
	}
	areFiles, err := c.readEither(ctx, w, auditNeeds())
	if err != nil {
		return err
	}
	if areFiles && w.ClusterRoles == nil && bindClusterRoles(w.RoleBindings) {
		c.leaveOut(w, "not given", offline.ClusterRoles, auditNeeds()[offline.ClusterRoles])
	}
	found, by, err := offline.Audit(w)
	if err != nil {
		return err
	}
	if err := c.print(found, by); err != nil {
		return err
	}
	if len(found) > 0 {
		return errFound
	}
	return nil
}

func bindClusterRoles(bindings []rbacv1.RoleBinding) bool {
	return slices.ContainsFunc(bindings, func(b rbacv1.RoleBinding) bool { return b.RoleRef.Kind == "ClusterRole" })
}

func (c *auditCommand) print(found []offline.Found, by engine.Found) error {
	switch c.output {
	case formatJSON, formatYAML:
		return printMachine(c.streams.Out, c.output, auditJSON{Engine: by, Found: orEmpty(found), Unread: orEmpty(c.unread)})
	case "sarif":
		return printJSON(c.streams.Out, sarifOf(found, by, c.unread, c.version))
	}
	s := &sections{markdown: c.output == formatMarkdown, painter: newPainter(c.streams.Out)}
	if len(found) == 0 {
		s.line("Nothing is found.")
	}
	s.line(engineText(by))
	for _, rule := range offline.Rules() {
		var lines []string
		for i := range found {
			if found[i].Rule == rule {
				lines = append(lines, placeOf(&found[i])+": "+found[i].Message)
			}
		}
		if len(lines) > 0 {
			s.section(headingOf(rule), lines)
		}
	}
	s.leftOut(c.unread)
	_, err := fmt.Fprint(c.streams.Out, s.String())
	return err
}

// engineText says what is taken to enforce policies, and why.
func engineText(by engine.Found) string {
	return fmt.Sprintf("NetworkPolicies are taken to be enforced by: %s (%s).", by, by.Why)
}

// placeOf says where something was found.
func placeOf(f *offline.Found) string {
	if f.Namespace == "" {
		return f.Name
	}
	return f.Namespace
}

// headingOf says of which kind something is.
func headingOf(rule offline.Rule) string {
	return cmp.Or(map[offline.Rule]string{
		offline.UndeclaredPath:        "NetworkPolicies that open undeclared paths",
		offline.UndeclaredClusterPath: "ClusterNetworkPolicies that open undeclared paths",
		offline.BlockedPath:           "NetworkPolicies that block declared paths",
		offline.UndeclaredAccess:      "RoleBindings that grant undeclared access",
		offline.HostNetwork:           "Pods on the host network",
		offline.EngineWider:           "What the policy engine opens beyond what is declared",
		offline.EngineNarrower:        "What the policy engine does not open, or may not, though it is declared",
		offline.NoEngine:              "No policy engine that is known",
		offline.Drift:                 "Objects that are not as declared",
		offline.Unclaimed:             "Namespaces that no profile claims",
		offline.InvalidProfile:        "Profiles that do not compile",
	}[rule], string(rule))
}

// auditJSON is what was found, for machines.
type auditJSON struct {
	Engine engine.Found    `json:"engine"`
	Found  []offline.Found `json:"found"`
	Unread []string        `json:"unread"`
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
