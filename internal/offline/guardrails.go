package offline

import (
	"cmp"
	"slices"

	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
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
	for name, progress := range found {
		r.out.Profiles[name].Findings = append(r.out.Profiles[name].Findings, progress.Findings...)
	}
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
