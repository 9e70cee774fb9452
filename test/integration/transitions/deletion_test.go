package transitions

import (
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestDeletion deletes a profile in each way that takes its policies along, with kills. The
// garbage collector works against the clock of the operator's.
func TestDeletion(t *testing.T) {
	tell(t, "deletion", func(s *scene) {
		first := state{members: shopOf("012", "345", "67")}
		s.begin()
		for _, how := range []metav1.DeletionPropagation{metav1.DeletePropagationBackground, metav1.DeletePropagationForeground} {
			s.once("a profile is created", first, func() { s.create(s.shop("012", "345", "67")) }, func(state) int { return 0 })
			s.once("it is deleted: "+string(how), state{}, func() {
				s.Expect(env.admin.Delete(s.ctx(), s.profile("shop"), client.PropagationPolicy(how))).To(Succeed())
			}, s.killed)
		}
	})
}
