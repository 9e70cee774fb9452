package audit

import (
	"cmp"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// identity is a user or a group as the API server compares them: a service account is a user.
type identity struct {
	group bool
	name  string
}

// String tells identities apart.
func (i identity) String() string {
	if i.group {
		return "group " + i.name
	}
	return "user " + i.name
}

// Names that the API server gives.
const (
	anonymous       = "system:anonymous"
	unauthenticated = "system:unauthenticated"
	authenticated   = "system:authenticated"
	serviceAccount  = "system:serviceaccount:"
	serviceAccounts = "system:serviceaccounts"
)

// through are the identities through which somebody has access: their own, and those of the groups
// that they are in, whatever else they are in. Whoever is in a group was authenticated, but for
// the anonymous user.
func (i identity) through() []identity {
	out := []identity{i}
	switch {
	case i.name == anonymous && !i.group:
		return append(out, identity{group: true, name: unauthenticated})
	case i.group && (i.name == unauthenticated || i.name == authenticated):
		return out
	case i.group && strings.HasPrefix(i.name, serviceAccounts+":"):
		out = append(out, identity{group: true, name: serviceAccounts})
	case !i.group:
		if namespace := i.namespace(); namespace != "" {
			out = append(out,
				identity{group: true, name: serviceAccounts + ":" + namespace},
				identity{group: true, name: serviceAccounts})
		}
	}
	return append(out, identity{group: true, name: authenticated})
}

// namespace is the namespace of a service account; empty for other users.
func (i identity) namespace() string {
	rest, is := strings.CutPrefix(i.name, serviceAccount)
	namespace, name, whole := strings.Cut(rest, ":")
	if !is || !whole || name == "" || strings.Contains(name, ":") {
		return ""
	}
	return namespace
}

// subject is who a RoleBinding grants something to.
type subject struct {
	identity identity
	// kind and name are those that the RoleBinding has.
	kind, name string
}

// subjectsOf returns the subjects of a RoleBinding, sorted, each once. A service account without a
// namespace is one of the RoleBinding's.
func subjectsOf(b *rbacv1.RoleBinding) []subject {
	out := make([]subject, 0, len(b.Subjects))
	known := map[identity]bool{}
	for i := range b.Subjects {
		s, ok := subjectOf(&b.Subjects[i], b.Namespace)
		if ok && !known[s.identity] {
			known[s.identity] = true
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b subject) int { return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name)) })
	return out
}

// subjectOf is not ok for kinds that the API server does not know, which grant nothing.
func subjectOf(s *rbacv1.Subject, namespace string) (subject, bool) {
	switch s.Kind {
	case rbacv1.UserKind:
		return subject{identity{name: s.Name}, s.Kind, s.Name}, true
	case rbacv1.GroupKind:
		return subject{identity{group: true, name: s.Name}, s.Kind, s.Name}, true
	case rbacv1.ServiceAccountKind:
		namespace = cmp.Or(s.Namespace, namespace)
		return subject{identity{name: serviceAccount + namespace + ":" + s.Name}, s.Kind, namespace + "/" + s.Name}, true
	default:
		return subject{}, false
	}
}
