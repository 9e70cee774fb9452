package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/resource"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/crdcheck"
	"github.com/segmentation-dev/segmentation-operator/internal/engine"
	"github.com/segmentation-dev/segmentation-operator/internal/guardrail"
	"github.com/segmentation-dev/segmentation-operator/internal/offline"
)

// input are the flags that say where objects are read from.
type input struct {
	*common

	filenames         resource.FilenameOptions
	protected         string
	operatorNamespace string
	byServiceAddress  bool
	band              string
	engine            string
	// unread says which kinds could not be read, and what that means.
	unread []string
}

func (i *input) bind(flags *pflag.FlagSet, what string) {
	flags.StringSliceVarP(&i.filenames.Filenames, "filename", "f", nil, what)
	flags.BoolVarP(&i.filenames.Recursive, "recursive", "R", false, "Read directories of --filename with all that is below them.")
	i.bindOperator(flags)
}

// bindOperator binds flags that the operator has too, and on which depends what it writes.
func (i *input) bindOperator(flags *pflag.FlagSet) {
	flags.StringVar(&i.protected, "protected-namespaces", claim.DefaultProtected,
		"Namespaces that no profile may claim, as the operator's flag says: names and patterns, separated by commas.")
	flags.StringVar(&i.operatorNamespace, "operator-namespace", "segmentation-system",
		"The namespace that the operator runs in, which no profile may claim either.")
	flags.BoolVar(&i.byServiceAddress, "match-service-addresses", false, "Render as the operator does with this flag.")
	flags.StringVar(&i.band, "guardrail-priorities", guardrail.UsualBand().String(),
		"The priorities that guardrails may have, as the operator's flag says: the first and the last.")
}

// bindEngine binds the flag that says what enforces policies.
func (i *input) bindEngine(cmd *cobra.Command) {
	cmd.Flags().StringVar(&i.engine, engine.Flag, engine.Auto,
		"What enforces NetworkPolicies, to write what it takes and to tell what it does not do as declared: "+
			strings.Join(engine.Values(), ", ")+". With auto it is found among the pods, if they are known. "+
			"A version may follow, as in cilium@1.15.")
	// It fails only for a flag that is not there.
	_ = cmd.RegisterFlagCompletionFunc(engine.Flag, cobra.FixedCompletions(engine.Values(), cobra.ShellCompDirectiveNoFileComp))
}

// world begins a world with what flags say.
func (i *input) world() (*offline.World, error) {
	w := &offline.World{
		ByServiceAddress: i.byServiceAddress, Protected: append(claim.ParseProtected(i.protected), i.operatorNamespace),
	}
	var err error
	if w.Engine, err = engine.Parse(i.engine); err != nil {
		return nil, err
	}
	if err := w.Protected.Validate(); err != nil {
		return nil, fmt.Errorf("--protected-namespaces: %w", err)
	}
	if i.band != "" {
		var err error
		if w.GuardrailPriorities, err = guardrail.ParseBand(i.band); err != nil {
			return nil, fmt.Errorf("--guardrail-priorities: %w", err)
		}
	}
	return w, nil
}

// readEither reads the files that are given, or the cluster if there are none.
func (i *input) readEither(ctx context.Context, w *offline.World, of needs) (areFiles bool, err error) {
	if len(i.filenames.Filenames) == 0 {
		return false, i.readCluster(ctx, w, of)
	}
	_, err = i.read(ctx, w, &i.filenames)
	return true, err
}

// read adds what is in files to a world, and returns the names of the profiles among it. What the world holds already
// of the same kind and name is replaced.
func (i *input) read(ctx context.Context, w *offline.World, filenames *resource.FilenameOptions) (profiles []string, err error) {
	if len(filenames.Filenames) == 0 {
		return nil, nil
	}
	infos, err := i.infos(filenames)
	if err != nil {
		return nil, err
	}
	checker, err := crdcheck.New()
	if err != nil {
		return nil, err
	}
	var errs []error
	taken := index{}
	for _, info := range infos {
		obj, ok := info.Object.(*unstructured.Unstructured)
		if !ok {
			continue
		}
		if obj.GroupVersionKind().Group == v1alpha1.GroupName && obj.GetKind() == "SegmentationProfile" {
			profile, err := checker.Read(ctx, obj)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			profiles = append(profiles, profile.Name)
			put(taken, &w.Profiles, *profile, keepingIdentity)
			continue
		}
		known, err := add(w, obj, taken)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", info.Source, err))
		} else if !known {
			fmt.Fprintf(i.streams.ErrOut, "%s: %s says nothing about segmentation, and is left out\n",
				info.Source, strings.TrimSpace(obj.GetKind()+" "+obj.GetName()))
		}
	}
	return profiles, errors.Join(errs...)
}

// isStdin tells whether a file is what the command reads.
func isStdin(name string) bool { return name == "-" }

// infos are the objects in files; "-" is what the command reads.
func (i *input) infos(filenames *resource.FilenameOptions) ([]*resource.Info, error) {
	builder := resource.NewLocalBuilder().Unstructured().Local().ContinueOnError()
	if slices.ContainsFunc(filenames.Filenames, isStdin) {
		builder = builder.Stream(i.streams.In, "standard input")
	}
	files := *filenames
	files.Filenames = slices.DeleteFunc(slices.Clone(filenames.Filenames), isStdin)
	if len(files.Filenames) > 0 {
		builder = builder.FilenameParam(false, &files)
	}
	return builder.Flatten().Do().Infos()
}

// keepingIdentity has a profile from a file keep what the one in the cluster is known by.
func keepingIdentity(old, now *v1alpha1.SegmentationProfile) {
	now.UID, now.CreationTimestamp, now.Status = old.UID, old.CreationTimestamp, old.Status
}

// add adds an object to a world, if that knows its kind.
func add(w *offline.World, obj *unstructured.Unstructured, taken index) (known bool, err error) {
	switch obj.GetKind() {
	case "Namespace":
		withName(obj)
		return true, convert(taken, obj, &w.Namespaces)
	case "Service":
		return true, convert(taken, obj, &w.Services)
	case "EndpointSlice":
		return true, convert(taken, obj, &w.EndpointSlices)
	case "Node":
		return true, convert(taken, obj, &w.Nodes)
	case "ServiceCIDR":
		return true, convert(taken, obj, &w.ServiceCIDRs)
	case "Pod":
		return true, convert(taken, obj, &w.Pods)
	case "NetworkPolicy":
		return true, convert(taken, obj, &w.Policies)
	case "Role":
		return true, convert(taken, obj, &w.Roles)
	case "RoleBinding":
		return true, convert(taken, obj, &w.RoleBindings)
	case "ClusterRole":
		return true, convert(taken, obj, &w.ClusterRoles)
	default:
		return addClusterPolicy(w, obj, taken)
	}
}

// addClusterPolicy adds a ClusterNetworkPolicy of the version that is known here. Other groups have a kind of this name, too.
func addClusterPolicy(w *offline.World, obj *unstructured.Unstructured, taken index) (known bool, err error) {
	if obj.GetKind() != "ClusterNetworkPolicy" || obj.GetAPIVersion() != policyv1alpha2.GroupVersion.String() {
		return false, nil
	}
	return true, convert(taken, obj, &w.ClusterPolicies)
}

// withName gives a namespace the label that the API server gives to each of them:
// https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-metadata-name
func withName(namespace *unstructured.Unstructured) {
	labels := namespace.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[corev1.LabelMetadataName] = namespace.GetName()
	namespace.SetLabels(labels)
}

// objects are the kinds that a world holds.
type objects interface {
	v1alpha1.SegmentationProfile | corev1.Namespace | corev1.Service | corev1.Node | corev1.Pod | discoveryv1.EndpointSlice |
		networkingv1.ServiceCIDR | networkingv1.NetworkPolicy | policyv1alpha2.ClusterNetworkPolicy |
		rbacv1.Role | rbacv1.RoleBinding | rbacv1.ClusterRole
}

func convert[T objects](taken index, obj *unstructured.Unstructured, into *[]T) error {
	var typed T
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(obj.Object, &typed, true); err != nil {
		return fmt.Errorf("reading %s %s: %w", obj.GetKind(), obj.GetName(), err)
	}
	put(taken, into, typed, nil)
	return nil
}

// index finds objects in the lists of a world, by their kind, namespace and name.
type index map[string]int

// of is the key of an object.
func (index) of(obj any) string {
	meta := obj.(metav1.Object) //nolint:forcetypeassert // All kinds that a world holds are.
	return fmt.Sprintf("%T %s/%s", obj, meta.GetNamespace(), meta.GetName())
}

// put puts an object in the place of the one of its name, or adds it.
func put[T objects](taken index, list *[]T, obj T, keep func(old, now *T)) {
	kind := fmt.Sprintf("%T", obj)
	if _, known := taken[kind]; !known {
		taken[kind] = 0
		for i := range *list {
			taken[taken.of(&(*list)[i])] = i
		}
	}
	at, known := taken[taken.of(&obj)]
	if !known {
		taken[taken.of(&obj)] = len(*list)
		*list = append(*list, obj)
		return
	}
	if keep != nil {
		keep(&(*list)[at], &obj)
	}
	(*list)[at] = obj
}
