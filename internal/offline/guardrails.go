package offline

import (
	"cmp"
	"slices"

	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/engine"
	"github.com/segmentation-dev/segmentation-operator/internal/guardrail"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// guard works out the guardrails of all profiles. Where the cluster does not have the kind, there are none.
func (r *renderer) guard() {
	in := &guardrail.Input{
		Observed: pointersTo(r.world.ClusterPolicies), Kept: map[string]bool{},
		Band: cmp.Or(r.world.GuardrailPriorities, guardrail.UsualBand()),
	}
	isMissing := slices.Contains(r.world.Missing, ClusterPolicies)
	for name, p := range r.out.Profiles {
		switch {
		case !p.isWritten():
			in.Kept[name] = true
		case p.Plan.Guardrails == nil:
		case isMissing:
			p.Findings = append(p.Findings, plan.Finding{
				Reason:  v1alpha1.ReasonAPIMissing,
				Message: "the cluster does not have ClusterNetworkPolicies of policy.networking.k8s.io/v1alpha2: there are no guardrails",
			})
		default:
			in.Guards = append(in.Guards, guardrail.New(p.Plan, r.addresses, nil))
		}
	}
	for i := range in.Observed {
		if name := guardrail.ProfileOf(in.Observed[i]); guardrail.IsOurs(in.Observed[i]) && r.out.Profiles[name] == nil {
			in.Kept[name] = true // How it was deleted is not known.
		}
	}
	all, found := guardrail.Final(in)
	r.out.guards = all
	why := r.out.Engine.WithoutGuards()
	for name, progress := range found {
		p := r.out.Profiles[name]
		p.Findings = append(p.Findings, progress.Findings...)
		if why != "" {
			p.Findings = append(p.Findings, plan.Finding{
				Reason:  v1alpha1.ReasonGuardrailWider,
				Message: why + ": guardrails are written, and it is not known that anybody enforces them",
			})
		}
	}
}

// enforced are ClusterNetworkPolicies, unless the engine is known not to enforce them.
func enforced(by engine.Found, guards []*policyv1alpha2.ClusterNetworkPolicy) []*policyv1alpha2.ClusterNetworkPolicy {
	if by.WithoutGuards() != "" {
		return nil
	}
	return guards
}

// isWritten tells whether the operator writes what the profile declares.
func (p *Profile) isWritten() bool {
	return p.Plan != nil && len(p.Invalid) == 0 && !p.Preview && p.Profile.DeletionTimestamp == nil
}

// Guardrails are the operator's ClusterNetworkPolicies for a profile as they are in the end, sorted by name.
func (r *Rendered) Guardrails(profile string) []*policyv1alpha2.ClusterNetworkPolicy {
	var out []*policyv1alpha2.ClusterNetworkPolicy
	for _, o := range r.guards {
		if guardrail.IsOurs(o) && guardrail.ProfileOf(o) == profile {
			out = append(out, o)
		}
	}
	return out
}
