package deploy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// Who the operator is: see config/rbac/service_account.yaml.
const (
	// Namespace is the operator's namespace.
	Namespace = "segmentation-system"
	// ServiceAccount is the operator's service account.
	ServiceAccount = "segmentation-operator"
	// User is the user that the API server takes the operator for.
	User = "system:serviceaccount:" + Namespace + ":" + ServiceAccount
)

// Scheme returns a scheme with Kubernetes' types and the operator's.
func Scheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	return scheme, errors.Join(
		clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme),
		apiextensionsv1.AddToScheme(scheme), policyv1alpha2.Install(scheme), mesh.AddToScheme(scheme),
	)
}

// Install installs what config/default installs, but for the Deployment, and waits until the
// operator may grant what the shipped ceiling holds. The CRD is to be there already, for the
// controllers to know it: see cluster.WithCRDs.
func Install(ctx context.Context, admin client.Client) error {
	for _, pattern := range []string{"config/default/namespace.yaml", "config/rbac/*.yaml", "config/flowcontrol/*.yaml"} {
		if err := ApplyManifests(ctx, admin, pattern); err != nil {
			return err
		}
	}
	return waitForCeiling(ctx, admin)
}

// waitForCeiling waits until the aggregated role holds both parts of the shipped ceiling:
// reading, and binding the ClusterRole view.
func waitForCeiling(ctx context.Context, admin client.Client) error {
	return wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		var role rbacv1.ClusterRole
		if err := admin.Get(ctx, client.ObjectKey{Name: "segmentation-operator-grantable"}, &role); err != nil {
			return false, err
		}
		return len(role.Rules) > 5, nil
	})
}

// ApplyManifests applies all objects in the files of a pattern, which begins at the root of
// the repository.
func ApplyManifests(ctx context.Context, admin client.Client, pattern string) error {
	root, err := Root()
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(root, pattern))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("no files %s", pattern)
	}
	for _, file := range files {
		objects, err := readManifests(file)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		for _, obj := range objects {
			config := client.ApplyConfigurationFromUnstructured(obj)
			if err := admin.Apply(ctx, config, client.FieldOwner("test"), client.ForceOwnership); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
	}
	return nil
}

// readManifests reads the objects of a file; a kustomization is none.
func readManifests(file string) ([]*unstructured.Unstructured, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), 4096)
	for {
		obj := &unstructured.Unstructured{}
		err := decoder.Decode(&obj.Object)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		if obj.GetKind() != "" && obj.GetKind() != "Kustomization" {
			objects = append(objects, obj)
		}
	}
}

// Compile compiles a profile as the installed operator does: the operator's own namespace is
// the second owner of policies.
func Compile(ctx context.Context, c client.Client, profile *v1alpha1.SegmentationProfile) (*plan.Plan, error) {
	var own corev1.Namespace
	if err := c.Get(ctx, client.ObjectKey{Name: Namespace}, &own); err != nil {
		return nil, err
	}
	compiled, errs := plan.Compile(profile)
	if len(errs) > 0 {
		return nil, errs.ToAggregate()
	}
	compiled.Keeper = &metav1.OwnerReference{APIVersion: "v1", Kind: "Namespace", Name: own.Name, UID: own.UID}
	return compiled, nil
}
