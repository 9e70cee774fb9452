package engine

import (
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

// Forms says which forms of ports the engine cannot take, so that equal ones have to be written in their place.
func (f Found) Forms() plan.Forms {
	if !f.IsKnown() {
		return plan.Forms{}
	}
	return plan.Forms{
		List: f.reading(EndPort) == Narrower, Ingress: nameForm(f.reading(NamesIngress)), Egress: nameForm(f.reading(NamesEgress)),
	}
}

func (f Found) reading(feature Feature) Reading {
	cell := Of(f.Name, feature)
	reading, _ := cell.at(f.Version)
	return reading
}

// nameForm is what is written in place of a name. Where no number stands for it, the name is left out only if the whole
// policy goes with it, and the isolation that it brings: otherwise it still opens what is called.
func nameForm(reading Reading) plan.NameForm {
	switch reading {
	case RefusedWhole:
		return plan.NumberOrNothing
	case Wider, Narrower:
		return plan.NumberOrName
	default:
		return plan.AsDeclared
	}
}

// leftOut tells what opens nothing, as the engine does not take the name of its port and no number stands for it.
func (f *finder) leftOut(left *plan.LeftOut) {
	feature := NamesEgress
	if left.Direction == networkingv1.PolicyTypeIngress {
		feature = NamesIngress
	}
	cell := Of(f.engine.Name, feature)
	_, what := cell.at(f.engine.Version)
	f.add(Finding{Dependency: left.Dependency, Feature: feature, Effect: Closes, Message: fmt.Sprintf(
		"%s becomes narrower by the port name %s, which opens nothing: %s %s, and no one number stands for it on the pods that are "+
			"called; %s",
		about(left.Dependency), left.Port, f.engine.Name, what, fixOf(feature))})
}

// Brief are findings of which each dependency has one for a feature: a status has room for few.
func Brief(findings []Finding) []Finding {
	type key struct {
		dependency string
		effect     Effect
		feature    string
	}
	more := map[key]int{}
	out := make([]Finding, 0, len(findings))
	var keys []key
	for i := range findings {
		f := &findings[i]
		k := key{f.Dependency, f.Effect, kindOf(f.Feature)}
		more[k]++
		if more[k] == 1 {
			out, keys = append(out, *f), append(keys, k)
		}
	}
	for i := range out {
		if n := more[keys[i]] - 1; n > 0 {
			out[i].Message += fmt.Sprintf(" (and %d more of its ports or addresses)", n)
		}
	}
	return out
}

// kindOf is one for the names of ports of both directions: it is one name.
func kindOf(feature Feature) string {
	if feature == NamesIngress || feature == NamesEgress {
		return "port names"
	}
	return string(feature)
}
