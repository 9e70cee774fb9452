package status

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// Mesh is what is known of the policies of Istio of a profile.
type Mesh struct {
	// Missing are the kinds that are needed and that the cluster does not have.
	Missing []string
	// IsUnread is set as long as it is not known what the cluster has of the kinds that are needed.
	IsUnread bool
	// Due is the number of namespaces that are due in its tiers, and Exact of those that were seen to hold what they should.
	Due, Exact int
	// IsFailing is set if a write failed.
	IsFailing bool
	// Findings are what a person should look at in single namespaces.
	Findings []plan.Finding
}

// setMeshed says whether the policies of Istio are as they should be. Whether workloads have a part in the mesh is not known.
func (c *conditionSetter) setMeshed() {
	set := func(value metav1.ConditionStatus, reason, message string) {
		c.set(v1alpha1.ConditionMeshed, value, reason, message)
	}
	m := &c.in.Mesh
	switch {
	case c.in.Profile.Spec.Mesh.Istio == nil:
		meta.RemoveStatusCondition(&c.conditions, v1alpha1.ConditionMeshed)
	case len(c.in.Invalid) > 0:
		set(metav1.ConditionUnknown, v1alpha1.ReasonInvalid, "what the spec declares is not known; policies of Istio stay as they are")
	case c.in.Profile.Spec.Mode == v1alpha1.ModePreview:
		set(metav1.ConditionUnknown, v1alpha1.ReasonPreview, "preview: policies of Istio are not written")
	case len(m.Missing) > 0:
		set(metav1.ConditionFalse, v1alpha1.ReasonAPIMissing, m.missing())
	case len(m.taken()) > 0:
		set(metav1.ConditionFalse, v1alpha1.ReasonNameTaken, fmt.Sprintf("namespace %s: %s", m.taken()[0].Namespace, m.taken()[0].Message))
	case m.IsFailing:
		set(metav1.ConditionFalse, v1alpha1.ReasonRetrying,
			"policies of Istio could not be written, and are tried again; the operator's log says why")
	case m.IsUnread:
		set(metav1.ConditionUnknown, v1alpha1.ReasonProgressing, "policies of Istio are being read")
	case m.Exact < m.Due:
		set(metav1.ConditionUnknown, v1alpha1.ReasonProgressing,
			fmt.Sprintf("policies of Istio are in place in %d of %d namespaces", m.Exact, m.Due))
	default:
		set(metav1.ConditionTrue, v1alpha1.ReasonMeshed, fmt.Sprintf("policies of Istio are in place in %d namespaces", m.Due))
	}
}

// missing says what the cluster does not have, and what that means.
func (m *Mesh) missing() string {
	out := "the cluster does not have " + strings.Join(m.Missing, " and ") + " of " + mesh.GroupVersion().String()
	if slices.Contains(m.Missing, mesh.KindAuthorizationPolicy) {
		return out + "; the NetworkPolicies stand alone"
	}
	return out + "; mutual TLS is not asked for"
}

func (m *Mesh) taken() []plan.Finding {
	var out []plan.Finding
	for _, f := range m.Findings {
		if f.Reason == v1alpha1.ReasonNameTaken {
			out = append(out, f)
		}
	}
	return out
}

// meshing tells what is left to do for policies of Istio, if anything.
func (c *conditionSetter) meshing() (reason, message string) {
	m := &c.in.Mesh
	switch isWanted := c.in.Profile.Spec.Mesh.Istio != nil && c.in.Profile.Spec.Mode != v1alpha1.ModePreview; {
	case !isWanted || slices.Contains(m.Missing, mesh.KindAuthorizationPolicy) || len(c.in.Invalid) > 0 || len(m.taken()) > 0:
		return "", ""
	case m.IsFailing:
		return v1alpha1.ReasonRetrying, "policies of Istio could not be written, and are tried again"
	case m.IsUnread || m.Exact < m.Due:
		return v1alpha1.ReasonProgressing, "policies of Istio are being written"
	default:
		return "", ""
	}
}
