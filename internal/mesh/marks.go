package mesh

import (
	"cmp"
	"maps"
	"strings"
)

// markPrefix begins the keys of labels and annotations by which Istio takes a policy in another way, or not at all. On the
// operator's own objects all of them are the operator's, and it writes none.
const markPrefix = "istio.io/"

// dryRun is the annotation of a policy that is logged and not enforced:
// https://istio.io/latest/docs/tasks/security/authorization/authz-dry-run/
const dryRun = markPrefix + "dry-run"

// revisionLabel is the label of what only the control plane of one revision reads, and of namespaces whose workloads belong to
// it: https://istio.io/latest/docs/setup/upgrade/canary/
const revisionLabel = markPrefix + "rev"

// usualRevision is the revision of a control plane that was installed without one.
const usualRevision = "default"

// DefaultRoot is the namespace that usually is the root namespace: the one whose policies hold for all namespaces.
const DefaultRoot = "istio-system"

// RevisionOf is the revision of the control plane of a namespace with these labels.
func RevisionOf(namespace map[string]string) string {
	return cmp.Or(namespace[revisionLabel], usualRevision)
}

// Guards tells whether a policy denies what no policy allows, to workloads of a control plane. One that is only logged does
// not, nor does one that another control plane reads.
func (p *AuthorizationPolicy) Guards(revision string) bool {
	of := p.Labels[revisionLabel]
	return p.Allows() && p.Annotations[dryRun] != "true" && (of == "" || of == revision)
}

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
