package reach_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

func TestAGroupListsItsNamespaces(t *testing.T) {
	t.Parallel()
	m, err := reach.NewMatrix([]reach.Namespace{
		{Name: "c"}, member("shop-2", "web"), {Name: "a"}, member("shop-1", "web"), {Name: "b"},
	}, policies(t, `
metadata: {name: in, namespace: shop-1}
spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 192.0.2.0/24}}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []reach.Group{
		{Name: "web", Namespaces: []string{"shop-1", "shop-2"}},
		{Name: "a +2", Namespaces: []string{"a", "b", "c"}, Outside: true},
		{Name: "192.0.2.0/24"},
	}
	if diff := cmp.Diff(want, m.Groups); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
}

func TestTooManyKindsOfPodsAreSaidToBeTooMany(t *testing.T) {
	t.Parallel()
	var peers strings.Builder
	for key := range strings.SplitSeq("a b c d e f g h i j k l m", " ") {
		peers.WriteString("{podSelector: {matchLabels: {" + key + ": x}}}, ")
	}
	_, err := reach.NewMatrix(namespaces, policies(t, `
metadata: {name: in, namespace: shop}
spec: {podSelector: {}, ingress: [{from: [`+peers.String()+`]}]}`))
	want := "selectors tell more than 4096 kinds of pods apart in namespace shop: 4097 or more"
	if err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}

func TestAMatrixIsOfNamespacesThatAreThere(t *testing.T) {
	t.Parallel()
	cluster, err := reach.New(namespaces, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = cluster.Matrix([]reach.Namespace{{Name: "shop"}, {Name: "nowhere"}})
	if want := "the cluster has no namespace nowhere"; err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}
