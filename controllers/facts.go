package controllers

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/internal/addresses"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/services"
)

// apiServerService is the Service behind which the API servers are:
// https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
var apiServerService = types.NamespacedName{Namespace: "default", Name: "kubernetes"}

// gatherFacts reads from the cache what the cluster says that profiles depend on. What none of them asks for is not read.
func (p *Profiles) gatherFacts(ctx context.Context, declared *snapshot, called *services.Registry) (*plan.Facts, error) {
	facts := &plan.Facts{
		DNS: map[types.NamespacedName]plan.Service{}, Called: called.Variants(), Others: map[string]*plan.Plan{},
		GoByServiceAddresses: p.byAddress,
	}
	var needs plan.Needs
	for name, c := range declared.byName {
		if c.isPreview || c.identity.deleting {
			continue // It opens nothing.
		}
		facts.Others[name] = c.plan
	}
	for _, c := range declared.byName {
		if c.plan == nil {
			continue
		}
		needs.Add(c.plan)
		if dns := c.plan.DNS; dns != nil && dns.Service != "" {
			name := types.NamespacedName{Namespace: dns.Namespace, Name: dns.Service}
			service, found, err := getService(ctx, p.reader, name)
			if err != nil {
				return nil, err
			}
			if found {
				facts.DNS[name] = service
			}
		}
	}
	if needs.APIServer {
		if err := p.gatherAPIServer(ctx, facts); err != nil {
			return nil, err
		}
	}
	if needs.Addresses {
		return facts, p.gatherAddresses(ctx, facts)
	}
	return facts, nil
}

func (p *Profiles) gatherAPIServer(ctx context.Context, facts *plan.Facts) error {
	var slices discoveryv1.EndpointSliceList
	err := p.reader.List(ctx, &slices, client.InNamespace(apiServerService.Namespace),
		client.MatchingLabels{discoveryv1.LabelServiceName: apiServerService.Name}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return fmt.Errorf("listing the API server's endpoints: %w", err)
	}
	facts.APIServer = addresses.OfEndpointSlices(slices.Items)
	facts.APIServerService, _, err = getService(ctx, p.reader, apiServerService)
	return err
}

func (p *Profiles) gatherAddresses(ctx context.Context, facts *plan.Facts) error {
	var nodes corev1.NodeList
	var ranges networkingv1.ServiceCIDRList
	for _, list := range []client.ObjectList{&nodes, &ranges} {
		if err := p.reader.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
			return fmt.Errorf("listing %T: %w", list, err)
		}
	}
	facts.Addresses.Pods, facts.Addresses.Nodes = addresses.OfNodes(nodes.Items)
	facts.Addresses.Services = addresses.OfServiceCIDRs(ranges.Items)
	return nil
}

// getService reads a Service from the cache.
func getService(ctx context.Context, reader client.Reader, name types.NamespacedName) (service plan.Service, found bool, err error) {
	var obj corev1.Service
	if err := reader.Get(ctx, name, &obj, client.UnsafeDisableDeepCopy); err != nil {
		if apierrors.IsNotFound(err) {
			return plan.Service{}, false, nil
		}
		return plan.Service{}, false, fmt.Errorf("reading Service %s: %w", name, err)
	}
	return plan.ServiceOf(&obj), obj.DeletionTimestamp == nil, nil
}

// touch takes note that the cluster may say something else.
func (p *Profiles) touch() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.touched = true
}

// ChangedWith sets what is called with namespaces to which something else is due, as the cluster says something else.
// It is called while profiles are being taken, and must not ask for them.
func (p *Profiles) ChangedWith(changed func(namespaces []string)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changed = changed
}

// foundWith sets what is called with profiles about which something else may be found.
func (p *Profiles) foundWith(found func(profiles []string)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.found = found
}
