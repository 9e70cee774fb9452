package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
)

// tally counts a profile's namespaces.
type tally struct {
	claimed, ready, held     int32
	lost, overlap, protected int32
	retrying, pending        int32
	tiers                    map[string]*v1alpha1.TierStatus
	objects                  v1alpha1.ObjectCounts
	access                   access
	paths                    paths
	unseen                   bool
	findings                 []v1alpha1.Finding
}

func count(in *Input) *tally {
	profile := in.Profile
	t := &tally{tiers: map[string]*v1alpha1.TierStatus{}}
	for i := range profile.Spec.Tiers {
		name := profile.Spec.Tiers[i].Name
		t.tiers[string(name)] = &v1alpha1.TierStatus{Name: name}
	}
	for i := range in.Namespaces {
		t.add(profile.Name, &in.Namespaces[i])
	}
	t.addFindings(in)
	slices.SortFunc(t.findings, func(a, b v1alpha1.Finding) int {
		return cmp.Or(lateness(a.Reason)-lateness(b.Reason), cmp.Compare(a.Reason, b.Reason),
			cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Message, b.Message))
	})
	return t
}

// lateness puts findings of which there may be many after others, so that they crowd none out: of what the engine makes of
// dependencies there is one for each, and others may open and grant as much as they like.
func lateness(reason string) int {
	switch reason {
	case v1alpha1.ReasonUndeclaredAccess, v1alpha1.ReasonUndeclaredPath:
		return 2
	case v1alpha1.ReasonEngineNarrower, v1alpha1.ReasonEngineWider:
		return 1
	default:
		return 0
	}
}

func (t *tally) add(profile string, n *Namespace) {
	standing, tiers := n.standing(profile)
	switch standing {
	case claim.StandingClaimed:
		t.addClaimed(n, tiers[0])
	case claim.StandingPreviewed:
		t.claimed++
		t.tier(tiers[0]).Claimed++
		if n.Decision.Outcome == claim.Held && n.Decision.Profile == profile {
			t.held++
		}
	case claim.StandingLost:
		t.lost++
		t.find(v1alpha1.ReasonHeldByOlderProfile, n.Name, fmt.Sprintf(
			"profile %s holds this namespace and is older; let only one of the two select it", n.Decision.Profile))
	case claim.StandingOverlap:
		t.overlap++
		t.find(v1alpha1.ReasonTiersOverlap, n.Name, fmt.Sprintf(
			"tiers %s select this namespace; a namespace belongs to one tier, change their namespaces", strings.Join(tiers, " and ")))
	case claim.StandingProtected:
		t.protected++
		t.find(v1alpha1.ReasonProtectedNamespace, n.Name,
			"this is a system namespace that no profile may claim; it is left out")
	}
	if standing == "" && n.Decision.Outcome == claim.Held && n.Decision.Profile == profile {
		// A member of a profile whose spec cannot be read: whether it is as it should be
		// cannot be told.
		t.claimed++
		t.held++
	}
}

func (t *tally) addClaimed(n *Namespace, tier string) {
	t.claimed++
	t.tier(tier).Claimed++
	switch n.State {
	case Settled:
		t.ready++
		t.tier(tier).Ready++
	case Unseen:
		t.pending++
		t.unseen = true
	case Written:
		t.pending++
	case Failing:
		// Counted by its problems.
	}
	t.objects.NetworkPolicies += int32(n.Policies)
	t.objects.Roles += int32(n.Roles)
	t.objects.RoleBindings += int32(n.Bindings)
	for i := range n.Undeclared {
		t.access.add(n.Name, &n.Undeclared[i])
		t.find(v1alpha1.ReasonUndeclaredAccess, n.Name, n.Undeclared[i].Message)
	}
	for i := range n.Opened {
		if !n.Opened[i].IsCluster {
			t.paths.add(n.Name, n.Opened[i].Policy)
		}
		t.find(v1alpha1.ReasonUndeclaredPath, n.Name, n.Opened[i].Message)
	}
	for _, p := range n.Problems {
		if p.Reason == v1alpha1.ReasonRetrying {
			t.retrying++
		}
		t.find(p.Reason, n.Name, p.Message)
	}
}

func (t *tally) tier(name string) *v1alpha1.TierStatus {
	if t.tiers[name] == nil {
		t.tiers[name] = &v1alpha1.TierStatus{Name: v1alpha1.Name(name)}
	}
	return t.tiers[name]
}

func (t *tally) find(reason, namespace, message string) {
	t.findings = append(t.findings, v1alpha1.Finding{
		Reason:    reason,
		Namespace: v1alpha1.NamespaceName(namespace),
		Message:   strings.ToValidUTF8(message[:min(len(message), maxMessage)], ""),
	})
}

// maxMessage is the longest message of a finding that the CRD takes.
const maxMessage = 1024

// first returns the first finding with the reason, and how many there are.
func (t *tally) first(reason string) (*v1alpha1.Finding, int) {
	var found *v1alpha1.Finding
	n := 0
	for i := range t.findings {
		if t.findings[i].Reason == reason {
			if found == nil {
				found = &t.findings[i]
			}
			n++
		}
	}
	return found, n
}
