package transitions

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// TestTheRecorderMissesNothing changes policies and namespaces in turn, with a restart of the
// API server in between, and compares what was recorded.
func TestTheRecorderMissesNothing(t *testing.T) {
	w := NewWithT(t)
	n := builders.MakeNamespace("recorded").Obj()
	w.Expect(env.admin.Create(t.Context(), n)).To(Succeed())
	from, err := env.recorder.mark(t.Context())
	w.Expect(err).NotTo(HaveOccurred())

	var want []string
	for round := range 3 {
		p := builders.MakeNetworkPolicy(n.Name, "p").Obj()
		for _, do := range []struct {
			what string
			call func() error
		}{
			{"policy recorded/p", func() error { return env.admin.Create(t.Context(), p) }},
			{"namespace recorded", func() error { return label(t, n, fmt.Sprint("round-", round)) }},
			{"policy recorded/p", func() error { p.Labels = map[string]string{"a": "b"}; return env.admin.Update(t.Context(), p) }},
			{"policy recorded/p deleted", func() error { return env.admin.Delete(t.Context(), p) }},
		} {
			w.Expect(do.call()).To(Succeed())
			want = append(want, do.what)
		}
		if round == 1 {
			w.Expect(env.cluster.RestartAPIServer(t.Context())).To(Succeed())
		}
	}
	to, err := env.recorder.mark(t.Context())
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(env.admin.Delete(t.Context(), n)).To(Succeed())
	var got []string
	for _, v := range env.recorder.upTo(to) {
		if v.namespace == n.Name && later(v.revision, from) {
			_, what, _ := strings.Cut(v.String(), ": ")
			got = append(got, what)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	var policies networkingv1.NetworkPolicyList
	w.Expect(env.admin.List(t.Context(), &policies, client.InNamespace(n.Name))).To(Succeed())
	w.Expect(policies.Items).To(BeEmpty())
}

func label(t *testing.T, n *corev1.Namespace, value string) error {
	t.Helper()
	patch := client.MergeFrom(n.DeepCopy())
	n.Labels["round"] = value
	return env.admin.Patch(t.Context(), n, patch)
}
