package api

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	segv1alpha1 "github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// shop is a profile whose parts refer to each other.
func shop(name string) *segv1alpha1.SegmentationProfile {
	return builders.MakeProfile(name).
		Tier(builders.MakeTier("web").Names("web").Access("viewer", builders.Group("shop")).Obj()).
		Tier(builders.MakeTier("api").Names("api").Obj()).
		Peer(builders.MakePeer("payments").CIDR("198.51.100.0/24").Obj()).
		Role(builders.MakeRole("viewer").Read("pods").Obj()).
		Dependency(builders.MakeDependency("web-api").FromTier("web").ToTier("api").NamedPort("http").Obj()).
		Dependency(builders.MakeDependency("api-payments").FromTier("api").ToPeer("payments").Port(443).Obj()).
		Obj()
}

// What is refused when a profile is created is refused when it is changed, by whatever way;
// then nothing changes.
func TestAGoodProfileCannotBeMadeBad(t *testing.T) {
	create(t, shop("update"))
	before := read(t, "update")
	tests := map[string]struct {
		change func(*segv1alpha1.SegmentationProfileSpec)
		says   string
	}{
		"a tier goes while a dependency names it": {
			change: func(spec *segv1alpha1.SegmentationProfileSpec) { spec.Tiers = spec.Tiers[:1] },
			says:   "spec.dependencies: Invalid value: from.tier of dependency api-payments names api, which spec.tiers does not have",
		},
		"a tier is renamed while a dependency names it": {
			change: func(spec *segv1alpha1.SegmentationProfileSpec) { spec.Tiers[0].Name = "front" },
			says:   "from.tier of dependency web-api names web, which spec.tiers does not have",
		},
		"a peer goes while a dependency names it": {
			change: func(spec *segv1alpha1.SegmentationProfileSpec) { spec.Peers = nil },
			says:   "to.peer of dependency api-payments names payments, which spec.peers does not have",
		},
		"a role goes while access names it": {
			change: func(spec *segv1alpha1.SegmentationProfileSpec) { spec.Roles = nil },
			says:   "spec.tiers: Invalid value: an access.role of tier web names a role that spec.roles does not have",
		},
		"a port towards addresses gets a name": {
			change: func(spec *segv1alpha1.SegmentationProfileSpec) {
				spec.Dependencies[1].Ports = spec.Dependencies[0].Ports
			},
			says: "dependency api-payments has a named port towards peer payments",
		},
		"a tier takes a namespace of another": {
			change: func(spec *segv1alpha1.SegmentationProfileSpec) {
				spec.Tiers[1].Namespaces.Names = append(spec.Tiers[1].Namespaces.Names, "web")
			},
			says: "key web already exists evaluating rule: two tiers list this namespace",
		},
		"the last tiers go": {
			change: func(spec *segv1alpha1.SegmentationProfileSpec) { spec.Tiers = nil },
			says:   "spec.tiers: Required value",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			profile := before.DeepCopy()
			test.change(&profile.Spec)
			for way, err := range map[string]error{
				"update":      server.Update(t.Context(), profile.DeepCopy()),
				"merge patch": server.Patch(t.Context(), profile.DeepCopy(), client.MergeFrom(before)),
			} {
				if err == nil || !strings.Contains(err.Error(), test.says) {
					t.Errorf("%s: the API server said %v, want %s", way, err, test.says)
				}
			}
			if diff := cmp.Diff(before, read(t, "update")); diff != "" {
				t.Errorf("the profile changed (-before +after):\n%s", diff)
			}
		})
	}
}

// Everything but the name may change, and what is taken back gets its default again.
func TestEverythingMayChange(t *testing.T) {
	create(t, shop("change"))
	tests := []struct{ name, patch, mode, dns string }{
		{"to Preview", `{"spec": {"mode": "Preview"}}`, "Preview", "kube-system"},
		{"back to the default", `{"spec": {"mode": null}}`, "Enforce", "kube-system"},
		{"DNS elsewhere", `{"spec": {"dns": {"namespace": "dns"}}}`, "Enforce", "dns"},
		{"DNS of another Service", `{"spec": {"dns": {"namespace": "dns", "service": "dns-default"}}}`, "Enforce", "dns"},
		{"DNS of pods", `{"spec": {"dns": {"service": null, "pods": {"matchLabels": {"app": "dns"}}, "port": 5353}}}`, "Enforce", "dns"},
		{"DNS in its usual place", `{"spec": {"dns": null}}`, "Enforce", "kube-system"},
		{"Services, another profile and every tier", `{"spec": {"dependencies": [
			{"name": "web-api", "from": {"tier": "web"}, "to": {"tier": "api", "service": "orders"}},
			{"name": "api-payments", "from": {"profile": "orders", "tier": "data"}, "to": {"allTiers": true}}]}}`, "Enforce", "kube-system"},
		{"from the Service to its pods", `{"spec": {"dependencies": [
			{"name": "web-api", "from": {"tier": "web"}, "to": {"tier": "api", "pods": {"matchLabels": {"app": "orders"}}}},
			{"name": "api-payments", "from": {"tier": "api"}, "to": {"peer": "payments"}}]}}`, "Enforce", "kube-system"},
		{"a peer that becomes the internet", `{"spec": {"peers": [{"name": "payments", "internet": {}}]}}`, "Enforce", "kube-system"},
		{"a peer that becomes the API server", `{"spec": {"peers": [{"name": "payments", "apiServer": {}}]}}`, "Enforce", "kube-system"},
		{"another tier alone", `{"spec": {"tiers": [{"name": "one", "namespaces": {"selector": {}}}],
			"dependencies": null, "roles": null, "peers": null}}`, "Enforce", "kube-system"},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			profile := read(t, "change")
			if err := server.Patch(t.Context(), profile, client.RawPatch(types.MergePatchType, []byte(test.patch))); err != nil {
				t.Fatal(err)
			}
			if got := string(profile.Spec.Mode); got != test.mode {
				t.Errorf("mode is %s, want %s", got, test.mode)
			}
			if got := string(profile.Spec.DNS.Namespace); got != test.dns {
				t.Errorf("the namespace of the DNS pods is %s, want %s", got, test.dns)
			}
			if got, want := profile.Generation, int64(i+2); got != want {
				t.Errorf("the generation is %d, want %d", got, want)
			}
		})
	}
}

// kubectl apply without --server-side, and Argo CD by default, send a merge patch of what
// changed in the file. A default inside of a selector would then be merged with what the user
// writes later, and the result would select nothing.
func TestALaterChoiceOfDNSPodsReplacesTheDefault(t *testing.T) {
	create(t, oneTier("dns-patched"))
	profile := read(t, "dns-patched")
	patch := client.RawPatch(types.MergePatchType, []byte(`{"spec": {"dns": {"pods": {"matchLabels": {"app": "dns"}}}}}`))
	if err := server.Patch(t.Context(), profile, patch); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(builders.LabelSelector(map[string]string{"app": "dns"}), profile.Spec.DNS.Pods); diff != "" {
		t.Errorf("the DNS pods (-want +got):\n%s", diff)
	}
}
