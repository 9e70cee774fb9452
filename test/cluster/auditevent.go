package cluster

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// AuditEvent is a request to the API server that was answered.
type AuditEvent struct {
	// User is who made the request.
	User string
	// Impersonated is as whom it was made, if not as the user. What it may do is then what
	// the impersonated user may do.
	Impersonated string
	// UserAgent is what program made it, as it says itself.
	UserAgent string
	// Verb is what was asked for: get, list, watch, create, update, patch, delete or
	// deletecollection; and the HTTP method in lower case for what is no resource.
	Verb string
	// Group, Resource and Subresource say what kind of thing it was about. They are
	// empty for what is no resource.
	Group, Resource, Subresource string
	// Namespace and Name say which one it was about, as far as the request did.
	Namespace, Name string
	// RequestURI is the path with its parameters.
	RequestURI string
	// Stage is ResponseComplete, or Panic if the API server failed.
	Stage string
	// Code is the HTTP status of the answer.
	Code int
	// Message is what the API server said to a request that failed.
	Message string
	// Received and Completed say when the request came and when it was answered.
	Received, Completed time.Time
	// Body is what was sent, at AuditRequest.
	Body json.RawMessage
}

// IsWrite tells whether the request was one to change something that is stored. A
// token, a review of one or of access, and what a dry run creates or changes are
// not stored. The dry run of a deletion, which only its body tells, counts as one.
func (e AuditEvent) IsWrite() bool {
	if strings.Contains(e.RequestURI, "dryRun=All") {
		return false
	}
	switch e.Verb {
	case "create":
		return e.Group != "authorization.k8s.io" && e.Group != "authentication.k8s.io" && e.Subresource != "token"
	case "update", "patch", "delete", "deletecollection":
		return true
	default:
		return false
	}
}

// String says in one line what was asked and how it was answered, for the
// messages of failed tests.
func (e AuditEvent) String() string {
	who := e.User
	if e.Impersonated != "" {
		who += " as " + e.Impersonated
	}
	return fmt.Sprintf("%s %s %s: %d", who, e.Verb, e.RequestURI, e.Code)
}

// auditLine is an event as the API server writes it: as much of audit.k8s.io/v1
// as is used here, which saves a dependency on all of k8s.io/apiserver.
type auditLine struct {
	Stage                    string          `json:"stage"`
	Verb                     string          `json:"verb"`
	RequestURI               string          `json:"requestURI"`
	UserAgent                string          `json:"userAgent"`
	RequestReceivedTimestamp time.Time       `json:"requestReceivedTimestamp"`
	StageTimestamp           time.Time       `json:"stageTimestamp"`
	RequestObject            json.RawMessage `json:"requestObject"`
	User                     struct {
		Username string `json:"username"`
	} `json:"user"`
	ImpersonatedUser struct {
		Username string `json:"username"`
	} `json:"impersonatedUser"`
	ObjectRef struct {
		APIGroup    string `json:"apiGroup"`
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
	} `json:"objectRef"`
	ResponseStatus struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"responseStatus"`
}

func (l auditLine) event() AuditEvent {
	return AuditEvent{
		User:         l.User.Username,
		Impersonated: l.ImpersonatedUser.Username,
		UserAgent:    l.UserAgent,
		Verb:         l.Verb,
		Group:        l.ObjectRef.APIGroup,
		Resource:     l.ObjectRef.Resource,
		Subresource:  l.ObjectRef.Subresource,
		Namespace:    l.ObjectRef.Namespace,
		Name:         l.ObjectRef.Name,
		RequestURI:   l.RequestURI,
		Stage:        l.Stage,
		Code:         l.ResponseStatus.Code,
		Message:      l.ResponseStatus.Message,
		Received:     l.RequestReceivedTimestamp,
		Completed:    l.StageTimestamp,
		Body:         l.RequestObject,
	}
}
