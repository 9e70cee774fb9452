package operator

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/segmentation-dev/segmentation-operator/test/cluster"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// usage is what the operator's requests show of its permissions.
type usage struct {
	// used has the first request that used a permission.
	used map[permission]string
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
			if !isRefusedForContent(e) {
				u.denied = append(u.denied, e.String()+": "+e.Message)
			}
		case e.Resource != "": // What is no resource, such as discovery, everybody may ask for.
			for _, p := range needed(e) {
				if _, known := u.used[p]; !known {
					u.used[p] = e.String()
				}
			}
		}
	}
	return u
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
