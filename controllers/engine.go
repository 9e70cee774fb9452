package controllers

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/engine"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/services"
)

// enforcement says what enforces policies: given by a flag, or to be found among the pods.
type enforcement struct {
	given engine.Found
	// pods reads the pods of a namespace; nil if they are not watched.
	pods podReader
}

// podReader reads the pods of a namespace.
type podReader func(ctx context.Context, namespace string) ([]corev1.Pod, error)

// EnforcedBy sets the engine that enforces policies; without a name it is found among the pods, if these are watched. It
// is called before anything is compiled.
func (p *Profiles) EnforcedBy(given engine.Found, watchPods bool) {
	p.enforced.given = given
	if watchPods {
		p.enforced.pods = p.podsIn
	}
}

// podsIn reads the pods of a namespace from the cache.
func (p *Profiles) podsIn(ctx context.Context, namespace string) ([]corev1.Pod, error) {
	var list corev1.PodList
	if err := p.reader.List(ctx, &list, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing pods: %w", err)
	}
	return list.Items, nil
}

// findEngine finds the engine that enforces policies.
func (p *Profiles) findEngine(ctx context.Context) (engine.Found, error) {
	switch {
	case p.enforced.given.Name != "":
		return p.enforced.given, nil
	case p.enforced.pods == nil:
		return engine.Found{Name: engine.Unknown, Why: "pods are not watched (--watch-pods=false)"}, nil
	}
	var telling []corev1.Pod
	for _, namespace := range engine.Namespaces() {
		pods, err := p.enforced.pods(ctx, namespace)
		if err != nil {
			return engine.Found{}, err
		}
		for i := range pods {
			if engine.Tells(&pods[i]) {
				telling = append(telling, pods[i])
			}
		}
	}
	return engine.Detect(telling), nil
}

// tellEngine logs which engine policies are taken to be enforced by, when it is another one than before.
func (s *snapshot) tellEngine(ctx context.Context, before *snapshot) {
	log := logr.FromContextOrDiscard(ctx)
	switch {
	case before != nil && before.engine == s.engine:
	case s.engine.IsKnown():
		log.Info("NetworkPolicies are taken to be enforced by an engine",
			"engine", s.engine.Name, "version", s.engine.Version, "why", s.engine.Why)
	default:
		log.Info("NetworkPolicies are enforced by nothing that is known", "engine", s.engine.Name, "why", s.engine.Why)
	}
}

// judged is the same profile with what the engine makes of it.
func (c *compiled) judged(found engine.Found, facts *plan.Facts) *compiled {
	if c.plan == nil || c.identity.deleting {
		return c
	}
	out := *c
	said := *c.plan
	said.LeftOut = c.leftOut
	out.byEngine = engine.Brief(engine.Findings(said.InEachForm(facts.Called), found, &facts.Addresses))
	return &out
}

// findsTheSame tells whether nothing else is found about a profile.
func (c *compiled) findsTheSame(other *compiled) bool {
	return slices.Equal(c.findings, other.findings) && slices.Equal(c.byEngine, other.byEngine)
}

// names are what names of ports stand for.
type names struct {
	known *services.Names
	// asked are the namespaces in which that depends on the pods, and dns those in which the answering of names does.
	asked, dns map[string]bool
}

func newNames() names {
	return names{known: services.NewNames(), asked: map[string]bool{}, dns: map[string]bool{}}
}

// put takes note of what was found in a namespace. It tells whether that matters to others.
func (n *names) put(namespace string, found called) (matters bool) {
	if found.asksPods {
		n.asked[namespace] = true
	} else {
		delete(n.asked, namespace)
	}
	return n.known.Put(namespace, found.names)
}

// namingOf are the names of ports that profiles give and the engine does not take.
func namingOf(profiles map[string]*compiled, found engine.Found) []plan.Naming {
	var out []plan.Naming
	for _, c := range profiles {
		if c.plan != nil && !c.identity.deleting {
			out = append(out, c.plan.Names(found.Forms())...)
		}
	}
	return out
}

// namedIn looks up what names of ports stand for in a namespace.
func (s *snapshot) namedIn(ctx context.Context, namespace claim.Namespace, tier plan.TierOf, out *called) (err error) {
	out.names = plan.NamesIn(s.naming, namespace, tier, func() (pods []corev1.Pod) {
		if s.pods != nil {
			pods, err = s.pods(ctx, namespace.Name)
		}
		return pods
	})
	out.asksPods = out.asksPods || out.names != nil
	return err
}

// service reads a Service: with the numbers of its pods' ports where the engine does not take their names. It tells
// whether it has names that matter.
func (s *snapshot) service(
	ctx context.Context, reader client.Reader, name types.NamespacedName,
) (service plan.Service, hasNames, found bool, err error) {
	service, found, err = getService(ctx, reader, name)
	if err != nil || !found || s.pods == nil || !s.engine.Forms().AskNames() || !service.HasNames() {
		return service, false, found, err
	}
	pods, err := s.pods(ctx, name.Namespace)
	return service.Numbered(pods), true, true, err
}
