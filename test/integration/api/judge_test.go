package api

import (
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	segv1alpha1 "github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// Whatever the CRD accepts, the operator has to write. So every value that a user can give is
// put into a profile, and if that is accepted, into the objects that it would be copied to: the
// API server must accept those too. It is the same API server, and so the only judge.
func TestWhatIsAcceptedCanBeWritten(t *testing.T) {
	for name, draw := range doubtful {
		t.Run(name, func(t *testing.T) {
			accepted := 0
			rapid.Check(t, func(rt *rapid.T) {
				profile := ordinary()
				draw(rt, profile)
				err := server.Create(t.Context(), profile.DeepCopy(), client.DryRunAll)
				if err != nil && !apierrors.IsInvalid(err) {
					rt.Fatalf("the profile is neither accepted nor invalid: %v", err)
				}
				if err != nil {
					return
				}
				accepted++
				for _, object := range written(profile) {
					if err := server.Create(t.Context(), object, client.DryRunAll); err != nil {
						rt.Fatalf("the profile is accepted, but not what has to be written for it: %v\n%+v", err, profile.Spec)
					}
				}
			})
			t.Logf("%d profiles were accepted", accepted)
			// Were nearly all refused, this would show nothing.
			if accepted < 3 {
				t.Errorf("only %d profiles were accepted", accepted)
			}
		})
	}
}

// ordinary is a profile with everything in it that is copied to other objects.
func ordinary() *segv1alpha1.SegmentationProfile {
	return builders.MakeProfile("ordinary").
		Tier(builders.MakeTier("web").Names("web").Access("viewer", builders.Group("shop")).
			ClusterRoleAccess("view", builders.Group("shop")).Obj()).
		Peer(builders.MakePeer("outside").Selector(map[string]string{"team": "other"}).Pods(map[string]string{"app": "other"}).Obj()).
		Peer(builders.MakePeer("named").Names("other").Obj()).
		Peer(builders.MakePeer("payments").CIDR("198.51.100.0/24").Obj()).
		Role(builders.MakeRole("viewer").Read("pods").Obj()).
		Dependency(builders.MakeDependency("web-web").FromTier("web").FromPods(map[string]string{"app": "web"}).
			ToTier("web").Port(8080).Obj()).
		Obj()
}

// written are the objects that have to be written for a profile, as far as values of the
// profile are copied to them.
func written(profile *segv1alpha1.SegmentationProfile) []client.Object {
	spec := &profile.Spec
	objects := []client.Object{policyFor(profile, &spec.Dependencies[0])}
	for i := range spec.Roles {
		role := builders.MakeRBACRole("default", "segmentation-"+string(spec.Roles[i].Name)).Obj()
		for _, rule := range spec.Roles[i].Rules {
			role.Rules = append(role.Rules, rbacv1.PolicyRule{
				APIGroups: rule.APIGroups, Resources: rule.Resources, ResourceNames: rule.ResourceNames, Verbs: rule.Verbs,
			})
		}
		objects = append(objects, role)
	}
	for _, access := range spec.Tiers[0].Access {
		objects = append(objects, bindingFor(access))
	}
	return objects
}

func policyFor(profile *segv1alpha1.SegmentationProfile, dependency *segv1alpha1.Dependency) *networkingv1.NetworkPolicy {
	policy := builders.MakeNetworkPolicy("default", "segmentation-"+string(dependency.Name)).Managed().
		Annotation(segv1alpha1.DeclaredByAnnotation, string(dependency.Name)).Obj()
	policy.Spec.PodSelector = *selector(dependency.From.Pods)
	members := builders.LabelSelector(map[string]string{
		segv1alpha1.ProfileLabel: profile.Name,
		segv1alpha1.TierLabel:    string(profile.Spec.Tiers[0].Name),
	})
	peers := []networkingv1.NetworkPolicyPeer{{NamespaceSelector: selector(members), PodSelector: selector(dependency.To.Pods)}}
	for i := range profile.Spec.Peers {
		peers = append(peers, peersFor(&profile.Spec.Peers[i])...)
	}
	var ports []networkingv1.NetworkPolicyPort
	for _, port := range dependency.Ports {
		p := networkingv1.NetworkPolicyPort{Protocol: new(port.Protocol), Port: port.Port}
		if port.EndPort != 0 {
			p.EndPort = new(port.EndPort)
		}
		ports = append(ports, p)
	}
	policy.Spec.Ingress = []networkingv1.NetworkPolicyIngressRule{{From: peers, Ports: ports}}
	policy.Spec.Egress = []networkingv1.NetworkPolicyEgressRule{{To: peers, Ports: ports}}
	return policy
}

func peersFor(peer *segv1alpha1.Peer) []networkingv1.NetworkPolicyPeer {
	if peer.Namespaces != nil {
		chosen := selector(peer.Namespaces.Selector)
		for _, name := range peer.Namespaces.Names {
			chosen.MatchExpressions = append(chosen.MatchExpressions, metav1.LabelSelectorRequirement{
				Key: "kubernetes.io/metadata.name", Operator: metav1.LabelSelectorOpIn, Values: []string{string(name)},
			})
		}
		return []networkingv1.NetworkPolicyPeer{{NamespaceSelector: chosen, PodSelector: selector(peer.Pods)}}
	}
	peers := make([]networkingv1.NetworkPolicyPeer, len(peer.CIDRs))
	for i, block := range peer.CIDRs {
		peers[i].IPBlock = &networkingv1.IPBlock{CIDR: string(block.CIDR)}
		for _, except := range block.Except {
			peers[i].IPBlock.Except = append(peers[i].IPBlock.Except, string(except))
		}
	}
	return peers
}

func bindingFor(access segv1alpha1.TierAccess) *rbacv1.RoleBinding {
	binding := builders.MakeRoleBinding("default", "segmentation-"+strings.ReplaceAll(string(access.ClusterRole), ":", "-"))
	if access.Role != "" {
		binding.Role("segmentation-" + string(access.Role))
	} else {
		binding.ClusterRole(string(access.ClusterRole))
	}
	for _, subject := range access.Subjects {
		switch subject.Kind {
		case segv1alpha1.SubjectKindUser:
			binding.User(subject.Name)
		case segv1alpha1.SubjectKindGroup:
			binding.Group(subject.Name)
		case segv1alpha1.SubjectKindServiceAccount:
			binding.ServiceAccount(string(subject.Namespace), subject.Name)
		}
	}
	return binding.Obj()
}

// selector is the Kubernetes form of a selector; none is the empty one.
func selector(from *segv1alpha1.LabelSelector) *metav1.LabelSelector {
	to := &metav1.LabelSelector{}
	if from == nil {
		return to
	}
	to.MatchLabels = map[string]string{}
	for key, value := range from.MatchLabels {
		to.MatchLabels[key] = string(value)
	}
	for _, requirement := range from.MatchExpressions {
		r := metav1.LabelSelectorRequirement{Key: requirement.Key, Operator: metav1.LabelSelectorOperator(requirement.Operator)}
		for _, value := range requirement.Values {
			r.Values = append(r.Values, string(value))
		}
		to.MatchExpressions = append(to.MatchExpressions, r)
	}
	return to
}
