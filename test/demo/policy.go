package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// The policy that is shown: small, and with pods on both sides.
const (
	shownNamespace  = "shop-postgres"
	shownDependency = "orders-postgres"
)

// showPolicy shows one generated NetworkPolicy, without what the API server adds.
func (d *demo) showPolicy(ctx context.Context) error {
	key := client.ObjectKey{
		Namespace: shownNamespace,
		Name:      render.PodPolicyName(shownDependency, networkingv1.PolicyTypeIngress),
	}
	d.screen.heading(fmt.Sprintf("One of the NetworkPolicies: %s in %s", key.Name, key.Namespace))
	var policy networkingv1.NetworkPolicy
	if err := d.admin.Get(ctx, key, &policy); err != nil {
		return err
	}
	text, err := asYAML(&policy)
	if err != nil {
		return err
	}
	d.screen.block(text)
	return nil
}

// asYAML writes a policy as its author would, had a person written it.
func asYAML(policy *networkingv1.NetworkPolicy) (string, error) {
	shown := policy.DeepCopy()
	shown.TypeMeta = metav1.TypeMeta{APIVersion: networkingv1.SchemeGroupVersion.String(), Kind: "NetworkPolicy"}
	shown.ObjectMeta = metav1.ObjectMeta{
		Name: policy.Name, Namespace: policy.Namespace, Labels: policy.Labels, Annotations: policy.Annotations,
	}
	var b bytes.Buffer
	encoder := json.NewSerializerWithOptions(json.DefaultMetaFactory, clientgoscheme.Scheme, clientgoscheme.Scheme,
		json.SerializerOptions{Yaml: true})
	if err := encoder.Encode(shown, &b); err != nil {
		return "", fmt.Errorf("writing NetworkPolicy %s as YAML: %w", policy.Name, err)
	}
	return strings.TrimSpace(b.String()) + "\n", nil
}
