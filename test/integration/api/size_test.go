package api

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	segv1alpha1 "github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// etcdLimit is the size of the largest request that etcd takes by default. A profile is
// stored as JSON, with its defaults and with the record of who wrote which field.
const etcdLimit = 3 << 19

// The API server estimates what the rules of a CRD cost at most, and refuses a CRD beyond
// its limits; that it took this one is shown by every test here. It also counts what they do
// cost, and refuses an object that costs too much. So whatever the schema lets through and
// etcd can store has to stay below that.
func TestTheLargestProfilesAreAccepted(t *testing.T) {
	t.Parallel()
	for _, build := range []func() *segv1alpha1.SegmentationProfile{
		references, ports, keys, labels, values, namespaces, blocks, access, calls, rules, services, consents, everyTier,
		serversWithPorts, serversWithout, everything,
	} {
		profile := build()
		t.Run(profile.Name, func(t *testing.T) {
			t.Parallel()
			create(t, profile)
			t.Logf("%d KiB of the %d KiB that etcd takes", storedSize(t, profile.Name)>>10, etcdLimit>>10)
			// An update costs again, also where it changes little.
			profile.Spec.Mode = segv1alpha1.ModePreview
			profile.Spec.Tiers[0].InternalTraffic = segv1alpha1.InternalTrafficDeny
			if err := server.Update(t.Context(), profile); err != nil {
				t.Errorf("update: %v", err)
			}
			// So does the operator's own write, which every profile must admit.
			profile.Status.ObservedGeneration = profile.Generation
			if err := server.Status().Update(t.Context(), profile); err != nil {
				t.Errorf("update the status: %v", err)
			}
		})
	}
}

func storedSize(t *testing.T, name string) int {
	t.Helper()
	stored := &unstructured.Unstructured{}
	stored.SetGroupVersionKind(segv1alpha1.GroupVersion.WithKind("SegmentationProfile"))
	if err := server.Get(t.Context(), client.ObjectKey{Name: name}, stored); err != nil {
		t.Fatal(err)
	}
	content, err := stored.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return len(content)
}

// A profile beyond etcd's limit is refused as a whole, and says so.
func TestAProfileThatEtcdCannotStoreIsRefused(t *testing.T) {
	profile := everything()
	profile.Name = "beyond"
	for i, role := range rules().Spec.Roles {
		profile.Spec.Roles[i].Rules = role.Rules[:14]
	}
	if err := server.Create(t.Context(), profile); err == nil || !strings.Contains(err.Error(), "request is too large") {
		t.Errorf("the API server said %v, want that the request is too large", err)
	}
}
