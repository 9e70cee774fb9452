package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/printers"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/offline"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

type renderCommand struct {
	input

	cluster bool
	print   *genericclioptions.PrintFlags
}

func newRender(base *common) *cobra.Command {
	c := &renderCommand{input: input{common: base}, print: genericclioptions.NewPrintFlags("").WithDefaultOutput("yaml")}
	cmd := &cobra.Command{
		Use:   "render -f PROFILE [-f NAMESPACES] [--cluster]",
		Short: "Show exactly what the operator writes for a profile",
		Long: `Show exactly what the operator writes for a profile: the NetworkPolicies, Roles and RoleBindings of each
namespace, the policies of Istio if the profile has spec.mesh, and its labels. Profiles are checked as the API server
checks them; no cluster is needed.

Namespaces, Services and whatever else a profile depends on are read from files, or from the cluster. Without either,
tiers that list their namespaces by name are rendered, and the cluster's DNS is taken to be as Kubernetes' own installer
makes it.`,
		Example: `  # What a profile becomes, for the namespaces that it names
  kubectl segmentation render -f shop.yaml

  # For the namespaces and Services in a directory
  kubectl segmentation render -f shop.yaml -f manifests/ -R

  # For those of the cluster, as names
  kubectl segmentation render -f shop.yaml --cluster -o name`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context()) },
	}
	c.bind(cmd.Flags(), "Files, directories or - with profiles, and with namespaces and what else they depend on.")
	c.bindEngine(cmd)
	cmd.Flags().BoolVar(&c.cluster, "cluster", false, "Read namespaces, and what else profiles depend on, from the cluster.")
	c.print.AddFlags(cmd)
	completeOutput(cmd, []string{formatYAML, formatJSON, "name"})
	return cmd
}

// noArguments refuses arguments with a word on what is meant.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unexpected argument %q: files are given by -f; see %s --help", args[0], cmd.CommandPath())
	}
	return nil
}

func (c *renderCommand) run(ctx context.Context) error {
	w, err := c.world()
	if err != nil {
		return err
	}
	if len(c.filenames.Filenames) == 0 {
		return errors.New("no profile: give one by -f")
	}
	if c.cluster {
		if err := c.readCluster(ctx, w, renderNeeds()); err != nil {
			return err
		}
	}
	profiles, err := c.read(ctx, w, &c.filenames)
	if err != nil {
		return err
	}
	if len(profiles) == 0 {
		return errors.New("no profile: none of the files given by -f has a SegmentationProfile")
	}
	if len(w.Namespaces) == 0 {
		nameThem(w)
	}
	rendered := offline.Render(w, profiles...)
	if err := c.complain(rendered, profiles); err != nil {
		return err
	}
	printer, err := c.print.ToPrinter()
	if err != nil {
		return err
	}
	if *c.print.OutputFormat == formatYAML {
		for _, what := range c.unread {
			fmt.Fprintln(c.streams.Out, "# not read, and left out: "+what)
		}
	}
	return c.write(printer, rendered, profiles)
}

// nameThem makes up the namespaces that tiers name.
func nameThem(w *offline.World) {
	taken := index{}
	for i := range w.Profiles {
		for j := range w.Profiles[i].Spec.Tiers {
			for _, name := range w.Profiles[i].Spec.Tiers[j].Namespaces.Names {
				put(taken, &w.Namespaces, corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
					Name: string(name), Labels: map[string]string{corev1.LabelMetadataName: string(name)},
				}}, nil)
			}
		}
	}
}

// complain says why profiles cannot be rendered, and what was found about them.
func (c *common) complain(rendered *offline.Rendered, profiles []string) error {
	var errs []error
	for _, name := range profiles {
		p := rendered.Profiles[name]
		for _, err := range p.Invalid {
			errs = append(errs, fmt.Errorf("profile %s: %w", name, err))
		}
		for _, f := range p.Findings {
			where := ""
			if f.Namespace != "" {
				where = " (namespace " + f.Namespace + ")"
			}
			fmt.Fprintf(c.streams.ErrOut, "finding %s of profile %s%s: %s\n", f.Reason, name, where, f.Message)
		}
		for _, f := range p.Engine {
			fmt.Fprintf(c.streams.ErrOut, "finding %s of profile %s: %s\n", f.Effect, name, f.Message)
		}
	}
	return errors.Join(errs...)
}

func (c *renderCommand) write(printer printers.ResourcePrinter, rendered *offline.Rendered, profiles []string) error {
	written := false
	for i := range rendered.Namespaces {
		n := &rendered.Namespaces[i]
		if n.Decision.Outcome != claim.Claimed || !slices.Contains(profiles, n.Decision.Profile) {
			continue
		}
		for _, obj := range objectsOf(n) {
			if err := printer.PrintObj(obj, c.streams.Out); err != nil {
				return err
			}
			written = true
		}
	}
	for _, name := range profiles {
		for _, guardrail := range rendered.Guardrails(name) {
			obj, err := withoutStatus(guardrail)
			if err != nil {
				return err
			}
			if err := printer.PrintObj(obj, c.streams.Out); err != nil {
				return err
			}
		}
	}
	if !written {
		fmt.Fprintln(c.streams.ErrOut, "nothing is rendered: the tiers select no namespace that is given; give some by -f, or --cluster")
	}
	return nil
}

// withoutStatus is an object without a status, which is not the operator's to write and has no form in which it is empty.
func withoutStatus(obj *policyv1alpha2.ClusterNetworkPolicy) (runtime.Object, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
	if err != nil {
		return nil, fmt.Errorf("printing %s: %w", obj.Name, err)
	}
	delete(content, "status")
	return &unstructured.Unstructured{Object: content}, nil
}

// objectsOf are the objects of a namespace in the order in which the operator writes them, its labels last.
func objectsOf(n *offline.Namespace) []runtime.Object {
	var out []runtime.Object
	for _, p := range n.Objects.Policies {
		out = append(out, p)
	}
	for _, a := range n.Mesh.Authentications {
		out = append(out, a)
	}
	for _, p := range n.Mesh.Policies {
		out = append(out, p)
	}
	for _, r := range n.Objects.Roles {
		out = append(out, r)
	}
	for _, b := range n.Objects.Bindings {
		out = append(out, b)
	}
	return append(out, &metav1.PartialObjectMetadata{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
		ObjectMeta: metav1.ObjectMeta{
			Name: n.Name, Labels: render.MembershipLabels(n.Labels[v1alpha1.ProfileLabel], n.Labels[v1alpha1.TierLabel]),
		},
	})
}
