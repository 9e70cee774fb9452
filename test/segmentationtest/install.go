package segmentationtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/config"
)

// Who the operator is, as config/rbac/service_account.yaml has it.
const (
	// Namespace is the operator's namespace.
	Namespace = "segmentation-system"
	// ServiceAccount is the operator's service account.
	ServiceAccount = "segmentation-operator"
)

// owner is the field owner of what is installed.
const owner = client.FieldOwner("segmentationtest")

// installAccess installs the operator's namespace, its accounts and what they may do.
func (e *Env) installAccess(ctx context.Context) error {
	// The namespace comes first, as what is in it needs it.
	for _, pattern := range []string{"default/*.yaml", "rbac/*.yaml", "flowcontrol/*.yaml"} {
		files, err := fs.Glob(config.Access, pattern)
		if err != nil {
			return err
		}
		for _, file := range files {
			if err := e.install(ctx, file); err != nil {
				return fmt.Errorf("installing config/%s: %w", path.Clean(file), err)
			}
		}
	}
	return nil
}

// install installs the objects of a file.
func (e *Env) install(ctx context.Context, file string) error {
	content, err := config.Access.ReadFile(file)
	if err != nil {
		return err
	}
	const buffer = 4096
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), buffer)
	for {
		obj := &unstructured.Unstructured{}
		switch err := decoder.Decode(&obj.Object); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if obj.GetKind() == "" || obj.GetKind() == "Kustomization" {
			continue
		}
		if err := e.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(obj), owner, client.ForceOwnership); err != nil {
			return err
		}
	}
}

// aggregate gives ClusterRoles of the operator that are aggregated from others their rules, where there is no
// kube-controller-manager that does:
// https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles
func (e *Env) aggregate(ctx context.Context) error {
	var roles rbacv1.ClusterRoleList
	if err := e.Client.List(ctx, &roles); err != nil {
		return err
	}
	var granted rbacv1.ClusterRole
	if err := e.Client.Get(ctx, client.ObjectKey{Name: "segmentation-operator-grantable"}, &granted); err != nil {
		return err
	}
	if len(granted.Rules) > 0 {
		return nil
	}
	for i := range roles.Items {
		for j := range granted.AggregationRule.ClusterRoleSelectors {
			selects, err := metav1.LabelSelectorAsSelector(&granted.AggregationRule.ClusterRoleSelectors[j])
			if err != nil {
				return err
			}
			if selects.Matches(labels.Set(roles.Items[i].Labels)) {
				granted.Rules = append(granted.Rules, roles.Items[i].Rules...)
				break
			}
		}
	}
	err := e.Client.Update(ctx, &granted)
	if apierrors.IsConflict(err) {
		return nil // There is one that does.
	}
	return err
}

// createDNS creates the Service of the cluster's DNS, where names are resolved unless a profile says otherwise.
func (e *Env) createDNS(ctx context.Context) error {
	if e.settings.withoutDNS {
		return nil
	}
	const dns = 53
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceSystem, Name: "kube-dns"},
		Spec: corev1.ServiceSpec{
			Selector: map[string]string{"k8s-app": "kube-dns"},
			Ports: []corev1.ServicePort{
				{Name: "dns", Port: dns, Protocol: corev1.ProtocolUDP, TargetPort: intstr.FromInt32(dns)},
				{Name: "dns-tcp", Port: dns, Protocol: corev1.ProtocolTCP, TargetPort: intstr.FromInt32(dns)},
			},
		},
	}
	// The API server makes the namespace a moment after it is ready.
	return wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
		err := client.IgnoreAlreadyExists(e.Client.Create(ctx, service))
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		return err == nil, err
	})
}
