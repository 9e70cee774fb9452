package reach_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

func TestTooManyClassesAreSaidToBeTooMany(t *testing.T) {
	t.Parallel()
	cluster := newCluster(t, namespaces, closedShop)
	_, err := reach.Compare(cluster, cluster, reach.MaxClasses(3))
	if want := "selectors and ranges of addresses tell 4 classes of pods and addresses apart, more than 3"; err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
	if _, err := reach.Compare(cluster, cluster, reach.MaxClasses(4)); err != nil {
		t.Errorf("as many as may be: %v", err)
	}
}

// What only two names together open is tried too, and what is between two namespaces alike.
func TestTheFlowsOfASpace(t *testing.T) {
	t.Parallel()
	cluster := newCluster(t, []reach.Namespace{{Name: "shop"}, {Name: "a"}, {Name: "b"}}, closedShop+`
metadata: {name: allow, namespace: shop}
spec: {podSelector: {}, ingress: [{from: [{podSelector: {}}], ports: [{port: http}]}], egress: [{to: [{podSelector: {}}], ports: [{port: web}]}]}`)
	space, err := reach.NewSpace([]*reach.Cluster{cluster})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for flow := range space.Flows() {
		from, to := flow.From.Pod, flow.To.Pod
		switch {
		case from == nil || to == nil:
			got["with an address"]++
		case from.Namespace != "shop" && to.Namespace != "shop":
			got[from.Namespace+" to "+to.Namespace]++
		case from.Namespace == to.Namespace && cluster.Allowed(flow).Allowed():
			got["open inside shop"]++
		}
	}
	// TCP with neither name, one of them, both; UDP; SCTP. Addresses of two families, which
	// give no names, called by and calling pods of two classes.
	want := map[string]int{"a to a": 6, "b to a": 6, "open inside shop": 1, "with an address": 2*2*3 + 2*2*6}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("flows (-want +got):\n%s", diff)
	}
	for range space.Flows() {
		break
	}
}

// Two ways to the same answer: sets of ports between classes, and one flow of each class.
func TestCompareFindsWhatTheFlowsOfASpaceFind(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		before, after := drawCluster(t).make(t), drawCluster(t).make(t)
		difference := mustCompare(t, before, after, nil)
		space, err := reach.NewSpace([]*reach.Cluster{before, after})
		if err != nil {
			t.Fatal(err)
		}
		differing := false
		for flow := range space.Flows() {
			was, is := before.Allowed(flow), after.Allowed(flow)
			if was.Allowed() != is.Allowed() {
				differing = true
				if _, found := difference.Find(flow); !found {
					t.Fatalf("%s: before %+v, after %+v, and the difference does not have it", flowText(flow), was, is)
				}
			}
		}
		if differing == difference.Empty() {
			t.Fatalf("a flow differs: %v, the difference is %s", differing, difference)
		}
	})
}
