package status

import (
	"github.com/segmentation-dev/segmentation-operator/internal/audit"
	"github.com/segmentation-dev/segmentation-operator/internal/claim"
	"github.com/segmentation-dev/segmentation-operator/internal/exposure"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// State says how far a namespace is.
type State string

const (
	// Unseen: the namespace was not looked at yet since the profile changed.
	Unseen State = "Unseen"
	// Written: what had to be written was written, and not seen yet.
	Written State = "Written"
	// Settled: the namespace was seen to be as it should be.
	Settled State = "Settled"
	// Failing: something could not be written.
	Failing State = "Failing"
)

// Namespace is what the operator knows of one namespace.
type Namespace struct {
	// Name is the namespace's name.
	Name string
	// Decision is what became of it.
	Decision claim.Decision
	// State says how far it is.
	State State
	// Problems are what keeps it from being settled.
	Problems []Problem
	// Policies, Roles and Bindings count the objects seen as declared.
	Policies, Roles, Bindings int
	// Undeclared are the RoleBindings of others that grant what the profile does not declare. They
	// keep nothing from being settled.
	Undeclared []audit.Undeclared
	// Opened are the NetworkPolicies of others that open paths which the profile does not declare. They keep nothing from
	// being settled, either.
	Opened []audit.OpenedPaths
	// Ports are those that its pods and Services have.
	Ports []exposure.Port
	// WithoutPods are its Services that dependencies name and that select no pod.
	WithoutPods []string
	// CalledWithoutPods are its Services that dependencies name as those of a peer and that select no pod, sorted.
	CalledWithoutPods []plan.Called
	// PeerOf are the peers of profiles that choose it although it is a member.
	PeerOf []PeerOf
}

// PeerOf is a peer of a profile that chooses a namespace.
type PeerOf struct {
	Profile, Peer string
}

// Problem is something that keeps a namespace from being settled.
type Problem struct {
	// Reason is one of the reasons of conditions: NameTaken, AboveCeiling, RoleMissing, Rejected
	// or Retrying.
	Reason string
	// Message says what is wrong and what to do about it.
	Message string
}

// standing returns how a profile stands to the namespace, and the tiers by which it selects it;
// an empty standing if it does not select it.
func (n *Namespace) standing(profile string) (claim.Standing, []string) {
	for _, s := range n.Decision.Selections {
		if s.Profile == profile {
			return s.Standing, s.Tiers
		}
	}
	return "", nil
}
