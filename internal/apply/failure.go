package apply

import (
	"errors"
	"net/http"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"

	"github.com/segmentation-dev/segmentation-operator/internal/backpressure"
	"github.com/segmentation-dev/segmentation-operator/internal/status"
)

// FailureClass says what a failed write means for whoever waits for it.
type FailureClass string

const (
	// Retry: trying again is likely to help.
	Retry FailureClass = "Retry"
	// AboveCeiling: the API server does not let the operator grant permissions that it does
	// not hold itself. An administrator has to raise the ceiling, or the profile to ask
	// for less.
	AboveCeiling FailureClass = "AboveCeiling"
	// Rejected: the API server understood the write and refused it, as an admission policy
	// or a quota does.
	Rejected FailureClass = "Rejected"
	// RoleMissing: the ClusterRole that was to be bound does not exist.
	RoleMissing FailureClass = "RoleMissing"
	// Overtaken: somebody has changed the namespace, or what is in it, since it was looked at, or is deleting it. It
	// is looked at again, and nobody has to read of it.
	Overtaken FailureClass = "Overtaken"
	// Throttled: the API server had no room for the write, and did not make it. It is tried again when the
	// API server wants that, and nobody has to read of it; but what has to come after it waits.
	Throttled FailureClass = "Throttled"
)

// Failure is a write that failed.
type Failure struct {
	// Kind is the kind of the object.
	Kind Kind
	// Class says what the failure means.
	Class FailureClass
	// Role is the role of the profile, or the ClusterRole, that could not be granted; set
	// for AboveCeiling and RoleMissing.
	Role string
	// IsClusterRole is set if Role is a ClusterRole.
	IsClusterRole bool
	// Detail is what the API server said, without what differs from try to try, such as
	// addresses: such a text would make status change for ever.
	Detail string
	// Err is the error itself, for logs.
	Err error
}

// isLasting tells whether only a person can mend it.
func (f *Failure) isLasting() bool {
	return f.Class != Retry && !f.isQuiet()
}

// isQuiet tells whether nobody has to read of it: nothing is wrong, and it passes by itself.
func (f *Failure) isQuiet() bool {
	return f.Class == Overtaken || f.Class == Throttled
}

// escalation is how the API server says that a grant would be an escalation:
// k8s.io/kubernetes/pkg/registry/rbac/validation/internal_version_adapter.go.
const escalation = "attempting to grant RBAC permissions not currently held"

func classify(kind Kind, role string, err error) Failure {
	failure := Failure{Kind: kind, Class: Retry, Detail: reason(err), Err: err}
	switch {
	case errors.Is(err, errPaused), backpressure.IsThrottled(err):
		failure.Class = Throttled
	case isOvertaken(err):
		failure.Class = Overtaken
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), escalation):
		failure.Class, failure.Role, failure.Detail = AboveCeiling, role, missingRules(err.Error())
	case errors.Is(err, errAltered):
		failure.Class, failure.Detail = Rejected, errAltered.Error()
	case kind == KindRoleBinding && isMissingRole(err, role):
		failure.Class, failure.Role, failure.Detail = RoleMissing, role, ""
	case apierrors.IsNotFound(err):
		failure.Class = Overtaken // What was to be changed is gone, or the namespace is.
	case isUnauthorized(err):
		// The operator may do what it does. An API server that has just started may not know yet.
	case apierrors.IsForbidden(err), apierrors.IsInvalid(err), apierrors.IsBadRequest(err),
		apierrors.IsRequestEntityTooLargeError(err):
		failure.Class, failure.Detail = Rejected, refusal(err)
	}
	return failure
}

// isOvertaken tells whether somebody was faster: what was to be changed is not what it was, what was to be created is
// there, or the namespace is being deleted.
func isOvertaken(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) ||
		errors.Is(err, errGoing) || apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause)
}

// isUnsure tells whether a write may have been made although it failed: the API server was not heard of any
// more, or could not tell itself.
func isUnsure(err error) bool {
	if err == nil || utilnet.IsConnectionRefused(err) {
		return false
	}
	var answer apierrors.APIStatus
	return !errors.As(err, &answer) || answer.Status().Code >= http.StatusInternalServerError
}

// isUnauthorized tells whether it was the authorizer that refused a request, and not an admission
// policy or a quota: k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go.
func isUnauthorized(err error) bool {
	return apierrors.IsUnauthorized(err) || apierrors.IsForbidden(err) && authorizer.MatchString(err.Error())
}

var authorizer = regexp.MustCompile(`is forbidden: User "[^"]*" cannot [a-z]+ resource "`)

// isMissingRole tells whether the API server looked for the role to be bound, to see whether it
// may be granted, and did not find it. Its answer names the role, but calls it a RoleBinding.
func isMissingRole(err error, role string) bool {
	var answer apierrors.APIStatus
	return apierrors.IsNotFound(err) && errors.As(err, &answer) &&
		answer.Status().Details != nil && answer.Status().Details.Name == role
}

// maxRefusal is how much of a refusal is quoted.
const maxRefusal = 300

// refusal quotes what the API server, or an admission policy, said against a write.
func refusal(err error) string {
	var answer apierrors.APIStatus
	if !errors.As(err, &answer) || answer.Status().Message == "" {
		return reason(err)
	}
	return status.Shorten(answer.Status().Message, maxRefusal)
}

func reason(err error) string {
	if reason := apierrors.ReasonForError(err); reason != metav1.StatusReasonUnknown {
		return string(reason)
	}
	return "the API server could not be reached"
}

// missingRules takes the rules that the operator lacks out of the API server's message,
// which lists one per line after a colon.
func missingRules(message string) string {
	_, rules, found := strings.Cut(message, escalation+":\n")
	if !found {
		return ""
	}
	return strings.Join(strings.Split(strings.TrimSpace(rules), "\n"), "; ")
}
