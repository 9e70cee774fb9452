package admission

import (
	"slices"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// unchangedGrants are changes that take no permission.
func unchangedGrants() map[string]authorCase {
	changes := map[string]func(*world, *v1alpha1.SegmentationProfileSpec){
		"ports": func(_ *world, s *v1alpha1.SegmentationProfileSpec) {
			s.Dependencies[0] = builders.MakeDependency("web-api").FromTier("web").ToTier("api").Port(9091).Obj()
		},
		"a dependency without access": func(_ *world, s *v1alpha1.SegmentationProfileSpec) {
			s.Dependencies = append(s.Dependencies, builders.MakeDependency("api-data").FromTier("api").ToTier("data").Port(5432).Obj())
		},
		"ports of a dependency with access": func(_ *world, s *v1alpha1.SegmentationProfileSpec) {
			s.Dependencies[1].Ports = s.Dependencies[0].Ports
		},
		"mode, admission, name resolution, internal traffic": func(_ *world, s *v1alpha1.SegmentationProfileSpec) {
			s.Mode, s.Admission, s.DNS.Mode = v1alpha1.ModePreview, v1alpha1.AdmissionStrict, v1alpha1.DNSModeNone
			s.Tiers[0].InternalTraffic = v1alpha1.InternalTrafficDeny
		},
		"namespaces of a tier that nobody has access to": func(w *world, s *v1alpha1.SegmentationProfileSpec) {
			s.Tiers[3].Namespaces = builders.MakeTier("cache").Names(w.ns("c1")).Obj().Namespaces
		},
		"a tier without access": func(w *world, s *v1alpha1.SegmentationProfileSpec) {
			s.Tiers = append(s.Tiers, builders.MakeTier("logs").Names(w.ns("logs")).Obj())
		},
		"the order of everything": func(_ *world, s *v1alpha1.SegmentationProfileSpec) {
			slices.Reverse(s.Tiers[0].Access[0].Subjects)
			slices.Reverse(s.Tiers[0].Access)
			slices.Reverse(s.Tiers[0].Namespaces.Names)
			slices.Reverse(s.Tiers)
			slices.Reverse(s.Roles[0].Rules)
			slices.Reverse(s.Roles)
			slices.Reverse(s.Dependencies[1].Access)
			slices.Reverse(s.Dependencies)
		},
		"a subject is taken away": func(_ *world, s *v1alpha1.SegmentationProfileSpec) {
			s.Tiers[0].Access[1].Subjects = s.Tiers[0].Access[1].Subjects[:1]
		},
		"an entry is taken away": func(_ *world, s *v1alpha1.SegmentationProfileSpec) {
			s.Tiers[0].Access = s.Tiers[0].Access[1:]
			s.Dependencies[1].Access = s.Dependencies[1].Access[:1]
		},
		"all grants are taken away": func(_ *world, s *v1alpha1.SegmentationProfileSpec) {
			s.Tiers[0].Access, s.Tiers[1].Access, s.Dependencies[1].Access, s.Roles = nil, nil, nil, nil
		},
		"a rule of a role is taken away": func(_ *world, s *v1alpha1.SegmentationProfileSpec) {
			s.Roles[0].Rules = s.Roles[0].Rules[:1]
		},
		"a namespace is taken away by name": func(_ *world, s *v1alpha1.SegmentationProfileSpec) {
			s.Tiers[0].Namespaces.Names = s.Tiers[0].Namespaces.Names[:1]
		},
		"a tier is taken away": func(_ *world, s *v1alpha1.SegmentationProfileSpec) {
			s.Tiers, s.Dependencies = s.Tiers[1:], nil
		},
		"a role that nobody has": func(_ *world, s *v1alpha1.SegmentationProfileSpec) {
			s.Roles[1] = builders.MakeRole("unused").Read("secrets").Obj()
			s.Roles = append(s.Roles, builders.MakeRole("another").Read("secrets").Obj())
		},
	}
	cases := map[string]authorCase{}
	for name, change := range changes {
		cases["unchanged: "+name] = authorCase{change: change, may: everybody}
	}
	return cases
}

// changedGrants are changes that take the permission to grant.
func changedGrants(w *world) map[string]authorCase {
	binders := []string{"binder", "binder-all", "senior"}
	granters := []string{"granter", "escalator", "senior"}
	roles := mustGrant(w.ns("shop"), "viewer")
	// Of two things that are missing, the API server tells the first.
	both := map[string]string{"granter": mustBind("view"), "escalator": mustBind("view")}
	return map[string]authorCase{
		"a ClusterRole is granted to one more": {
			change: func(_ *world, s *v1alpha1.SegmentationProfileSpec) {
				s.Tiers[0].Access[1].Subjects = append(s.Tiers[0].Access[1].Subjects, builders.User("eve"))
			}, may: binders, says: mustBind("view"),
		},
		"a ClusterRole is granted to another": {
			change: func(_ *world, s *v1alpha1.SegmentationProfileSpec) { s.Tiers[0].Access[1].Subjects[0].Name = "eve" },
			may:    binders, says: mustBind("view"),
		},
		"a service account of another namespace": {
			change: func(_ *world, s *v1alpha1.SegmentationProfileSpec) {
				s.Tiers[0].Access[1].Subjects[1] = builders.ServiceAccount("default", "bob")
			}, may: binders, says: mustBind("view"),
		},
		"another ClusterRole": {
			change: func(_ *world, s *v1alpha1.SegmentationProfileSpec) { s.Tiers[0].Access[1].ClusterRole = "edit" },
			may:    binders, says: mustBind("edit"),
		},
		"a ClusterRole may edit the boundary": {
			change: func(_ *world, s *v1alpha1.SegmentationProfileSpec) {
				s.Tiers[0].Access[1].BoundaryEdits = v1alpha1.BoundaryEditsAllowed
			}, may: binders, says: mustBind("view"),
		},
		"two ClusterRoles, of which one may be bound": {
			change: func(_ *world, s *v1alpha1.SegmentationProfileSpec) {
				s.Tiers[2] = builders.MakeTier("data").Selector(nil).ClusterRoleAccess("edit", builders.User("eve")).
					ClusterRoleAccess("admin", builders.User("eve")).Obj()
				s.Tiers[2].Namespaces.Selector.MatchLabels = map[string]v1alpha1.LabelValue{"world": "another"}
				s.Dependencies = s.Dependencies[:1]
			},
			may: []string{"binder-all"}, says: mustBind("admin"), by: map[string]string{"stranger": mustBind("edit")},
		},
		"a ClusterRole by a dependency": {
			change: func(_ *world, s *v1alpha1.SegmentationProfileSpec) {
				s.Dependencies[0].Access = []v1alpha1.DependencyAccess{{ClusterRole: "edit"}}
			}, may: binders, says: mustBind("edit"),
		},
		"a dependency with a ClusterRole turns around": {
			change: func(_ *world, s *v1alpha1.SegmentationProfileSpec) {
				s.Dependencies[1].Access = s.Dependencies[1].Access[1:]
				s.Dependencies[1].From, s.Dependencies[1].To = s.Dependencies[1].To, s.Dependencies[1].From
			}, may: binders, says: mustBind("view"),
		},
		"a dependency with a ClusterRole goes to another tier": {
			change: func(_ *world, s *v1alpha1.SegmentationProfileSpec) {
				s.Dependencies[1].Access = s.Dependencies[1].Access[1:]
				s.Dependencies[1].To.Tier = "cache"
			}, may: binders, says: mustBind("view"),
		},
		"a role is granted to one more": {
			change: func(_ *world, s *v1alpha1.SegmentationProfileSpec) {
				s.Tiers[0].Access[0].Subjects = append(s.Tiers[0].Access[0].Subjects, builders.User("eve"))
			}, may: granters, says: roles,
		},
		"a role gets a rule": {
			change: func(_ *world, s *v1alpha1.SegmentationProfileSpec) {
				s.Roles[0] = builders.MakeRole("viewer").Read("pods").Read("services").Read("secrets").Obj()
			}, may: granters, says: roles,
		},
		"a role that nobody had is granted": {
			change: func(_ *world, s *v1alpha1.SegmentationProfileSpec) { s.Tiers[0].Access[0].Role = "unused" },
			may:    granters, says: mustGrant(w.ns("shop"), "unused"),
		},
		"a role may edit the boundary": {
			change: func(_ *world, s *v1alpha1.SegmentationProfileSpec) {
				s.Roles[0].BoundaryEdits = v1alpha1.BoundaryEditsAllowed
			},
			may: granters, says: roles,
		},
		"two roles": {
			change: func(_ *world, s *v1alpha1.SegmentationProfileSpec) {
				s.Roles[0] = builders.MakeRole("viewer").Read("secrets").Obj()
				s.Dependencies[0].Access = []v1alpha1.DependencyAccess{{Role: "unused"}}
			}, may: granters, says: mustGrant(w.ns("shop"), "unused", "viewer"),
		},
		"a tier with access selects one more namespace": {
			change: func(w *world, s *v1alpha1.SegmentationProfileSpec) {
				s.Tiers[0].Namespaces.Names = append(s.Tiers[0].Namespaces.Names, v1alpha1.NamespaceName(w.ns("w3")))
			}, may: []string{"senior"}, says: roles, by: both,
		},
		"a tier with access selects by other labels": {
			change: func(w *world, s *v1alpha1.SegmentationProfileSpec) {
				s.Tiers[1].Namespaces = builders.MakeTier("api").Selector(w.layer("other")).Obj().Namespaces
			}, may: granters, says: mustGrant(w.ns("shop"), "networker"),
		},
		"a tier to which a dependency gives access selects others": {
			change: func(w *world, s *v1alpha1.SegmentationProfileSpec) {
				s.Tiers[2].Namespaces = builders.MakeTier("data").Names(w.ns("d1")).Obj().Namespaces
			}, may: []string{"senior"}, says: roles, by: both,
		},
		"two tiers change their names": {
			change: func(_ *world, s *v1alpha1.SegmentationProfileSpec) {
				s.Tiers[1].Name, s.Tiers[3].Name, s.Dependencies = "cache", "api", nil
			}, may: granters, says: mustGrant(w.ns("shop"), "networker"),
		},
	}
}
