package judge

import (
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	"pgregory.net/rapid"
)

// Each of these evaluators is wrong on purpose, in one point: it is internal/reach, told
// something else than what the policies say. The judge must find each of them out within as
// many flows as it compares in the real test.
func TestAWrongEvaluatorIsFoundOut(t *testing.T) {
	t.Parallel()
	for name, misread := range map[string]func(*networkingv1.NetworkPolicy){
		"does not read except":                            forgetExcept,
		"reads only the first exception":                  readOneException,
		"takes endPort for the first port only":           forgetEndPort,
		"leaves out the last port of a range":             shortenRange,
		"takes a port without a protocol for UDP":         takeTCPForUDP,
		"does not know SCTP":                              takeSCTPForTCP,
		"takes a named port for every port":               forgetPortNames,
		"takes a port without a number for none":          closeEveryPort,
		"takes a rule without peers for nobody":           closeToEverybody,
		"takes a missing podSelector for no pod":          closeNamespaces,
		"does not read podSelector beside its neighbour":  forgetPodSelector,
		"does not read namespaceSelector":                 forgetNamespaceSelector,
		"does not read matchExpressions":                  forgetExpressions,
		"does not read matchLabels":                       forgetLabels,
		"takes NotIn to need the key":                     needTheKey,
		"takes left out policyTypes for ingress":          forgetEgressDefault,
		"takes left out policyTypes for both directions":  takeBothDirections,
		"applies policies to all pods of their namespace": forgetSubjects,
		"does not read the second rule":                   readOneRule,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flows := foundOut(t, misread)
			if flows > leastFlows {
				t.Fatalf("not found out in %d flows", leastFlows)
			}
			t.Logf("found out after %d flows", flows)
		})
	}
}

// foundOut counts the flows until the judge disagrees. The worlds are the same each time.
func foundOut(t *testing.T, misread func(*networkingv1.NetworkPolicy)) int {
	t.Helper()
	worlds, flows := rapid.Custom(drawWorld), 0
	for seed := 0; flows <= leastFlows; seed++ {
		w := worlds.Example(seed)
		exact := restated(w)
		misled := *w
		misled.policies = copied(w.policies, misread)
		wrong, err := ours(&misled)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range w.flows() {
			flows++
			if !itself(f) && wrong(f) != exact(f) {
				return flows
			}
		}
	}
	return flows
}
