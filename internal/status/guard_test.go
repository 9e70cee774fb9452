package status_test

import (
	"cmp"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/engine"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/status"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

func TestGuarded(t *testing.T) {
	known := status.Guard{IsKnown: true, IsInstalled: true, Bundle: "v0.2.0", Objects: 3}
	with := func(change func(*status.Guard)) status.Guard {
		out := known
		change(&out)
		return out
	}
	finding := func(reason string, isClosed bool) status.Guard {
		return with(func(g *status.Guard) {
			g.Findings, g.IsClosed = []plan.Finding{{Reason: reason, Message: "something is wrong"}}, isClosed
		})
	}
	cases := map[string]struct {
		preview bool
		engine  engine.Name
		guard   status.Guard
		want    string
		ready   string
		says    string
	}{
		"as they should be":             {guard: known, want: "True/Guarded", ready: "True/Segmented", says: "3 objects"},
		"nothing is known yet":          {want: "Unknown/Progressing", ready: "Unknown/Progressing"},
		"the kind is not there":         {guard: status.Guard{IsKnown: true}, want: "False/APIMissing", ready: "True/Segmented", says: "the NetworkPolicies stand alone"},
		"writes are left":               {guard: with(func(g *status.Guard) { g.IsPending = true }), want: "Unknown/Progressing", ready: "Unknown/Progressing"},
		"a namespace is exempt":         {guard: with(func(g *status.Guard) { g.Exempt = []string{"a", "b"} }), want: "Unknown/Progressing", ready: "True/Segmented", says: "2 namespaces, first a"},
		"a write failed":                {guard: with(func(g *status.Guard) { g.IsPending, g.IsFailing = true, true }), want: "False/Retrying", ready: "False/Retrying"},
		"somebody else has a priority":  {guard: finding(v1alpha1.ReasonPriorityCollision, false), want: "False/PriorityCollision", ready: "True/Segmented"},
		"priorities are used up":        {guard: finding(v1alpha1.ReasonGuardrailsFull, true), want: "False/GuardrailsFull", ready: "False/GuardrailsFull"},
		"a name is taken":               {guard: finding(v1alpha1.ReasonNameTaken, true), want: "False/NameTaken", ready: "False/NameTaken"},
		"more is left than is declared": {guard: finding(v1alpha1.ReasonGuardrailWider, false), want: "True/Guarded", ready: "True/Segmented", says: "status.findings"},
		"the engine does not know them": {guard: known, engine: engine.AWS, want: "False/EngineWider", ready: "True/Segmented", says: "nobody enforces them"},
		"it may be that it does":        {guard: known, engine: engine.Cilium, want: "Unknown/EngineWider", ready: "True/Segmented", says: "k8sClusterNetworkPolicy.enabled"},
		"no engine is known":            {guard: known, engine: engine.Unknown, want: "Unknown/NoEngine", ready: "True/Segmented"},
		"in Preview nothing is guarded": {preview: true, guard: known, want: "Unknown/Preview", ready: "True/Preview"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := builders.MakeProfile("shop").Generation(2).Tier(builders.MakeTier("web").Names("web").Obj())
			if c.preview {
				b.Preview()
			}
			profile := b.Obj()
			profile.Spec.Guardrails = &v1alpha1.Guardrails{}
			got := status.Summarize(status.Input{
				Profile: profile, Guard: c.guard, Now: time.Unix(0, 0),
				Engine: engine.Found{Name: cmp.Or(c.engine, engine.Calico), Version: "3.32"},
			})
			text := func(kind string) string {
				found := meta.FindStatusCondition(got.Conditions, kind)
				if found == nil {
					return "none"
				}
				return string(found.Status) + "/" + found.Reason
			}
			if text(v1alpha1.ConditionGuarded) != c.want || text(v1alpha1.ConditionReady) != c.ready {
				t.Errorf("Guarded is %s, want %s; Ready is %s, want %s",
					text(v1alpha1.ConditionGuarded), c.want, text(v1alpha1.ConditionReady), c.ready)
			}
			if found := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionGuarded); !strings.Contains(found.Message, c.says) ||
				strings.Contains(found.Message, "namespace :") {
				t.Errorf("it says %q, not %q", found.Message, c.says)
			}
		})
	}
}

func TestWithoutGuardrailsThereIsNoCondition(t *testing.T) {
	profile := builders.MakeProfile("shop").Tier(builders.MakeTier("web").Names("web").Obj()).
		Condition(metav1.Condition{Type: v1alpha1.ConditionGuarded, Status: "True", Reason: "Guarded"}).Obj()
	got := status.Summarize(status.Input{Profile: profile, Now: time.Unix(0, 0)})
	if found := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionGuarded); found != nil {
		t.Errorf("it is %v", found)
	}
}
