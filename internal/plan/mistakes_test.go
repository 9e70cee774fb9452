package plan_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// dependency begins a dependency from the tier web to the tier api.
func dependency() *builders.DependencyBuilder {
	return builders.MakeDependency("d").FromTier("web").ToTier("api")
}

func ported(port v1alpha1.Port) *builders.ProfileBuilder {
	return shop().Dependency(dependency().Ports(port).Obj())
}

func withAccess(access v1alpha1.TierAccess) *builders.ProfileBuilder {
	tier := builders.MakeTier("data").Names("db").Obj()
	tier.Access = []v1alpha1.TierAccess{access}
	return shop().Role(builders.MakeRole("viewer").Read("pods").Obj()).Tier(tier)
}

func withSubject(subject v1alpha1.Subject) *builders.ProfileBuilder {
	return withAccess(v1alpha1.TierAccess{Role: "viewer", Subjects: []v1alpha1.Subject{subject}})
}

func withCIDR(cidr string, except ...string) *builders.ProfileBuilder {
	return shop().Peer(builders.MakePeer("world").CIDR(cidr, except...).Obj())
}

// What the CRD refuses is refused again: the path of the field and what is wrong.
func TestMistakes(t *testing.T) {
	t.Parallel()
	name := intstr.FromString
	checkMistakes(t, map[string]mistakes{
		"the profile's name is no label": {
			builders.MakeProfile("shop.example").Tier(builders.MakeTier("web").Names("web").Obj()),
			[]string{`metadata.name: Invalid value: "shop.example"`},
		},
		"names are used twice": {
			shop().Tier(builders.MakeTier("web").Names("other").Obj()).
				Peer(builders.MakePeer("p").Names("p").Obj(), builders.MakePeer("p").Names("q").Obj()).
				Role(builders.MakeRole("r").Read("pods").Obj(), builders.MakeRole("r").Read("pods").Obj()).
				Dependency(dependency().Obj(), dependency().Obj()),
			[]string{
				`spec.tiers[2].name: Duplicate value: "web"`,
				`spec.peers[1].name: Duplicate value: "p"`,
				`spec.roles[1].name: Duplicate value: "r"`,
				`spec.dependencies[1].name: Duplicate value: "d"`,
			},
		},
		"a name that no label value may have": {
			shop().Tier(builders.MakeTier("").Names("x").Obj()).Peer(builders.MakePeer("-").Names("x").Obj()).
				Role(builders.MakeRole("A").Read("pods").Obj()).
				Dependency(builders.MakeDependency(strings.Repeat("d", 64)).FromTier("web").ToTier("api").Obj()),
			[]string{
				`spec.tiers[2].name: Invalid value: ""`, `spec.peers[0].name: Invalid value: "-"`,
				`spec.roles[0].name: Invalid value: "A"`, `spec.dependencies[0].name: Invalid value: "ddd`,
			},
		},
		"access of a dependency that is not between tiers, or is narrowed to pods": {
			shop().Role(builders.MakeRole("viewer").Read("pods").Obj()).Peer(builders.MakePeer("p").Names("p").Obj()).
				Dependency(
					builders.MakeDependency("a").FromPeer("p").ToTier("web").Access("viewer").Obj(),
					builders.MakeDependency("b").FromTier("web").FromPods(map[string]string{"app": "x"}).ToTier("api").Access("viewer").Obj(),
					builders.MakeDependency("c").FromTier("web").ToTier("api").Access("nobody").Obj(),
					builders.MakeDependency("e").FromTier("web").ToTier("nowhere").Access("viewer").Obj()),
			[]string{
				`spec.dependencies[0].access: Forbidden: from and to must both be tiers of this profile`,
				`spec.dependencies[1].access: Forbidden: pods or a service cannot narrow it`,
				`spec.dependencies[2].access[0].role: Not found: "nobody"`,
				`spec.dependencies[3].to.tier: Not found: "nowhere"`,
			},
		},
		"it is not said whether the boundary may be edited": {
			withAccess(v1alpha1.TierAccess{ClusterRole: "view", BoundaryEdits: "Perhaps", Subjects: []v1alpha1.Subject{builders.User("jane")}}),
			[]string{`spec.tiers[2].access[0].boundaryEdits: Unsupported value: "Perhaps"`},
		},
		"a tier chooses no namespaces, or in two ways": {
			shop().Tier(builders.MakeTier("a").Obj(), builders.MakeTier("b").Names("x").Selector(nil).Obj()),
			[]string{`spec.tiers[2].namespaces: Required value: give either`, `spec.tiers[3].namespaces: Required value: give either`},
		},
		"a selector that cannot be read is not an empty one": {
			shop().Tier(builders.MakeTier("a").Selector(nil, v1alpha1.LabelSelectorRequirement{Key: "x", Operator: "Is"}).Obj()),
			[]string{`spec.tiers[2].namespaces.selector: Invalid value: "Is" is not a valid label selector operator`},
		},
		"a label value that no object can have": {
			shop().Dependency(dependency().ToPods(map[string]string{"app": "a b"}).Obj()),
			[]string{`spec.dependencies[0].to.pods: Invalid value: values[0][app]: Invalid value: "a b"`},
		},
		"In without values": {
			shop().Dependency(dependency().FromPods(nil, builders.In("app")).Obj()),
			[]string{`spec.dependencies[0].from.pods: Invalid value: `},
		},
		"a namespace that cannot exist": {
			shop().Tier(builders.MakeTier("a").Names("ok", "Not").Obj()).Peer(builders.MakePeer("p").Names("a.b").Obj()),
			[]string{`spec.peers[0].namespaces.names[0]: Invalid value: "a.b"`, `spec.tiers[2].namespaces.names[1]: Invalid value: "Not"`},
		},
		"two tiers list one namespace": {
			shop().Tier(builders.MakeTier("a").Names("x", "shop-api", "x").Obj()),
			[]string{`spec.tiers[2].namespaces.names[1]: Invalid value: "shop-api": tier api lists this namespace too`},
		},
		"internalTraffic of another time": {
			shop().Tier(builders.MakeTier("a").Names("x").InternalTraffic("Everything").Obj()),
			[]string{`spec.tiers[2].internalTraffic: Unsupported value: "Everything": supported values: "SameNamespace", "SameTier", "Deny"`},
		},
		"DNS of another time": {
			shop().DNS(v1alpha1.DNS{Mode: "NodeLocal"}),
			[]string{`spec.dns.mode: Unsupported value: "NodeLocal": supported values: "ClusterDNS", "None"`},
		},
		"DNS in no possible place": {
			shop().DNS(v1alpha1.DNS{Namespace: "A", Port: 65536, Pods: builders.LabelSelector(map[string]string{"": ""})}),
			[]string{`spec.dns.namespace: Invalid value: "A"`, `spec.dns.port: Invalid value: 65536`, `spec.dns.pods: Invalid value: `},
		},
		"a dependency names a tier or a peer that is not there": {
			shop().Dependency(builders.MakeDependency("d").FromTier("wbe").ToPeer("wrold").Obj()),
			[]string{`spec.dependencies[0].from.tier: Not found: "wbe"`, `spec.dependencies[0].to.peer: Not found: "wrold"`},
		},
		"a dependency has an end that is nobody, and one that is two": {
			shop().Dependency(builders.MakeDependency("d").ToTier("web").ToPeer("web").Obj()),
			[]string{
				`spec.dependencies[0].from: Required value: give one of tier, allTiers and peer`,
				`spec.dependencies[0].to: Required value: give one of tier, allTiers and peer`,
			},
		},
		"a dependency between peers": {
			shop().Peer(builders.MakePeer("p").Names("p").Obj(), builders.MakePeer("q").CIDR("192.0.2.0/24").Obj()).
				Dependency(builders.MakeDependency("d").FromPeer("p").ToPeer("q").Obj()),
			[]string{`spec.dependencies[0]: Invalid value: "d": neither from nor to is a tier of this profile`},
		},
		"a dependency narrows a peer": {
			shop().Peer(builders.MakePeer("p").Names("p").Obj()).
				Dependency(builders.MakeDependency("d").FromPeer("p").FromPods(map[string]string{"a": "b"}).ToTier("web").Obj()),
			[]string{`spec.dependencies[0].from.pods: Forbidden: to narrow a peer`},
		},
		"a peer is nobody, or two": {
			shop().Peer(builders.MakePeer("p").Obj(), builders.MakePeer("q").Names("q").CIDR("192.0.2.0/24").Obj()),
			[]string{`spec.peers[0]: Required value: give one of namespaces`, `spec.peers[1]: Required value: give one of namespaces`},
		},
		"a mistake in a peer is said once, whatever number of dependencies name it": {
			shop().Peer(builders.MakePeer("p").Names("p").Pods(map[string]string{"a b": ""}).Obj()).
				Dependency(builders.MakeDependency("d").FromPeer("p").ToTier("web").Obj()).
				Dependency(builders.MakeDependency("e").FromPeer("p").ToTier("api").Obj()),
			[]string{`spec.peers[0].pods: Invalid value: `},
		},
		"addresses have no pods": {
			shop().Peer(builders.MakePeer("p").CIDR("192.0.2.0/24").Pods(map[string]string{"a": "b"}).Obj()),
			[]string{`spec.peers[0].pods: Forbidden: pods narrows namespaces`},
		},
		"no range of addresses":          {withCIDR("192.0.2.1"), []string{`spec.peers[0].cidrs[0].cidr: Invalid value: "192.0.2.1"`}},
		"a range with host bits":         {withCIDR("192.0.2.1/24"), []string{`spec.peers[0].cidrs[0].cidr: Invalid value: "192.0.2.1/24"`}},
		"IPv4 in the form of IPv6":       {withCIDR("::ffff:192.0.2.0/120"), []string{`spec.peers[0].cidrs[0].cidr: Invalid value: `}},
		"leading zeros":                  {withCIDR("192.000.2.0/24"), []string{`spec.peers[0].cidrs[0].cidr: Invalid value: `}},
		"an exception outside the range": {withCIDR("192.0.2.0/24", "192.0.3.0/25"), []string{`spec.peers[0].cidrs[0].except[0]: Invalid value: `}},
		"an exception of all": {
			withCIDR("192.0.2.0/24", "192.0.2.128/25", "192.0.2.0/24"), []string{`spec.peers[0].cidrs[0].except[1]: Invalid value: `},
		},
		"an exception larger than the range": {withCIDR("192.0.2.0/24", "192.0.0.0/16"), []string{`spec.peers[0].cidrs[0].except[0]: Invalid value: `}},
		"an exception of the other family":   {withCIDR("0.0.0.0/0", "2001:db8::/32"), []string{`spec.peers[0].cidrs[0].except[0]: Invalid value: `}},
		"an exception with host bits":        {withCIDR("192.0.2.0/24", "192.0.2.1/25"), []string{`spec.peers[0].cidrs[0].except[0]: Invalid value: `}},
		"a protocol that policies do not know": {
			ported(v1alpha1.Port{Protocol: "ICMP"}), []string{`spec.dependencies[0].ports[0].protocol: Unsupported value: "ICMP"`},
		},
		"port 0": {ported(v1alpha1.Port{Port: new(intstr.FromInt32(0))}), []string{`spec.dependencies[0].ports[0].port: Invalid value: 0`}},
		"port 65536": {
			ported(v1alpha1.Port{Port: new(intstr.FromInt32(65536))}), []string{`spec.dependencies[0].ports[0].port: Invalid value: 65536`},
		},
		"a number in quotes is no name": {
			ported(v1alpha1.Port{Port: new(name("8080"))}), []string{`spec.dependencies[0].ports[0].port: Invalid value: "8080"`},
		},
		"a range that ends before it begins": {
			ported(v1alpha1.Port{Port: new(intstr.FromInt32(90)), EndPort: 80}), []string{`spec.dependencies[0].ports[0].endPort: Invalid value: 80`},
		},
		"a range that a name begins": {
			ported(v1alpha1.Port{Port: new(name("http")), EndPort: 80}), []string{`spec.dependencies[0].ports[0].endPort: Invalid value: 80`},
		},
		"a range without a beginning": {ported(v1alpha1.Port{EndPort: 80}), []string{`spec.dependencies[0].ports[0].endPort: Invalid value: 80`}},
		"a range that ends nowhere": {
			ported(v1alpha1.Port{Port: new(intstr.FromInt32(90)), EndPort: 70000}),
			[]string{`spec.dependencies[0].ports[0].endPort: Invalid value: 70000`},
		},
		"a name for a port of addresses": {
			shop().Peer(builders.MakePeer("world").CIDR("192.0.2.0/24").Obj()).
				Dependency(builders.MakeDependency("d").FromTier("web").ToPeer("world").
					Ports(v1alpha1.Port{Protocol: corev1.ProtocolUDP, Port: new(intstr.FromInt32(53))}).NamedPort("http").Obj()),
			[]string{`spec.dependencies[0].ports[1].port: Invalid value: "http": a name cannot be resolved on addresses`},
		},
		"access to no role, and to two": {
			withAccess(v1alpha1.TierAccess{}).Tier(
				builders.MakeTier("x").Names("x").ClusterRoleAccess("view").Obj(),
				v1alpha1.Tier{
					Name: "y", Namespaces: v1alpha1.NamespaceSet{Names: []v1alpha1.NamespaceName{"y"}},
					Access: []v1alpha1.TierAccess{{Role: "viewer", ClusterRole: "view"}},
				}),
			[]string{`spec.tiers[2].access[0]: Required value: give either`, `spec.tiers[4].access[0]: Required value: give either`},
		},
		"access to a role that is not there": {
			withAccess(v1alpha1.TierAccess{Role: "view"}), []string{`spec.tiers[2].access[0].role: Not found: "view"`},
		},
		"a ClusterRole that cannot exist": {
			withAccess(v1alpha1.TierAccess{ClusterRole: "a/b"}), []string{`spec.tiers[2].access[0].clusterRole: Invalid value: "a/b"`},
		},
		"a role without rules": {shop().Role(builders.MakeRole("r").Obj()), []string{`spec.roles[0].rules: Required value`}},
		"a rule that allows nothing": {
			shop().Role(builders.MakeRole("r").Rules(v1alpha1.PolicyRule{}).Obj()),
			[]string{
				`spec.roles[0].rules[0].apiGroups: Required value`, `spec.roles[0].rules[0].resources: Required value`,
				`spec.roles[0].rules[0].verbs: Required value`,
			},
		},
		"a subject of another kind": {
			withSubject(v1alpha1.Subject{Kind: "Robot", Name: "r2"}), []string{`spec.tiers[2].access[0].subjects[0].kind: Unsupported value: "Robot"`},
		},
		"a service account without namespace": {
			withSubject(v1alpha1.Subject{Kind: v1alpha1.SubjectKindServiceAccount, Name: "robot"}),
			[]string{`spec.tiers[2].access[0].subjects[0].namespace: Invalid value: ""`},
		},
		"a service account that cannot exist": {
			withSubject(builders.ServiceAccount("ops", "ops:robot")), []string{`spec.tiers[2].access[0].subjects[0].name: Invalid value: "ops:robot"`},
		},
		"a user without name, in a namespace": {
			withSubject(v1alpha1.Subject{Kind: v1alpha1.SubjectKindUser, Namespace: "ops"}),
			[]string{`spec.tiers[2].access[0].subjects[0].name: Required value`, `spec.tiers[2].access[0].subjects[0].namespace: Forbidden`},
		},
	})
}

// mistakes are those of a profile.
type mistakes struct {
	profile *builders.ProfileBuilder
	// want are their beginnings.
	want []string
}

func checkMistakes(t *testing.T, tests map[string]mistakes) {
	t.Helper()
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, errs := plan.Compile(tc.profile.Obj())
			if p != nil {
				t.Error("a profile with mistakes has a plan")
			}
			got := make([]string, 0, len(errs))
			for i, err := range errs {
				got = append(got, err.Error())
				if i < len(tc.want) && strings.HasPrefix(err.Error(), tc.want[i]) {
					got[i] = tc.want[i]
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("mistakes (-want +got):\n%s", diff)
			}
		})
	}
}
