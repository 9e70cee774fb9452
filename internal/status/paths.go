package status

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// paths sums up which NetworkPolicies of others open paths that the profile does not declare.
type paths struct {
	counts            v1alpha1.UndeclaredPaths
	namespace, policy string
}

func (p *paths) add(namespace, policy string) {
	p.counts.NetworkPolicies++
	if p.counts.NetworkPolicies > 1 && (p.namespace < namespace || p.namespace == namespace && p.policy <= policy) {
		return
	}
	p.namespace, p.policy = namespace, policy
	p.counts.First = Shorten(namespace+"/"+policy, maxFirst)
}

// since returns the counts; like those of access, those of before as long as there were more and a namespace is not
// looked at yet.
func (p *paths) since(before v1alpha1.UndeclaredPaths, unseen bool) v1alpha1.UndeclaredPaths {
	if unseen && p.counts.NetworkPolicies < before.NetworkPolicies {
		return before
	}
	return p.counts
}

// setIsolated says whether policies of others, or the engine, open what is not declared. Where nothing is compared, or not
// everything yet, or it is not known what enforces policies, and nothing was found, that is not known.
func (c *conditionSetter) setIsolated(t *tally) {
	unknown := func(reason, message string) {
		c.set(v1alpha1.ConditionIsolated, metav1.ConditionUnknown, reason, message)
	}
	first, n := t.first(v1alpha1.ReasonUndeclaredPath)
	switch {
	case len(c.in.Invalid) > 0:
		unknown(v1alpha1.ReasonInvalid, "what the spec declares is not known, so that NetworkPolicies of others are not compared with it")
	case c.in.Profile.Spec.Mode == v1alpha1.ModePreview:
		unknown(v1alpha1.ReasonPreview, "preview: nothing is isolated, so that NetworkPolicies of others are not compared")
	case first != nil:
		c.set(v1alpha1.ConditionIsolated, metav1.ConditionFalse, v1alpha1.ReasonUndeclaredPath, describe(first, n))
	case c.isolatedByEngine(t):
	case t.unseen || c.in.Unmarked:
		unknown(v1alpha1.ReasonProgressing, "not all namespaces were looked at yet")
	default:
		c.set(v1alpha1.ConditionIsolated, metav1.ConditionTrue, v1alpha1.ReasonNoUndeclaredPath,
			fmt.Sprintf("no NetworkPolicy of others opens a path that is not declared; they are taken to be enforced by %s (%s)",
				c.in.Engine, c.in.Engine.Why))
	}
}
