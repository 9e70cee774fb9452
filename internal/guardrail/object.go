package guardrail

import (
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// Names are made of DNS labels with dots between them, and profiles and tiers have no dots: so no two have the same.

func prefix(profile string) string { return render.Prefix + "." + profile }

func allName(profile string) string { return prefix(profile) + ".all" }

func tierName(profile, tier string) string { return prefix(profile) + ".tier." + tier }

// DenyName is the name of the object that denies what no rule of a profile's guardrails passes.
func DenyName(profile string) string { return prefix(profile) + ".deny" }

// BaselineName is the name of the object of the Baseline tier.
func BaselineName(profile string) string { return prefix(profile) + ".baseline" }

const partInfix = ".part-"

// partName is the name of an object of a lane, from 1.
func partName(lane string, part int) string {
	if part == 1 {
		return lane
	}
	return lane + partInfix + strconv.Itoa(part)
}

// partOf returns the part that a name stands for; 0 if it is none of the lane.
func partOf(lane, name string) int {
	rest, ok := strings.CutPrefix(name, lane)
	if !ok {
		return 0
	}
	if rest == "" {
		return 1
	}
	digits, ok := strings.CutPrefix(rest, partInfix)
	part, err := strconv.Atoi(digits)
	if !ok || err != nil || part < 2 || partName(lane, part) != name {
		return 0
	}
	return part
}

// IsOurs tells whether the operator wrote an object.
func IsOurs(policy *policyv1alpha2.ClusterNetworkPolicy) bool {
	return policy.Labels[v1alpha1.ManagedByLabel] == v1alpha1.ManagedByValue
}

// ProfileOf is the profile that an object of the operator's is for.
func ProfileOf(policy *policyv1alpha2.ClusterNetworkPolicy) string {
	return policy.Labels[v1alpha1.ProfileLabel]
}

// ownersOf returns who owns the objects of a profile: the profile, and what keeps them when it is gone. Its guardrails must
// not go in any order: first what denies, then what passes.
func ownersOf(p *plan.Plan) []metav1.OwnerReference {
	if p.UID == "" {
		return nil
	}
	out := []metav1.OwnerReference{render.ProfileReference(p.Profile, p.UID)}
	if p.Keeper != nil {
		out = append(out, *p.Keeper)
	}
	return out
}

// object begins an object.
func (g *Guard) object(name, tier string, entries []string) *policyv1alpha2.ClusterNetworkPolicy {
	labels := map[string]string{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue, v1alpha1.ProfileLabel: g.Profile}
	if tier != "" {
		labels[v1alpha1.TierLabel] = tier
	}
	out := &policyv1alpha2.ClusterNetworkPolicy{
		TypeMeta: metav1.TypeMeta{APIVersion: policyv1alpha2.GroupVersion.String(), Kind: "ClusterNetworkPolicy"},
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Labels: labels, OwnerReferences: g.owners,
			Annotations: map[string]string{v1alpha1.DeclaredByAnnotation: strings.Join(entries, render.EntrySeparator)},
		},
	}
	out.Spec.Tier = policyv1alpha2.AdminTier
	return out
}

// deny is the object that denies all between members and pods of the cluster that no rule passes.
func (g *Guard) deny(exempt []string) *policyv1alpha2.ClusterNetworkPolicy {
	out := g.object(DenyName(g.Profile), "", []string{"guardrails"})
	out.Spec.Subject.Namespaces = except(members(g.Profile), exempt)
	out.Spec.Ingress = []policyv1alpha2.ClusterNetworkPolicyIngressRule{{
		Name: "undeclared", Action: policyv1alpha2.ClusterNetworkPolicyRuleActionDeny,
		From: []policyv1alpha2.ClusterNetworkPolicyIngressPeer{everybody().ingress()},
	}}
	out.Spec.Egress = []policyv1alpha2.ClusterNetworkPolicyEgressRule{{
		Name: "undeclared", Action: policyv1alpha2.ClusterNetworkPolicyRuleActionDeny,
		To: []policyv1alpha2.ClusterNetworkPolicyEgressPeer{everybody().egress()},
	}}
	return out
}

// baseline denies what no NetworkPolicy decides. On ingress it can name pods only.
func (g *Guard) baseline() *policyv1alpha2.ClusterNetworkPolicy {
	out := g.deny(nil)
	out.Name = BaselineName(g.Profile)
	out.Spec.Tier = policyv1alpha2.BaselineTier
	everywhere := policyv1alpha2.ClusterNetworkPolicyEgressPeer{Networks: []policyv1alpha2.CIDR{"0.0.0.0/0", "::/0"}}
	out.Spec.Egress[0].To = append(out.Spec.Egress[0].To, everywhere)
	return out
}
