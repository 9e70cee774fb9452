package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

func TestWhatAPlanNeedsToKnow(t *testing.T) {
	t.Parallel()
	calling := func(peer *builders.PeerBuilder) *builders.ProfileBuilder {
		return shop().Peer(peer.Obj()).Dependency(builders.MakeDependency("d").FromTier("web").ToPeer("p").Obj())
	}
	tests := map[string]struct {
		profile *builders.ProfileBuilder
		want    plan.Needs
	}{
		"nothing":                               {shop().Peer(builders.MakePeer("p").APIServer().Obj()), plan.Needs{}},
		"namespaces are looked up by name":      {calling(builders.MakePeer("p").Names("p")), plan.Needs{}},
		"the API server":                        {calling(builders.MakePeer("p").APIServer()), plan.Needs{APIServer: true}},
		"the internet is all but the cluster":   {calling(builders.MakePeer("p").Internet("")), plan.Needs{Addresses: true}},
		"addresses may be those of the cluster": {calling(builders.MakePeer("p").CIDR("192.0.2.0/24")), plan.Needs{Addresses: true}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got plan.Needs
			got.Add(compiled(t, tc.profile))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("needs (-want +got):\n%s", diff)
			}
		})
	}
}
