package admission

import (
	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

type spec = v1alpha1.SegmentationProfileSpec

// mallory is whom an author would like to have access.
func mallory() v1alpha1.Subject { return builders.User("mallory") }

const (
	leaveGrants = ", or leave the access of tiers and dependencies, and the namespaces of tiers that have access, as they are"
	grantByShop = "changing grants of role viewer takes the right to grant by this profile: ask somebody who may 'grant' " +
		"segmentationprofiles/shop or 'escalate' roles" + leaveGrants + ", and the rules of roles too"
	editsBoundary = "a rule lets a tier edit its own boundary: it has a writing verb on networkpolicies, roles, rolebindings, namespaces " +
		"or segmentationprofiles, or a wildcard that covers them; grant less, or say boundaryEdits: Allowed in the role"
)

func bindFirst(clusterRole string) string {
	return "changing grants of ClusterRole " + clusterRole + " takes the right to bind it: ask somebody who may 'bind' clusterroles/" +
		clusterRole + leaveGrants
}

// byGrants are attempts to gain access by changing what the profile grants.
func byGrants() []attempt {
	tryChange := func(change func(*spec)) func(*siege) error {
		return func(s *siege) error { return s.changes(author, change) }
	}
	return []attempt{
		{who: author, what: "grants the ClusterRole `view` to another user", refused: bindFirst("view"), try: tryChange(func(s *spec) {
			s.Tiers[0].Access = append(s.Tiers[0].Access, v1alpha1.TierAccess{ClusterRole: "view", Subjects: []v1alpha1.Subject{mallory()}})
		})},
		{who: author, what: "grants `cluster-admin`", refused: bindFirst("cluster-admin"), try: tryChange(func(s *spec) {
			s.Tiers[0].Access = append(s.Tiers[0].Access, v1alpha1.TierAccess{ClusterRole: "cluster-admin", Subjects: []v1alpha1.Subject{mallory()}})
		})},
		{who: author, what: "adds a user to an existing grant", refused: grantByShop, try: tryChange(func(s *spec) {
			s.Tiers[0].Access[0].Subjects = append(s.Tiers[0].Access[0].Subjects, mallory())
		})},
		{who: author, what: "adds a rule to a role that is granted", refused: grantByShop, try: tryChange(func(s *spec) {
			s.Roles[0].Rules = append(s.Roles[0].Rules, v1alpha1.PolicyRule{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"get"}})
		})},
		{who: author, what: "lets a tier that has access select other namespaces", refused: grantByShop, try: tryChange(func(s *spec) {
			s.Tiers[0].Namespaces = v1alpha1.NamespaceSet{Selector: builders.LabelSelector(nil)}
		})},
		{who: author, what: "adds access to a dependency", refused: bindFirst("view"), try: tryChange(func(s *spec) {
			s.Dependencies = append(s.Dependencies, builders.MakeDependency("back").FromTier("api").ToTier("web").ClusterRoleAccess("view").Obj())
		})},
		{who: author, what: "has a dependency with access come from another tier", refused: grantByShop, try: tryChange(func(s *spec) {
			s.Dependencies[1].From.Tier = "data"
		})},
		{who: author, what: "lets the tier that a dependency with access comes from select other namespaces", refused: grantByShop, try: tryChange(func(s *spec) {
			s.Tiers[0].Access = nil
			s.Tiers[0].Namespaces = v1alpha1.NamespaceSet{Names: []v1alpha1.NamespaceName{elsewhere}}
		})},
		{
			who: author, what: "grants in a profile in Preview, to enforce it later", refused: bindFirst("edit"),
			try: func(s *siege) error {
				p := builders.MakeProfile("later").Preview().Tier(
					builders.MakeTier("t").Names(elsewhere).ClusterRoleAccess("edit", mallory()).Obj())
				return s.by[author].Create(s.ctx(), p.Obj(), dry)
			},
		},
		{
			who: author, what: "deletes the profile and creates it again with the same grants", refused: grantByShop,
			try: func(s *siege) error {
				again := builders.MakeProfile("shop").Spec(s.shop.Spec).Obj()
				return s.by[author].Create(s.ctx(), again, dry)
			},
		},
		{who: binder, what: "who may bind `edit`, grants a role of the profile", refused: grantByShop, try: func(s *siege) error {
			return s.changes(binder, func(sp *spec) { sp.Tiers[0].Access[0].Subjects = []v1alpha1.Subject{mallory()} })
		}},
	}
}

// byProfiles are attempts to gain something by profiles that the API server stores.
func byProfiles() []attempt {
	role := func(group, resource, verb string) func(*siege) error {
		return func(s *siege) error {
			p := builders.MakeProfile("roles").Tier(builders.MakeTier("t").Names(elsewhere).Obj()).
				Role(builders.MakeRole("r").Rule(group, []string{resource}, []string{verb}).Obj())
			return s.by[granter].Create(s.ctx(), p.Obj(), dry)
		}
	}
	return []attempt{
		{who: granter, what: "makes a role that may create NetworkPolicies", refused: editsBoundary, try: role("networking.k8s.io", "networkpolicies", "create")},
		{who: granter, what: "makes a role that may do everything", refused: editsBoundary, try: role("*", "*", "*")},
		{who: granter, what: "makes a role that may write the status of its namespace, and so its labels", refused: editsBoundary, try: role("", "namespaces/status", "patch")},
		{
			who: granter, what: "grants a role that may read Secrets, above the ceiling",
			try: func(s *siege) error {
				return s.enter(granter, builders.MakeProfile("greedy").Role(builders.MakeRole("reader").Read("secrets").Obj()).
					Tier(builders.MakeTier("t").Names(elsewhere).Access("reader", mallory()).Obj()).Obj())
			},
			harmless: "the API server does not let the operator write it, the profile says `AboveCeiling`, and the namespace is isolated all the same",
			shown: func(s *siege) {
				s.finds("greedy", v1alpha1.ReasonAboveCeiling, "role reader is above what the operator may grant")
				s.without(&rbacv1.Role{ObjectMeta: named(elsewhere, "segmentation-reader")})
				s.policy(elsewhere)
			},
		},
		{
			who: binder, what: "grants `edit`, by which a tier could edit its own boundary",
			try: func(s *siege) error {
				return s.enter(binder, builders.MakeProfile("loose").
					Tier(builders.MakeTier("t").Names(elsewhere).ClusterRoleAccess("edit", mallory()).Obj()).Obj())
			},
			harmless: "the operator does not bind it, and the profile says `EditsBoundary`",
			shown: func(s *siege) {
				s.finds("loose", v1alpha1.ReasonEditsBoundary, "ClusterRole edit lets a tier edit its own boundary")
				s.bindsNobody(elsewhere)
			},
		},
		{
			who: binder, what: "grants a ClusterRole that does not exist, to create it later",
			try: func(s *siege) error {
				return s.enter(binder, builders.MakeProfile("dangling").
					Tier(builders.MakeTier("t").Names(elsewhere).ClusterRoleAccess("nowhere-to-be-found", mallory()).Obj()).Obj())
			},
			harmless: "the operator does not bind it, and the profile says `RoleMissing`",
			shown: func(s *siege) {
				s.finds("dangling", v1alpha1.ReasonRoleMissing, "ClusterRole nowhere-to-be-found does not exist")
				s.bindsNobody(elsewhere)
			},
		},
		{
			who: author, what: "claims `kube-system` and the operator's own namespace",
			try: func(s *siege) error {
				return s.enter(author, builders.MakeProfile("bold").
					Tier(builders.MakeTier("t").Names("kube-system", "segmentation-system").Obj()).Obj())
			},
			harmless: "no profile may claim them; the profile says `ProtectedNamespace`",
			shown: func(s *siege) {
				s.finds("bold", v1alpha1.ReasonProtectedNamespace, "no profile may claim")
				s.Expect(s.labels("kube-system")).NotTo(HaveKey(v1alpha1.ProfileLabel))
				s.bindsNobody("kube-system")
			},
		},
		{
			who: author, what: "claims a namespace of another profile, to open it",
			try: func(s *siege) error {
				return s.enter(author, builders.MakeProfile("younger").Peer(builders.MakePeer("all").Selector(nil).Obj()).
					Tier(builders.MakeTier("t").Names(shopWeb).Obj()).
					Dependency(builders.MakeDependency("d").FromPeer("all").ToTier("t").Obj()).Obj())
			},
			harmless: "the older profile keeps it, and the younger says `HeldByOlderProfile`",
			shown: func(s *siege) {
				s.finds("younger", v1alpha1.ReasonHeldByOlderProfile, "profile shop holds this namespace and is older")
				s.stands()
			},
		},
		{
			who: author, what: "says in the status that all is well", refused: `cannot patch resource "segmentationprofiles/status" in API group "segmentation.dev"`,
			try: func(s *siege) error {
				patch := client.RawPatch("application/merge-patch+json", []byte(`{"status":{"findings":null}}`))
				return s.by[author].Status().Patch(s.ctx(), s.shop.DeepCopy(), patch)
			},
		},
	}
}

// bindsNobody expects that the operator has written no RoleBinding in a namespace.
func (s *siege) bindsNobody(namespace string) {
	s.t.Helper()
	var list rbacv1.RoleBindingList
	s.Expect(env.admin.List(s.ctx(), &list, client.InNamespace(namespace),
		client.MatchingLabels{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue})).To(Succeed())
	s.Expect(list.Items).To(BeEmpty())
}
