package admission

import (
	"context"
	"encoding/json"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// mergeLabels is a merge patch of labels; nil takes one off.
func mergeLabels(labels map[string]any) client.Patch {
	raw, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": labels}})
	if err != nil {
		panic(err)
	}
	return client.RawPatch(types.MergePatchType, raw)
}

// attempts are all of them, by what they use.
func attempts() []attempt {
	var all []attempt
	for _, theme := range [][]attempt{byGrants(), byProfiles(), byLabels(), byObjects(), byNames(), byRolesOfOthers(), byBirth(), byAccounts()} {
		all = append(all, theme...)
	}
	return all
}

// byLabels are attempts to pass for a member.
func byLabels() []attempt {
	label := func(namespace string, labels map[string]any) func(*siege) error {
		return func(s *siege) error {
			return s.by[labeller].Patch(s.ctx(), builders.MakeNamespace(namespace).Obj(), mergeLabels(labels), dry)
		}
	}
	member := map[string]any{v1alpha1.ProfileLabel: "shop", v1alpha1.TierLabel: "api"}
	return []attempt{
		{who: labeller, what: "gives a namespace the labels of a member", refused: labelsAreTheOperators, try: label(elsewhere, member)},
		{who: labeller, what: "moves a member to another tier by its label", refused: labelsAreTheOperators, try: label(shopWeb, map[string]any{v1alpha1.TierLabel: "data"})},
		{who: labeller, what: "takes the labels off a member", refused: labelsAreTheOperators, try: label(shopWeb, map[string]any{v1alpha1.ProfileLabel: nil})},
		{
			who: labeller, what: "does so by the namespace's status", refused: labelsAreTheOperators,
			try: func(s *siege) error {
				return s.by[labeller].Status().Patch(s.ctx(), builders.MakeNamespace(elsewhere).Obj(), mergeLabels(member), dry)
			},
		},
		{
			who: labeller, what: "creates a namespace with forged labels", refused: labelsAreTheOperators,
			try: func(s *siege) error {
				return s.by[labeller].Create(s.ctx(), builders.MakeNamespace("forged").Member("shop", "api").Obj())
			},
		},
		{who: admin, what: "who is not in the break-glass group, does so", refused: labelsAreTheOperators, try: func(s *siege) error {
			return s.by[admin].Create(s.ctx(), builders.MakeNamespace("forged").Member("shop", "api").Obj())
		}},
	}
}

const (
	policyIsTheOperators = "the segmentation operator writes this NetworkPolicy from SegmentationProfile shop; change the profile instead, " +
		"or ask a member of the group segmentation:break-glass"
	roleIsTheOperators = "the segmentation operator writes this Role from SegmentationProfile shop; change the profile instead, " +
		"or ask a member of the group segmentation:break-glass"
	bindingIsTheOperators = "the segmentation operator writes this RoleBinding from SegmentationProfile shop; change the profile instead, " +
		"or ask a member of the group segmentation:break-glass"
	markIsTheOperators = "the label app.kubernetes.io/managed-by: segmentation-operator marks what the segmentation operator writes, " +
		"and nobody else may put it on an object: leave the label out"
)

// byObjects are attempts on what the operator wrote.
func byObjects() []attempt {
	update := func(read func(*siege) client.Object, change func(client.Object)) func(*siege) error {
		return func(s *siege) error {
			obj := read(s)
			change(obj)
			return s.by[tenant].Update(s.ctx(), obj, dry)
		}
	}
	policy := func(s *siege) client.Object { return s.policy(shopWeb) }
	return []attempt{
		{who: tenant, what: "deletes the base policy of a member", refused: policyIsTheOperators, try: func(s *siege) error {
			return s.by[tenant].Delete(s.ctx(), s.policy(shopWeb))
		}},
		{who: tenant, what: "deletes all policies of a member", refused: policyIsTheOperators, try: func(s *siege) error {
			return s.by[tenant].DeleteAllOf(s.ctx(), &networkingv1.NetworkPolicy{}, client.InNamespace(shopWeb))
		}},
		{who: tenant, what: "opens the base policy to everybody", refused: policyIsTheOperators, try: update(policy, func(obj client.Object) {
			obj.(*networkingv1.NetworkPolicy).Spec.Ingress = []networkingv1.NetworkPolicyIngressRule{{}}
		})},
		{who: tenant, what: "takes the operator's label off the base policy", refused: policyIsTheOperators, try: update(policy, func(obj client.Object) {
			obj.SetLabels(nil)
		})},
		{who: tenant, what: "has the base policy say that the namespace comes from another tier", refused: policyIsTheOperators, try: update(policy, func(obj client.Object) {
			obj.GetAnnotations()[v1alpha1.DeclaredByAnnotation] += ", moved-from/shop/data"
		})},
		{who: tenant, what: "gives the base policy an owner of his, to have it collected", refused: policyIsTheOperators, try: update(policy, func(obj client.Object) {
			obj.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "gone", UID: "gone"}})
		})},
		{who: tenant, what: "holds a RoleBinding in force by a finalizer", refused: bindingIsTheOperators, try: update(
			func(s *siege) client.Object { return s.binding(shopWeb) },
			func(obj client.Object) { obj.SetFinalizers([]string{"example.com/stay"}) })},
		{who: tenant, what: "adds a user to a RoleBinding of the operator's", refused: bindingIsTheOperators, try: update(
			func(s *siege) client.Object { return s.binding(shopWeb) },
			func(obj client.Object) {
				b := obj.(*rbacv1.RoleBinding)
				b.Subjects = append(b.Subjects, rbacv1.Subject{APIGroup: rbacGroup, Kind: rbacv1.UserKind, Name: "mallory"})
			})},
		{who: tenant, what: "adds a rule to a Role of the operator's", refused: roleIsTheOperators, try: update(
			func(s *siege) client.Object { return s.role(shopWeb) },
			func(obj client.Object) {
				r := obj.(*rbacv1.Role)
				r.Rules = append(r.Rules, allow("", "secrets", []string{"get"}))
			})},
		{who: tenant, what: "creates a policy that looks like the operator's", refused: markIsTheOperators, try: func(s *siege) error {
			return s.by[tenant].Create(s.ctx(), builders.MakeNetworkPolicy(elsewhere, "segmentation").Managed().Obj(), dry)
		}},
	}
}

// byNames are attempts to be there first, under a name that the operator needs.
func byNames() []attempt {
	claim := func(name string) func(*siege) error {
		return func(s *siege) error {
			return s.enter(granter, builders.MakeProfile(name).Role(builders.MakeRole("viewer").Read("pods").Obj()).
				Tier(builders.MakeTier("t").Names(elsewhere).Access("viewer", builders.Group("developers")).Obj()).Obj())
		}
	}
	before := func(obj client.Object, then func(*siege) error) func(*siege) error {
		return func(s *siege) error {
			if err := s.by[tenant].Create(s.ctx(), obj); err != nil {
				return err
			}
			s.t.Cleanup(func() { _ = env.admin.Delete(context.Background(), obj) })
			return then(s)
		}
	}
	return []attempt{
		{
			who: tenant, what: "has an open policy named `segmentation` in a namespace before a profile selects it",
			try:      before(builders.MakeNetworkPolicy(elsewhere, "segmentation").Ingress(networkingv1.NetworkPolicyIngressRule{}).Obj(), claim("squatted")),
			harmless: "the namespace does not become a member and nobody is given access there; the profile says `NameTaken`",
			shown: func(s *siege) {
				s.finds("squatted", v1alpha1.ReasonNameTaken, "a NetworkPolicy named segmentation exists that the operator did not write")
				s.Expect(s.labels(elsewhere)).NotTo(HaveKey(v1alpha1.ProfileLabel))
				s.bindsNobody(elsewhere)
			},
		},
		{
			who: tenant, what: "has a Role of his own under the name of a profile's role, for the operator to bind it",
			try:      before(builders.MakeRBACRole(elsewhere, render.RoleName("viewer")).Rule("", []string{"secrets"}, []string{"get"}).Obj(), claim("imitated")),
			harmless: "the operator binds nobody to it; the profile says `NameTaken`",
			shown: func(s *siege) {
				s.finds("imitated", v1alpha1.ReasonNameTaken, "a Role named segmentation-viewer exists that the operator did not write")
				s.bindsNobody(elsewhere)
			},
		},
	}
}

// byRolesOfOthers are attempts by Roles and ClusterRoles.
func byRolesOfOthers() []attempt {
	const escalates = "attempting to grant RBAC permissions not currently held"
	create := func(label string) func(*siege) error {
		return func(s *siege) error {
			role := &rbacv1.ClusterRole{
				ObjectMeta: metav1.ObjectMeta{Name: "sneaky", Labels: map[string]string{label: "true"}},
				Rules:      []rbacv1.PolicyRule{allow("", "secrets", []string{"get"})},
			}
			return s.by[roleMaker].Create(s.ctx(), role, dry)
		}
	}
	growing := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "growing"}}
	return []attempt{
		{who: roleMaker, what: "aggregates permissions that he lacks to `view`, which profiles bind", refused: escalates, try: create("rbac.authorization.k8s.io/aggregate-to-view")},
		{who: roleMaker, what: "raises the ceiling by permissions that he lacks", refused: escalates, try: create("segmentation.dev/grantable")},
		{
			who: admin, what: "has a ClusterRole that a profile binds hold NetworkPolicies later",
			try: func(s *siege) error {
				s.growsLater(growing)
				growing.Rules = append(growing.Rules, allow("networking.k8s.io", "networkpolicies", []string{"create"}))
				return s.by[admin].Update(s.ctx(), growing)
			},
			harmless: "the operator takes the binding away, and the profile says `EditsBoundary`",
			shown: func(s *siege) {
				s.finds("trusting", v1alpha1.ReasonEditsBoundary, "ClusterRole growing lets a tier edit its own boundary")
				s.Eventually(func() int {
					var list rbacv1.RoleBindingList
					s.Expect(env.admin.List(s.ctx(), &list, client.InNamespace(elsewhere),
						client.MatchingLabels{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue})).To(Succeed())
					return len(list.Items)
				}, soon, tick).Should(BeZero())
			},
		},
		{
			who: tenant, what: "binds a user to `edit` beside what the profile grants",
			try: func(s *siege) error {
				side := builders.MakeRoleBinding(shopWeb, "side").ClusterRole("edit").User("mallory").Obj()
				s.t.Cleanup(func() { _ = env.admin.Delete(context.Background(), side) })
				return s.by[tenant].Create(s.ctx(), side)
			},
			harmless: "he grants what he holds, as Kubernetes lets him; the profile counts and names it (`UndeclaredAccess`)",
			shown: func(s *siege) {
				s.finds("shop", v1alpha1.ReasonUndeclaredAccess, "RoleBinding side gives User mallory")
			},
		},
	}
}

// growsLater has a profile bind a ClusterRole that is harmless yet.
func (s *siege) growsLater(role *rbacv1.ClusterRole) {
	s.t.Helper()
	role.Rules = []rbacv1.PolicyRule{allow("", "pods", []string{"get"})}
	role.Labels = map[string]string{"segmentation.dev/grantable": "true"}
	s.Expect(env.admin.Create(s.ctx(), role)).To(Succeed())
	s.t.Cleanup(func() { _ = env.admin.Delete(context.Background(), role) })
	p := builders.MakeProfile("trusting").
		Tier(builders.MakeTier("t").Names(elsewhere).ClusterRoleAccess(role.Name, builders.Group("developers")).Obj()).Obj()
	s.Expect(env.admin.Create(s.ctx(), p)).To(Succeed())
	s.t.Cleanup(func() { leave(s.t, p) })
	s.settled(p, 1)
}

// byBirth are attempts to run before a namespace is isolated.
func byBirth() []attempt {
	const notYet = "namespace shop-data is not isolated yet: tier data of SegmentationProfile shop selects it, and its network policies " +
		"are still to be written; try again, as controllers do by themselves, and if this lasts, see: kubectl describe segprof shop"
	return []attempt{
		{
			who: labeller, what: "creates a pod in the first millisecond of a namespace that the profile selects", refused: notYet,
			try: func(s *siege) error {
				// The operator is stopped, so that the first millisecond lasts.
				s.Expect(env.operator.Stop()).To(Succeed())
				s.t.Cleanup(func() { s.Expect(env.operator.Start()).To(Succeed()) })
				n := builders.MakeNamespace("shop-data").Obj()
				s.Expect(s.by[labeller].Create(s.ctx(), n)).To(Succeed())
				s.t.Cleanup(func() { _ = env.admin.Delete(context.Background(), n) })
				return s.by[labeller].Create(s.ctx(), pod(n.Name, "eager"))
			},
		},
		{
			who: labeller, what: "creates a namespace, and a pod in it again and again until one gets in",
			try: func(s *siege) error {
				n := builders.MakeNamespace(shopNew).Labels(s.layer("api")).Obj()
				if err := s.by[labeller].Create(s.ctx(), n); err != nil {
					return err
				}
				s.t.Cleanup(func() { _ = env.admin.Delete(context.Background(), n) })
				for deadline := time.Now().Add(soon); ; {
					err := s.by[labeller].Create(s.ctx(), pod(shopNew, "eager"))
					if err == nil || time.Now().After(deadline) {
						return err
					}
					time.Sleep(time.Millisecond) //nolint:forbidigo // The time between two tries.
				}
			},
			harmless: "by then the namespace is a member, with its policies in place",
			shown: func(s *siege) {
				s.Expect(s.labels(shopNew)).To(HaveKeyWithValue(v1alpha1.TierLabel, "api"))
				p, born := s.policy(shopNew), fetch(s, shopNew, "eager", &corev1.Pod{})
				s.Expect(p.CreationTimestamp.After(born.CreationTimestamp.Time)).To(BeFalse())
			},
		},
	}
}

// leaver is a service account whose namespace was a member, used its access, and has left.
func (s *siege) leaver() client.Client {
	s.t.Helper()
	n := builders.MakeNamespace("shop-leaver").Labels(s.layer("web")).Obj()
	s.Expect(env.admin.Create(s.ctx(), n)).To(Succeed())
	s.t.Cleanup(func() { _ = env.admin.Delete(context.Background(), n) })
	account := s.serviceAccount(n.Name, "default")
	s.Eventually(func() error { return account.List(s.ctx(), &corev1.PodList{}, client.InNamespace(shopAPI)) }, soon, tick).Should(Succeed())
	s.Expect(env.admin.Patch(s.ctx(), n, mergeLabels(map[string]any{"layer": nil}))).To(Succeed())
	s.Eventually(func() map[string]string { return s.labels(n.Name) }, soon, tick).ShouldNot(HaveKey(v1alpha1.ProfileLabel))
	return account
}

// byAccounts are attempts of programs to use more than is theirs.
func byAccounts() []attempt {
	list := func(who, namespace string) func(*siege) error {
		return func(s *siege) error { return s.by[who].List(s.ctx(), &corev1.PodList{}, client.InNamespace(namespace)) }
	}
	return []attempt{
		{who: robot, what: "reads pods of its own namespace, though a dependency gives it access to another only", refused: `cannot list resource "pods" in API group "" in the namespace "shop-web"`, try: list(robot, shopWeb)},
		{who: robot, what: "reads Secrets where it may read pods", refused: `cannot list resource "secrets" in API group "" in the namespace "shop-api"`, try: func(s *siege) error {
			return s.by[robot].List(s.ctx(), &corev1.SecretList{}, client.InNamespace(shopAPI))
		}},
		{
			who: robot, what: "whose namespace has left the tier that has access, goes on to use it", refused: `cannot list resource "pods" in API group "" in the namespace "shop-api"`,
			try: func(s *siege) error {
				gone := s.leaver()
				return gone.List(s.ctx(), &corev1.PodList{}, client.InNamespace(shopAPI))
			},
		},
		{who: tenant, what: "acts as a member of the break-glass group", refused: `cannot impersonate-on:user-info:delete resource "networkpolicies"`, try: func(s *siege) error {
			config, err := env.cluster.UserConfig(s.ns(tenant))
			s.Expect(err).NotTo(HaveOccurred())
			config.Impersonate.UserName, config.Impersonate.Groups = s.ns(tenant), []string{breakGlassGroup}
			c, err := client.New(config, client.Options{Scheme: env.scheme, Mapper: env.admin.RESTMapper()})
			s.Expect(err).NotTo(HaveOccurred())
			return c.Delete(s.ctx(), s.policy(shopWeb), dry)
		}},
		{who: operator, what: "in wrong hands, writes a Role as itself", refused: `cannot create resource "roles" in API group "rbac.authorization.k8s.io"`, try: func(s *siege) error {
			return s.by[operator].Create(s.ctx(), builders.MakeRBACRole(elsewhere, "evil").Rule("", []string{"pods"}, []string{"get"}).Obj(), dry)
		}},
		{who: operator, what: "in wrong hands, grants Secrets as the account that grants", refused: "attempting to grant RBAC permissions not currently held", try: func(s *siege) error {
			config, err := env.cluster.ServiceAccountConfig(s.ctx(), deploy.Namespace, deploy.ServiceAccount)
			s.Expect(err).NotTo(HaveOccurred())
			config.Impersonate.UserName = "system:serviceaccount:" + deploy.Namespace + ":segmentation-granter"
			c, err := client.New(config, client.Options{Scheme: env.scheme})
			s.Expect(err).NotTo(HaveOccurred())
			return c.Create(s.ctx(), builders.MakeRBACRole(elsewhere, "evil").Rule("", []string{"secrets"}, []string{"get"}).Obj(), dry)
		}},
		{who: operator, what: "in wrong hands, reads Secrets", refused: `cannot list resource "secrets"`, try: func(s *siege) error {
			return s.by[operator].List(s.ctx(), &corev1.SecretList{}, client.InNamespace(elsewhere))
		}},
		{who: operator, what: "in wrong hands, changes a profile", refused: `cannot update resource "segmentationprofiles" in API group "segmentation.dev"`, try: func(s *siege) error {
			return s.by[operator].Update(s.ctx(), s.shop.DeepCopy(), dry)
		}},
	}
}
