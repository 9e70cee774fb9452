package apply

import (
	"errors"
	"fmt"
	"slices"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/internal/status"
)

// State says how far the namespace is after a pass.
func (r *Result) State() status.State {
	switch {
	case len(r.Taken)+len(r.Stuck)+len(r.Withheld) > 0,
		slices.ContainsFunc(r.Failures, func(f Failure) bool { return !f.isQuiet() }):
		return status.Failing
	case r.Writes > 0 || r.Progress.Waiting || r.Progress.Throttled:
		return status.Written
	default:
		return status.Settled
	}
}

// Err joins the failures that are worth trying again soon; nil if there are none. What was throttled is tried
// again when it may be (see Paused), and what was overtaken when the cache shows by what (see IsOvertaken).
func (r *Result) Err() error {
	var errs []error
	for _, f := range r.Failures {
		if !f.isLasting() && !f.isQuiet() {
			errs = append(errs, f.Err)
		}
	}
	return errors.Join(errs...)
}

// IsOvertaken tells whether somebody has changed what was to be written since it was looked at.
func (r *Result) IsOvertaken() bool {
	return slices.ContainsFunc(r.Failures, func(f Failure) bool { return f.Class == Overtaken })
}

// Refused tells whether a write failed that only a person can mend.
func (r *Result) Refused() bool {
	return slices.ContainsFunc(r.Failures, func(f Failure) bool { return f.isLasting() })
}

// Problems says what keeps the namespace from being settled, each problem once.
func (r *Result) Problems() []status.Problem {
	var problems []status.Problem
	for _, t := range r.Taken {
		problems = appendNew(problems, problem(v1alpha1.ReasonNameTaken,
			"a %s named %s exists that the operator did not write; rename or delete it, the operator needs the name", t.Kind, t.Name))
	}
	for _, s := range r.Stuck {
		problems = appendNew(problems, problem(v1alpha1.ReasonRetrying,
			"the %s named %s is being deleted and waits for its finalizers; it applies until they are removed", s.Kind, s.Name))
	}
	for _, w := range r.Withheld {
		problems = appendNew(problems, withheldProblem(&w))
	}
	for _, f := range r.Failures {
		if !f.isQuiet() {
			problems = appendNew(problems, failureProblem(&f))
		}
	}
	return problems
}

func problem(reason, format string, args ...any) status.Problem {
	return status.Problem{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

func appendNew(problems []status.Problem, p status.Problem) []status.Problem {
	if slices.Contains(problems, p) {
		return problems
	}
	return append(problems, p)
}

func withheldProblem(w *render.Withheld) status.Problem {
	name := w.Binding.RoleRef.Name
	if w.Reason == render.ClusterRoleMissing {
		return problem(v1alpha1.ReasonRoleMissing, roleMissing, name)
	}
	return problem(v1alpha1.ReasonEditsBoundary,
		"ClusterRole %s lets a tier edit its own boundary: it has a writing verb on networkpolicies, roles, rolebindings, namespaces"+
			" or segmentationprofiles; grant less, or say boundaryEdits: Allowed in each access entry that names it", name)
}

func failureProblem(f *Failure) status.Problem {
	switch f.Class {
	case AboveCeiling:
		return problem(v1alpha1.ReasonAboveCeiling, "%s is above what the operator may grant; grant less, or let a cluster admin add %s"+
			" to a ClusterRole labelled segmentation.dev/grantable: \"true\"%s", refused(f), raise(f), missing(f))
	case RoleMissing:
		return problem(v1alpha1.ReasonRoleMissing, roleMissing, f.Role)
	case Rejected:
		return problem(v1alpha1.ReasonRejected, "the API server refused to write a %s: %s", f.Kind, f.Detail)
	default:
		return problem(v1alpha1.ReasonRetrying, "writing a %s failed and is tried again: %s", f.Kind, f.Detail)
	}
}

// refused names what was above the ceiling.
func refused(f *Failure) string {
	if f.IsClusterRole {
		return "ClusterRole " + f.Role
	}
	return "role " + f.Role
}

// raise says what lifts the ceiling above it.
func raise(f *Failure) string {
	if f.IsClusterRole {
		return "bind on it by its name"
	}
	return "the permissions"
}

const roleMissing = "ClusterRole %s does not exist; create it, or correct access.clusterRole"

// maxMissing is how much of the missing permissions is quoted: a status should fit on a screen.
const maxMissing = 200

// missing quotes the permissions that the operator lacks, if the API server named them. Of a ClusterRole they are
// no help: what is missing is the right to bind it.
func missing(f *Failure) string {
	if f.Detail == "" || f.IsClusterRole {
		return ""
	}
	return "; missing are " + status.Shorten(f.Detail, maxMissing)
}
