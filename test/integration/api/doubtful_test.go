package api

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	segv1alpha1 "github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// doubtful changes a profile by values of one kind, of which about half are acceptable: what
// people might write, what nearly is right, and what comes close to a bound.
var doubtful = map[string]func(*rapid.T, *segv1alpha1.SegmentationProfile){
	"label keys": func(t *rapid.T, profile *segv1alpha1.SegmentationProfile) {
		key, other := labelKeys.Draw(t, "key"), labelKeys.Draw(t, "other key")
		profile.Spec.Dependencies[0].From.Pods = builders.LabelSelector(map[string]string{key: "web"})
		profile.Spec.Peers[0].Pods = builders.LabelSelector(nil, builders.Exists(other))
	},
	"label values": func(t *rapid.T, profile *segv1alpha1.SegmentationProfile) {
		profile.Spec.Dependencies[0].To.Pods = builders.LabelSelector(map[string]string{"app": labelValues.Draw(t, "value")})
		profile.Spec.Peers[0].Namespaces.Selector = builders.LabelSelector(nil, builders.In("team", labelValues.Draw(t, "other value")))
	},
	"requirements": func(t *rapid.T, profile *segv1alpha1.SegmentationProfile) {
		operator := rapid.SampledFrom([]segv1alpha1.LabelSelectorOperator{"In", "NotIn", "Exists", "DoesNotExist", "Gt", ""})
		profile.Spec.Dependencies[0].From.Pods = builders.LabelSelector(nil, segv1alpha1.LabelSelectorRequirement{
			Key: "app", Operator: operator.Draw(t, "operator"),
			Values: rapid.SliceOfN(rapid.SampledFrom([]segv1alpha1.LabelValue{"", "web", "api"}), 0, 3).Draw(t, "values"),
		})
	},
	"ports": func(t *rapid.T, profile *segv1alpha1.SegmentationProfile) {
		profile.Spec.Dependencies[0].Ports = rapid.SliceOfN(rapid.Custom(port), 0, 2).Draw(t, "ports")
	},
	"ranges": func(t *rapid.T, profile *segv1alpha1.SegmentationProfile) {
		profile.Spec.Peers[2].CIDRs = []segv1alpha1.CIDRBlock{{
			CIDR: segv1alpha1.CIDR(rapid.OneOf(ranges, goodRanges).Draw(t, "range")),
		}}
	},
	"exceptions": func(t *rapid.T, profile *segv1alpha1.SegmentationProfile) {
		profile.Spec.Peers[2].CIDRs = []segv1alpha1.CIDRBlock{{
			CIDR: rapid.SampledFrom([]segv1alpha1.CIDR{"0.0.0.0/0", "::/0", "10.0.0.0/8", "10.1.0.0/16"}).Draw(t, "range"),
			Except: rapid.SliceOfN(rapid.Map(rapid.OneOf(ranges, goodRanges, goodRanges), func(s string) segv1alpha1.CIDR {
				return segv1alpha1.CIDR(s)
			}), 1, 2).Draw(t, "exceptions"),
		}}
	},
	"names": func(t *rapid.T, profile *segv1alpha1.SegmentationProfile) {
		profile.Name = names.Draw(t, "profile")
		tier := segv1alpha1.Name(rapid.OneOf(names, rapid.Just("web")).Draw(t, "tier"))
		profile.Spec.Tiers[0].Name = tier
		profile.Spec.Dependencies[0].From.Tier, profile.Spec.Dependencies[0].To.Tier = tier, tier
		profile.Spec.Dependencies[0].Name = segv1alpha1.Name(rapid.OneOf(names, rapid.Just("web-web")).Draw(t, "dependency"))
	},
	"names of roles and namespaces": func(t *rapid.T, profile *segv1alpha1.SegmentationProfile) {
		role := segv1alpha1.Name(names.Draw(t, "role"))
		profile.Spec.Roles[0].Name, profile.Spec.Tiers[0].Access[0].Role = role, role
		profile.Spec.Peers[1].Namespaces.Names[0] = segv1alpha1.NamespaceName(rapid.OneOf(names, rapid.Just("other")).Draw(t, "namespace"))
	},
	"names of Services and other profiles": func(t *rapid.T, profile *segv1alpha1.SegmentationProfile) {
		profile.Spec.Dependencies[1].To.Service = segv1alpha1.Name(rapid.OneOf(names, rapid.Just("front")).Draw(t, "service"))
		profile.Spec.Dependencies[2].From.Profile = segv1alpha1.Name(rapid.OneOf(names, rapid.Just("other")).Draw(t, "profile"))
		profile.Spec.Dependencies[2].From.Tier = segv1alpha1.Name(rapid.OneOf(names, rapid.Just("web")).Draw(t, "tier"))
		profile.Spec.Peers[5].Service = segv1alpha1.Name(rapid.OneOf(names, rapid.Just("front")).Draw(t, "service of a peer"))
		profile.Spec.DNS.Service = segv1alpha1.Name(rapid.OneOf(names, rapid.Just("dns-default")).Draw(t, "service of DNS"))
	},
	"ports of Services and other profiles": func(t *rapid.T, profile *segv1alpha1.SegmentationProfile) {
		profile.Spec.Dependencies[1].Ports = rapid.SliceOfN(rapid.Custom(port), 0, 2).Draw(t, "ports")
		profile.Spec.Dependencies[2].Ports = rapid.SliceOfN(rapid.Custom(port), 0, 2).Draw(t, "ports of another profile")
		profile.Spec.Dependencies[4].Ports = rapid.SliceOfN(rapid.Custom(port), 0, 2).Draw(t, "ports that the API server calls")
	},
	"subjects": func(t *rapid.T, profile *segv1alpha1.SegmentationProfile) {
		profile.Spec.Tiers[0].Access[0].Subjects = rapid.SliceOfN(rapid.Custom(subject), 1, 2).Draw(t, "subjects")
	},
	"ClusterRoles": func(t *rapid.T, profile *segv1alpha1.SegmentationProfile) {
		profile.Spec.Tiers[0].Access[1].ClusterRole = segv1alpha1.ClusterRoleName(clusterRoles.Draw(t, "name"))
	},
	"rules": func(t *rapid.T, profile *segv1alpha1.SegmentationProfile) {
		words := rapid.SliceOfNDistinct(rapid.OneOf(rapid.StringMatching(`[a-z*/.-]{0,5}`), rapid.StringN(0, 4, -1)), 0, 2, rapid.ID)
		profile.Spec.Roles[0].Rules = []segv1alpha1.PolicyRule{{
			APIGroups:     append(words.Draw(t, "apiGroups"), "apps"),
			Resources:     append(words.Draw(t, "resources"), "deployments"),
			ResourceNames: words.Draw(t, "resourceNames"),
			Verbs:         append(words.Draw(t, "verbs"), "list-all"),
		}}
	},
}

var (
	labelKeys = rapid.OneOf(
		rapid.StringMatching(`[a-zA-Z][a-zA-Z0-9_.-]{0,4}`),
		rapid.StringMatching(`[a-z][a-z.-]{0,4}/[a-zA-Z0-9_.-]{1,4}`),
		rapid.StringMatching(`[a-zA-Z0-9_./-]{0,6}`),
		rapid.StringN(0, 4, -1),
		rapid.Map(rapid.IntRange(60, 66), func(n int) string { return strings.Repeat("k", n) }),
		rapid.Map(rapid.IntRange(250, 256), func(n int) string { return strings.Repeat("d.", n)[:n] + "/k" }),
		rapid.SampledFrom([]string{"a\n", "a/b\n", "a/b/c", "/a", "a/", "é", "a..b/c", "A.b/c", "a-/b", "xn--/a"}),
	)
	labelValues = rapid.OneOf(
		rapid.StringMatching(`[a-zA-Z0-9_.-]{0,4}`),
		rapid.StringMatching(`[a-zA-Z0-9]([a-zA-Z0-9_.-]{0,3}[a-zA-Z0-9])?`),
		rapid.StringN(0, 3, -1),
		rapid.Map(rapid.IntRange(61, 65), func(n int) string { return strings.Repeat("v", n) }),
		rapid.SampledFrom([]string{"", "a\n", "\u212a", "a b", "-", "."}),
	)
	names = rapid.OneOf(
		rapid.StringMatching(`[a-z0-9]([a-z0-9-]{0,4}[a-z0-9])?`),
		rapid.StringMatching(`[a-zA-Z0-9._-]{0,5}`),
		rapid.StringN(1, 3, -1),
		rapid.Map(rapid.IntRange(61, 65), func(n int) string { return strings.Repeat("n", n) }),
		rapid.SampledFrom([]string{"a\n", "a--b", "-a", "a-", "0", "xn--a"}),
	)
	// Ranges are put together, so that many of them are well-formed and some are canonical.
	ranges = rapid.Custom(func(t *rapid.T) string {
		address := rapid.OneOf(
			rapid.SampledFrom([]string{
				"0.0.0.0", "10.0.0.0", "10.1.0.0", "10.1.2.3", "010.0.0.0", "::", "2001:db8::", "2001:DB8::", "2001:db8:0:0::",
				"::ffff:10.0.0.0", "::ffff:0:0", "::10.0.0.0", "fe80::%eth0", "64:ff9b::", "10.0.0", "", "example.com",
			}),
			rapid.StringMatching(`[0-9]{1,3}\.[0-9]{1,3}\.0\.0`),
			rapid.StringMatching(`[0-9a-f]{1,4}:[0-9a-f]{0,4}::`),
		).Draw(t, "address")
		length := rapid.OneOf(
			rapid.Map(rapid.SampledFrom([]int{0, 7, 8, 16, 32, 33, 64, 96, 128, 129}), func(n int) string { return fmt.Sprintf("/%d", n) }),
			rapid.SampledFrom([]string{"", "/", "/08", "/+8", "/-1", "/255.0.0.0", " /8", "/8 "}),
		).Draw(t, "length")
		return address + length
	})
	goodRanges = rapid.OneOf(
		rapid.Map(rapid.IntRange(0, 32), func(n int) string { return fmt.Sprintf("10.0.0.0/%d", max(n, 7)) }),
		rapid.Map(rapid.IntRange(0, 3), func(n int) string { return fmt.Sprintf("10.1.%d.0/24", n) }),
		rapid.Map(rapid.IntRange(32, 128), func(n int) string { return fmt.Sprintf("2001:db8::/%d", n) }),
	)
	clusterRoles = rapid.OneOf(
		rapid.StringMatching(`[a-zA-Z:.%/ -]{1,5}`),
		rapid.StringN(1, 4, -1),
		rapid.SampledFrom([]string{".", "..", "...", "a/b", "a%", "system:node", strings.Repeat("c", 253), strings.Repeat("c", 254)}),
	)
)

func port(t *rapid.T) segv1alpha1.Port {
	numbers := rapid.SampledFrom([]int32{-1, 0, 1, 80, 8080, 65535, 65536})
	p := segv1alpha1.Port{
		Protocol: rapid.SampledFrom([]corev1.Protocol{"TCP", "UDP", "SCTP", "TCP", "UDP", "SCTP", "ICMP"}).Draw(t, "protocol"),
	}
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		p.Port = new(intstr.FromInt32(numbers.Draw(t, "port")))
	case 1:
		p.Port = new(intstr.FromString(rapid.OneOf(
			rapid.StringMatching(`[a-z][a-z0-9]{0,3}(-[a-z0-9]{1,2})?`),
			rapid.StringMatching(`[a-zA-Z0-9-]{0,4}`),
			rapid.SampledFrom([]string{"80", "a--b", "-a", "a-", "A", "a\n", "a-name-of-15-ch", "a-name-of-16-chr"}),
		).Draw(t, "name")))
	case 2:
		p.Port = new(intstr.FromInt32(numbers.Draw(t, "port")))
		p.EndPort = numbers.Draw(t, "endPort")
	}
	return p
}

func subject(t *rapid.T) segv1alpha1.Subject {
	s := segv1alpha1.Subject{
		Kind: rapid.SampledFrom([]segv1alpha1.SubjectKind{"User", "Group", "ServiceAccount", "ServiceAccount", "Team"}).Draw(t, "kind"),
		Name: rapid.OneOf(
			rapid.StringMatching(`[a-z0-9]([a-z0-9.-]{0,4}[a-z0-9])?`),
			rapid.StringMatching(`[a-zA-Z0-9.@:/_-]{0,5}`),
			rapid.StringN(1, 3, -1),
			rapid.SampledFrom([]string{"a\n", "a.", "a..b", "a.-b", "a-.b", "a_b", strings.Repeat("s", 253), strings.Repeat("s", 254)}),
		).Draw(t, "name"),
	}
	if s.Kind == segv1alpha1.SubjectKindServiceAccount || rapid.IntRange(0, 9).Draw(t, "stray namespace") == 0 {
		s.Namespace = segv1alpha1.NamespaceName(rapid.OneOf(names, rapid.Just("ci")).Draw(t, "namespace"))
	}
	return s
}
