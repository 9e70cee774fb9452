package controllers

import (
	"context"
	"fmt"
	"time"

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

// gatherFacts reads from the cache what the cluster says that profiles depend on. What none of them asks for is not read.
func (p *Profiles) gatherFacts(ctx context.Context, declared *snapshot, called *services.Registry) (*plan.Facts, error) {
	facts := &plan.Facts{
		DNS: map[types.NamespacedName]plan.Service{}, Called: called.Variants(), Others: map[string]*plan.Plan{},
		GoByServiceAddresses: p.byAddress, Forms: declared.engine.Forms(), Names: p.names.known.Numbers(),
	}
	p.names.dns = map[string]bool{}
	var needs plan.Needs
	for name, c := range declared.byName {
		if !c.claimant.Preview && !c.identity.deleting {
			facts.Others[name] = c.plan // Any other opens nothing.
		}
		if c.plan == nil {
			continue
		}
		needs.Add(c.plan)
		if err := p.gatherDNS(ctx, declared, c.plan.DNS, facts); err != nil {
			return nil, err
		}
	}
	if needs.APIServer {
		if err := p.gatherAPIServer(ctx, facts); err != nil {
			return nil, err
		}
	}
	// The engine may make something of the addresses of the API server, too: they are those of nodes.
	if needs.Addresses || needs.APIServer && declared.engine.IsKnown() {
		return facts, p.gatherAddresses(ctx, facts)
	}
	return facts, nil
}

// gatherDNS looks up the Service by which a profile has names resolved.
func (p *Profiles) gatherDNS(ctx context.Context, declared *snapshot, dns *plan.DNS, facts *plan.Facts) error {
	if dns == nil || dns.Service == "" {
		return nil
	}
	name := types.NamespacedName{Namespace: dns.Namespace, Name: dns.Service}
	service, hasNames, found, err := declared.service(ctx, p.reader, name)
	if found {
		facts.DNS[name] = service
	}
	if hasNames {
		p.names.dns[name.Namespace] = true
	}
	return err
}

func (p *Profiles) gatherAPIServer(ctx context.Context, facts *plan.Facts) error {
	var slices discoveryv1.EndpointSliceList
	err := p.reader.List(ctx, &slices, client.InNamespace(plan.APIServerService.Namespace),
		client.MatchingLabels{discoveryv1.LabelServiceName: plan.APIServerService.Name}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return fmt.Errorf("listing the API server's endpoints: %w", err)
	}
	facts.APIServer = addresses.OfEndpointSlices(slices.Items)
	facts.APIServerService, _, err = getService(ctx, p.reader, plan.APIServerService)
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

// foundWith adds what is called with profiles about which something else may be found.
func (p *Profiles) foundWith(found func(profiles []string)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.found
	p.found = func(profiles []string) {
		before(profiles)
		found(profiles)
	}
}

// restFor is for how many times as long as it took what the cluster says is not looked at again, and maxRest the
// longest. Who may change a Service of his may have all namespaces taken anew by it, as often as he likes: that must
// not be all that is done.
const (
	restFor = 20
	maxRest = 10 * time.Second
)

// Pace has what the cluster says looked at for a twentieth of the time at most. What changes in between waits.
func (p *Profiles) Pace() { p.isPaced = true }

// paceSince takes note that it was looked at.
func (p *Profiles) paceSince(began time.Time) {
	p.lookedAround = time.Now()
	p.rest = min(restFor*p.lookedAround.Sub(began), maxRest)
}

// isResting tells whether what has changed waits for now. If so, it is looked at when that is over.
func (p *Profiles) isResting() bool {
	left := p.rest - time.Since(p.lookedAround)
	if !p.isPaced || left <= 0 {
		return false
	}
	if !p.isDue {
		p.isDue = true
		time.AfterFunc(left, p.due)
	}
	return true
}

// due has what has changed looked at: any namespace will do.
func (p *Profiles) due() {
	p.mu.Lock()
	p.isDue = false
	changed := p.changed
	p.mu.Unlock()
	changed([]string{plan.APIServerService.Namespace})
}
