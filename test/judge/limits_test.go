package judge

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mattfenwick/cyclonus/pkg/matcher"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// The API server refuses a peer with nothing in it ("must specify a peer"), so nobody is right
// about it; it is pinned to say why none is drawn.
func TestAPeerWithNothingInItIsNobodyForReachAndAllPodsForCyclonus(t *testing.T) {
	t.Parallel()
	w := castWith(t, ingressFrom("{}"))
	mine, err := ours(w)
	if err != nil {
		t.Fatal(err)
	}
	if got := mine(call(plain, web)); got != onlyEgress {
		t.Errorf("reach says %+v, want %+v", got, onlyEgress)
	}
	if got := theirs(w)(call(plain, web)); got != passes {
		t.Errorf("cyclonus says %+v, want %+v", got, passes)
	}
}

func ingressFrom(peer string) string {
	return fmt.Sprintf(`
metadata: {namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress: [{from: [%s]}]`, peer)
}

// API servers before Kubernetes 1.36 take ranges of addresses in forms that later ones refuse
// (StrictIPCIDRValidation), and policies that were stored stay. What they mean is what the API
// server's warning says to write instead.
func TestRangesInFormsOfOlderAPIServers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		cidr   string
		panics bool
	}{
		"leading zeros":                    {cidr: "010.0.0.0/8", panics: true},
		"leading zeros in the length":      {cidr: "10.0.0.0/08"},
		"IPv4 addresses written as IPv6":   {cidr: "::ffff:10.0.0.0/104"},
		"bits beyond the length of a mask": {cidr: "10.1.2.3/8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			warnings := strings.Join(validation.GetWarningsForCIDR(field.NewPath("cidr"), tt.cidr), " ")
			if !strings.Contains(warnings, `"10.0.0.0/8"`) {
				t.Errorf("the API server warns %q, and does not take it for 10.0.0.0/8", warnings)
			}
			w := castWith(t, ingressFrom(fmt.Sprintf("{ipBlock: {cidr: %q}}", tt.cidr)))
			if got := panics(func() { checkCyclonus(t, w, call(plain, web), passes) }); got != tt.panics {
				t.Errorf("cyclonus panics: %v, want %v", got, tt.panics)
			}
			mine, err := ours(w)
			if err != nil {
				t.Fatal(err)
			}
			if got := mine(call(plain, web)); got != passes {
				t.Errorf("read as another range: %+v", got)
			}
		})
	}
}

// What cyclonus leaves to whoever asks, and so cannot judge by itself: the adapter fills in
// what the API documents.
func TestWhatCyclonusHasToBeTold(t *testing.T) {
	t.Parallel()
	t.Run("the directions of a policy without policyTypes", func(t *testing.T) {
		t.Parallel()
		w := castWith(t, "metadata: {namespace: shop}")
		if !panics(func() { matcher.BuildNetworkPolicies(false, w.policies) }) {
			t.Error("cyclonus fills in policyTypes now: let it")
		}
		checkBoth(t, w, call(other, web), onlyEgress)
		checkBoth(t, w, call(web, other), passes)
	})
	t.Run("the label with the name of a namespace", func(t *testing.T) {
		t.Parallel()
		w := castWith(t, ingressFrom("{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: bare}}}"))
		if len(w.namespaces[1].Labels) != 0 {
			t.Fatal("the namespace has labels")
		}
		checkBoth(t, w, call(other, web), passes)
		checkBoth(t, w, call(plain, web), onlyEgress)
	})
	t.Run("each of two names of one port", func(t *testing.T) {
		t.Parallel()
		w := castWith(t, `
metadata: {namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress: [{ports: [{port: web}]}]`)
		named := *web
		named.Ports = []reach.NamedPort{{Name: "http", Number: 80}, {Name: "web", Number: 80}}
		checkBoth(t, w, call(plain, &named), passes)
		// The same name for another protocol is another port.
		named.Ports[1].Protocol = corev1.ProtocolUDP
		checkBoth(t, w, call(plain, &named), onlyEgress)
	})
}

func checkBoth(t *testing.T, w *world, f reach.Flow, want verdict) {
	t.Helper()
	mine, err := ours(w)
	if err != nil {
		t.Fatal(err)
	}
	if got := mine(f); got != want {
		t.Errorf("reach says %+v, want %+v", got, want)
	}
	checkCyclonus(t, w, f, want)
}

func checkCyclonus(t *testing.T, w *world, f reach.Flow, want verdict) {
	t.Helper()
	if got := theirs(w)(f); got != want {
		t.Errorf("cyclonus says %+v, want %+v", got, want)
	}
}

func panics(f func()) (panicked bool) {
	defer func() { panicked = recover() != nil }()
	f()
	return false
}
