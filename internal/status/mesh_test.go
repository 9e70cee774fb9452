package status_test

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/status"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

func TestMeshed(t *testing.T) {
	taken := plan.Finding{Reason: v1alpha1.ReasonNameTaken, Namespace: "web", Message: "somebody else has it"}
	cases := map[string]struct {
		unmeshed, preview bool
		invalid           field.ErrorList
		mesh              status.Mesh
		want, ready, says string
	}{
		"not asked for":  {unmeshed: true, mesh: status.Mesh{Due: 2}, want: "none", ready: "True/Segmented"},
		"all in place":   {mesh: status.Mesh{Due: 2, Exact: 2}, want: "True/Meshed", ready: "True/Segmented"},
		"no namespace":   {mesh: status.Mesh{}, want: "True/Meshed", ready: "True/Segmented"},
		"some are left":  {mesh: status.Mesh{Due: 2, Exact: 1}, want: "Unknown/Progressing", ready: "Unknown/Progressing"},
		"a write failed": {mesh: status.Mesh{Due: 2, IsFailing: true}, want: "False/Retrying", ready: "False/Retrying"},
		"the kinds are not there": {
			mesh: status.Mesh{Missing: []string{"AuthorizationPolicy", "PeerAuthentication"}, Due: 2}, want: "False/APIMissing", ready: "True/Segmented",
			says: "does not have AuthorizationPolicy and PeerAuthentication of security.istio.io/v1; the NetworkPolicies stand alone",
		},
		"one kind is not there": {
			mesh: status.Mesh{Missing: []string{"PeerAuthentication"}, Due: 2, Exact: 2}, want: "False/APIMissing", ready: "True/Segmented",
			says: "does not have PeerAuthentication of security.istio.io/v1; mutual TLS is not asked for",
		},
		"what is there of the other is being written": {
			mesh: status.Mesh{Missing: []string{"PeerAuthentication"}, Due: 2, Exact: 1}, want: "False/APIMissing", ready: "Unknown/Progressing",
		},
		"they are being read":           {mesh: status.Mesh{IsUnread: true}, want: "Unknown/Progressing", ready: "Unknown/Progressing"},
		"a name is taken":               {mesh: status.Mesh{Due: 2, Findings: []plan.Finding{taken}}, want: "False/NameTaken", ready: "False/NameTaken"},
		"in Preview nothing is written": {preview: true, mesh: status.Mesh{Due: 2}, want: "Unknown/Preview", ready: "True/Preview"},
		"a spec that does not compile": {
			invalid: field.ErrorList{field.Required(field.NewPath("spec"), "a field")}, mesh: status.Mesh{Due: 2},
			want: "Unknown/Invalid", ready: "False/Invalid",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := builders.MakeProfile("shop").Generation(2).Tier(builders.MakeTier("web").Names("web").Obj())
			if c.preview {
				b.Preview()
			}
			if !c.unmeshed {
				b.Istio(v1alpha1.Istio{})
			}
			got := status.Summarize(status.Input{Profile: b.Obj(), Invalid: c.invalid, Mesh: c.mesh, Now: time.Unix(0, 0)})
			text := func(kind string) string {
				found := meta.FindStatusCondition(got.Conditions, kind)
				if found == nil {
					return "none"
				}
				return string(found.Status) + "/" + found.Reason
			}
			if text(v1alpha1.ConditionMeshed) != c.want || text(v1alpha1.ConditionReady) != c.ready {
				t.Errorf("Meshed is %s, want %s; Ready is %s, want %s",
					text(v1alpha1.ConditionMeshed), c.want, text(v1alpha1.ConditionReady), c.ready)
			}
			if found := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionMeshed); c.says != "" && !strings.Contains(found.Message, c.says) {
				t.Errorf("Meshed says %q, want %q", found.Message, c.says)
			}
		})
	}
}
