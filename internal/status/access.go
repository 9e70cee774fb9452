package status

import (
	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/audit"
)

// access sums up what others grant in a profile's namespaces and the profile does not declare.
type access struct {
	counts v1alpha1.UndeclaredAccess
	roles  map[roleIn]bool
	// namespace and binding are the first RoleBinding.
	namespace, binding string
}

type roleIn struct{ namespace, name string }

// maxFirst is the longest name of the first RoleBinding that the CRD takes, less what Shorten adds.
const maxFirst = 320 - len(" ...")

func (a *access) add(namespace string, u *audit.Undeclared) {
	a.counts.RoleBindings++
	if in := (roleIn{namespace, u.Role}); u.Role != "" && !a.roles[in] {
		if a.roles == nil {
			a.roles = map[roleIn]bool{}
		}
		a.roles[in] = true
		a.counts.Roles++
	}
	if a.counts.RoleBindings > 1 && (a.namespace < namespace || a.namespace == namespace && a.binding <= u.Binding) {
		return
	}
	a.namespace, a.binding = namespace, u.Binding
	a.counts.First = Shorten(namespace+"/"+u.Binding, maxFirst)
}

// since returns the counts; those of before as long as there were more and a namespace is not looked
// at yet. Every change of a profile has all of its namespaces looked at again: without this, the counts
// would fall and rise each time, and the rise would be told as news.
func (a *access) since(before v1alpha1.UndeclaredAccess, unseen bool) v1alpha1.UndeclaredAccess {
	if unseen && a.counts.RoleBindings < before.RoleBindings {
		return before
	}
	return a.counts
}
