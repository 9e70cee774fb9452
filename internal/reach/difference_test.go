package reach_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

func TestAChangeSaysWhoAndWhatAndGivesAnExample(t *testing.T) {
	t.Parallel()
	difference, err := reach.Compare(newCluster(t, namespaces, closedShop), newCluster(t, namespaces, closedShop+intoShop+`[
  {from: [{podSelector: {matchLabels: {app: web}}}, {namespaceSelector: {matchLabels: {team: ops}}, podSelector: {matchLabels: {app: metrics}}}],
  ports: [{port: http}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	all := slices.Collect(difference.All())
	byAddress := cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
	example := reach.Flow{
		From:     pod(&reach.Pod{Namespace: "ops", Labels: map[string]string{"app": "metrics"}}),
		To:       pod(&reach.Pod{Namespace: "shop", Labels: map[string]string{}, Ports: []reach.NamedPort{{Name: "http", Protocol: "TCP", Number: 1}}}),
		Protocol: corev1.ProtocolTCP, Port: 1,
	}
	want := reach.Change{
		From:  reach.Party{Namespaces: []string{"ops"}, Labels: map[string]string{"app": "metrics"}},
		To:    reach.Party{Namespaces: []string{"shop"}, Labels: map[string]string{}},
		Ports: reach.Span{Protocol: corev1.ProtocolTCP, First: 1, Last: 65535, Named: [][]string{{"http"}}},
		// The caller was not isolated before either.
		Opened: true, Ingress: true, Example: example,
	}
	if diff := cmp.Diff(want, all[0], byAddress); diff != "" {
		t.Errorf("first change (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(reach.Counts{Pairs: 45, Changed: 2, Opened: 2}, difference.Counts()); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	for range difference.All() {
		break
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	difference, err := reach.Compare(newCluster(t, namespaces, closedShop), newCluster(t, namespaces, closedShop+intoShop+`[{ports: [{port: http}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	node := &reach.Pod{Namespace: "shop", Name: "node", HostNetwork: true, IPs: addresses("192.0.2.1"), Ports: []reach.NamedPort{{Name: "http", Number: 8080}}}
	tests := map[string]struct {
		flow reach.Flow
		want bool
	}{
		"a port of the name":            {metricsIn, true},
		"another port":                  {reach.Flow{From: pod(metrics), To: pod(web), Port: 81}, false},
		"a pod without the name":        {reach.Flow{From: pod(metrics), To: pod(db), Port: 8080}, false},
		"an address":                    {internetIn, true},
		"a pod on the host network":     {reach.Flow{From: pod(node), To: pod(web), Port: 8080}, true},
		"to a pod on the host network":  {reach.Flow{From: pod(metrics), To: pod(node), Port: 8080}, false},
		"a pod to itself":               {reach.Flow{From: pod(web), To: pod(web), Port: 8080}, false},
		"a namespace that is not there": {reach.Flow{From: pod(&reach.Pod{Namespace: "nowhere"}), To: pod(web), Port: 8080}, false},
		"no address":                    {reach.Flow{To: pod(web), Port: 8080}, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			change, found := difference.Find(tc.flow)
			if found != tc.want || found && !change.Opened {
				t.Errorf("found %v, opened %v; want found %v", found, change.Opened, tc.want)
			}
		})
	}
}
