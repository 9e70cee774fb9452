package mesh

import (
	"maps"
	"strings"
)

// markPrefix begins the keys of labels and annotations by which Istio takes a policy in another way, or not at all. On the
// operator's own objects all of them are the operator's, and it writes none.
const markPrefix = "istio.io/"

// dryRun is the annotation of a policy that is logged and not enforced:
// https://istio.io/latest/docs/tasks/security/authorization/authz-dry-run/
const dryRun = markPrefix + "dry-run"

// IsMarked tells whether an object has a label or an annotation by which Istio may not enforce it.
func IsMarked(object Object) bool {
	return hasMark(object.GetLabels()) || hasMark(object.GetAnnotations())
}

func hasMark(of map[string]string) bool {
	for key := range of {
		if isMark(key, "") {
			return true
		}
	}
	return false
}

func isMark(key, _ string) bool {
	return strings.HasPrefix(key, markPrefix)
}

// Unmark takes them off.
func Unmark(object Object) {
	labels, annotations := maps.Clone(object.GetLabels()), maps.Clone(object.GetAnnotations())
	maps.DeleteFunc(labels, isMark)
	maps.DeleteFunc(annotations, isMark)
	object.SetLabels(labels)
	object.SetAnnotations(annotations)
}
