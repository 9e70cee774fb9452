package operator

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/segmentation-dev/segmentation-operator/test/cluster"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// usage is what the operator's requests show of its permissions.
type usage struct {
	// used has the first request that used a permission.
	used map[permission]string
	// order are the used permissions in the order of these requests.
	order []permission
	// denied are the requests for which a permission was missing.
	denied []string
}

// usageOf returns what the operator has used and missed in the events of an audit log. Tests
// that act as the operator's account themselves do not count.
func usageOf(events []cluster.AuditEvent) usage {
	u := usage{used: map[permission]string{}}
	self := filepath.Base(os.Args[0]) + "/"
	for _, e := range events {
		switch {
		case e.User != deploy.User || strings.HasPrefix(e.UserAgent, self):
		case e.Code == http.StatusForbidden:
			u.deny(e)
		case e.Resource != "": // What is no resource, such as discovery, everybody may ask for.
			for _, p := range needed(e) {
				u.add(p, e)
			}
		}
	}
	return u
}

func (u *usage) add(p permission, e cluster.AuditEvent) {
	if _, known := u.used[p]; !known {
		u.used[p] = e.String()
		u.order = append(u.order, p)
	}
}

// deny takes note of a refusal, once however often it was tried.
func (u *usage) deny(e cluster.AuditEvent) {
	refusal := e.String() + ": " + e.Message
	if !isRefusedForContent(e) && !slices.Contains(u.denied, refusal) {
		u.denied = append(u.denied, refusal)
	}
}

// evidence returns for each of the permissions that were used the first request that did.
func (u *usage) evidence(held granted) []string {
	var out []string
	for p := range held {
		if i := slices.IndexFunc(u.order, p.covers); i >= 0 {
			out = append(out, p.String()+": "+u.used[u.order[i]])
		}
	}
	slices.Sort(out)
	return out
}

// isRefusedForContent tells whether a request was refused for what was to be written: by the
// ceiling, which is what the ceiling is for, or since the namespace is being deleted.
func isRefusedForContent(e cluster.AuditEvent) bool {
	return strings.Contains(e.Message, "is attempting to grant RBAC permissions not currently held") ||
		strings.Contains(e.Message, "because it is being terminated")
}

// needed returns the permissions without which the API server would not have answered a
// request as it did.
func needed(e cluster.AuditEvent) []permission {
	p := permission{
		who: e.User, namespace: e.Namespace, group: e.Group, resource: e.Resource, name: e.Name, verb: e.Verb,
	}
	if e.Resource == "namespaces" {
		p.namespace = "" // Of a namespace the log says that it is in itself.
	}
	if e.Subresource != "" {
		p.resource += "/" + e.Subresource
	}
	var all []permission
	if e.Impersonated != "" {
		p.who = e.Impersonated
		all = append(all, impersonation(e))
	}
	all = append(all, p)
	// Who applies what does not exist creates it, and is asked for that right too.
	if e.Verb == "patch" && e.Code == http.StatusCreated {
		created := p
		created.verb = "create"
		all = append(all, created)
	}
	return all
}

// impersonation is the permission to act as a service account.
func impersonation(e cluster.AuditEvent) permission {
	account := strings.TrimPrefix(e.Impersonated, "system:serviceaccount:")
	namespace, name, _ := strings.Cut(account, ":")
	return permission{who: e.User, namespace: namespace, resource: "serviceaccounts", name: name, verb: "impersonate"}
}

// TestUsage tells apart what in a log speaks for a permission, for a missing one, and for none.
func TestUsage(t *testing.T) {
	const own, program = deploy.User, "operator/v0.0.0 (linux/amd64)"
	role := func(who, verb string) permission {
		return permission{who: who, namespace: "a", group: "rbac.authorization.k8s.io", resource: "roles", name: "r", verb: verb}
	}
	request := func(verb string, code int, message string) cluster.AuditEvent {
		return cluster.AuditEvent{
			User: own, UserAgent: program, Verb: verb, Group: "rbac.authorization.k8s.io", Resource: "roles",
			Namespace: "a", Name: "r", Code: code, Message: message,
		}
	}
	as := func(e cluster.AuditEvent) cluster.AuditEvent { e.Impersonated = granterUser; return e }
	byTest := request("get", http.StatusOK, "")
	byTest.UserAgent = filepath.Base(os.Args[0]) + "/v0.0.0"
	byOther := request("get", http.StatusOK, "")
	byOther.User = "admin"
	impersonate := permission{who: own, namespace: deploy.Namespace, resource: "serviceaccounts", name: granter, verb: "impersonate"}
	cases := map[string]struct {
		event  cluster.AuditEvent
		want   []permission
		denied int
	}{
		"a request that succeeds":                    {event: request("get", http.StatusOK, ""), want: []permission{role(own, "get")}},
		"one that fails for another reason":          {event: request("get", http.StatusNotFound, ""), want: []permission{role(own, "get")}},
		"one that was applied and changed an object": {event: request("patch", http.StatusOK, ""), want: []permission{role(own, "patch")}},
		"one that was applied and created it": {
			event: request("patch", http.StatusCreated, ""), want: []permission{role(own, "patch"), role(own, "create")},
		},
		"one by the granter": {
			event: as(request("delete", http.StatusOK, "")), want: []permission{impersonate, role(granterUser, "delete")},
		},
		"a missing right":              {event: request("get", http.StatusForbidden, `User "x" cannot get resource "roles"`), denied: 1},
		"a refusal of an unknown kind": {event: request("patch", http.StatusForbidden, "not on a Friday"), denied: 1},
		"a refusal by the ceiling":     {event: as(request("patch", http.StatusForbidden, "user is attempting to grant RBAC permissions not currently held"))},
		"a namespace on its way out":   {event: request("patch", http.StatusForbidden, "in namespace a because it is being terminated")},
		"a request of the test's own":  {event: byTest},
		"a request of somebody else":   {event: byOther},
		"a request about no resource":  {event: cluster.AuditEvent{User: own, UserAgent: program, Verb: "get", Code: http.StatusOK}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := usageOf([]cluster.AuditEvent{c.event, c.event})
			if diff := cmp.Diff(c.want, got.order, cmp.AllowUnexported(permission{})); diff != "" {
				t.Errorf("used (-want +got):\n%s", diff)
			}
			if len(got.denied) != c.denied {
				t.Errorf("denied %v, want %d", got.denied, c.denied)
			}
		})
	}
}
