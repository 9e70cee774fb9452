package offline

import (
	"slices"

	"github.com/segmentation-dev/segmentation-operator/internal/addresses"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/engine"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// findEngine finds the engine that enforces policies.
func (r *renderer) findEngine() engine.Found {
	switch {
	case r.world.Engine.Name != "":
		return r.world.Engine
	case !r.world.isRead(Pods) || len(r.world.Pods) == 0:
		return engine.Found{Name: engine.Unknown, Why: "no pods are known"}
	default:
		return engine.Detect(r.world.Pods)
	}
}

// judgeEngine tells what the engine makes of the profiles.
func (r *renderer) judgeEngine(called map[plan.Called][]plan.Variant) {
	cluster := &addresses.Cluster{}
	cluster.Pods, cluster.Nodes = addresses.OfNodes(r.world.Nodes)
	for _, p := range r.out.Profiles {
		if p.Plan != nil {
			p.Engine = engine.Findings(p.Plan.InEachForm(called), r.out.Engine, cluster)
		}
	}
}

// engine tells what the engine makes of the profiles that are enforced, and that none is found.
func (a *auditor) engine() {
	isCluster := a.world.isRead(Pods) && len(a.world.Pods) > 0 && len(a.world.Nodes) > 0
	if found := a.rendered.Engine; found.Name == engine.Unknown && isCluster {
		a.find(Found{Rule: NoEngine, Kind: "Cluster", Name: "cluster", Message: "it is not known which engine enforces NetworkPolicies, " +
			"or whether any does: " + found.Why + "; see docs/engines.md, and give its name by --network-engine"})
	}
	for name, p := range a.rendered.Profiles {
		if !a.isEnforced(name) {
			continue
		}
		for _, f := range p.Engine {
			a.find(Found{Rule: Rule(f.Effect), Kind: "SegmentationProfile", Name: name, Profile: name, Message: f.Message})
		}
	}
}

// isEnforced tells whether a profile has a namespace.
func (a *auditor) isEnforced(profile string) bool {
	return slices.ContainsFunc(a.rendered.Namespaces, func(n Namespace) bool {
		return n.Decision.Outcome == claim.Claimed && n.Decision.Profile == profile
	})
}
