package admission

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

const orLeave = ", or leave the access of tiers and dependencies, and the namespaces of tiers that have access, as they are"

// mustBind is what is said to an author who may not bind a ClusterRole.
func mustBind(name string) string {
	return "changing grants of ClusterRole " + name + " takes the right to bind it: ask somebody who may 'bind' clusterroles/" +
		name + orLeave
}

// mustGrant is what is said to an author who may not grant roles of a profile.
func mustGrant(profile string, roles ...string) string {
	kind := "role "
	if len(roles) > 1 {
		kind = "roles "
	}
	return "changing grants of " + kind + strings.Join(roles, ", ") +
		" takes the right to grant by this profile: ask somebody who may 'grant' segmentationprofiles/" + profile +
		" or 'escalate' roles" + orLeave + ", and the rules of roles too"
}

// granting is a profile with grants of each kind. The operator has nothing to do for it.
func (w *world) granting() *v1alpha1.SegmentationProfile {
	return builders.MakeProfile(w.ns("shop")).
		Role(
			builders.MakeRole("viewer").Read("pods").Read("services").Obj(),
			builders.MakeRole("unused").Read("events").Obj(),
			builders.MakeRole("networker").Rule("networking.k8s.io", []string{"networkpolicies"}, []string{"create"}).BoundaryEdits().Obj(),
		).
		Tier(
			builders.MakeTier("web").Names(w.ns("w1"), w.ns("w2")).
				Access("viewer", builders.Group("developers"), builders.User("ann")).
				ClusterRoleAccess("view", builders.Group("auditors"), builders.User("bob")).Obj(),
			builders.MakeTier("api").Selector(w.layer("api")).Access("networker", builders.User("ned")).Obj(),
			builders.MakeTier("data").Selector(w.layer("data")).Obj(),
			builders.MakeTier("cache").Selector(w.layer("cache")).Obj(),
		).
		Dependency(
			builders.MakeDependency("web-api").FromTier("web").ToTier("api").Port(9090).Obj(),
			builders.MakeDependency("web-data").FromTier("web").ToTier("data").Access("viewer").ClusterRoleAccess("view").Obj(),
		).Obj()
}

// authors are those of the table, by what they hold beside the right to edit profiles.
func (w *world) authors() map[string]client.Client {
	return map[string]client.Client{
		"junior":     w.author("junior"),
		"binder":     w.author("binder", bind("view", "edit")),
		"binder-all": w.author("binder-all", bind()),
		"granter":    w.author("granter", grant(w.ns("shop"))),
		"escalator":  w.author("escalator", escalate()),
		"senior":     w.author("senior", grant(), bind("view", "edit")),
		"stranger":   w.author("stranger", grant("another"), bind("admin")),
	}
}

type authorCase struct {
	change func(*world, *v1alpha1.SegmentationProfileSpec)
	// may are the authors who may make the change; all others may not.
	may []string
	// says is what others are told; by tells it for those who are told something else.
	says string
	by   map[string]string
}

var everybody = []string{"junior", "binder", "binder-all", "granter", "escalator", "senior", "stranger"}

func TestWhoChangesGrantsMustBeAllowedToGrant(t *testing.T) {
	w := newWorld(t)
	authors := w.authors()
	shop := w.profile(w.granting())
	cases := unchangedGrants()
	maps.Copy(cases, changedGrants(w))
	for name, c := range cases {
		w.run(name, func(w *world) {
			for _, author := range everybody {
				err := w.wouldUpdate(authors[author], shop, func(s *v1alpha1.SegmentationProfileSpec) { c.change(w, s) })
				if slices.Contains(c.may, author) {
					w.Expect(err).NotTo(HaveOccurred(), "%s", author)
					continue
				}
				says := c.says
				if c.by[author] != "" {
					says = c.by[author]
				}
				w.refused(err, profileGrants, says)
			}
		})
	}
}

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

func TestANewProfileTakesTheRightToGrantAllThatItGrants(t *testing.T) {
	w := newWorld(t)
	authors := w.authors()
	says := map[string]string{"granter": mustBind("view"), "escalator": mustBind("view")}
	for _, author := range everybody {
		w.run(author, func(w *world) {
			err := authors[author].Create(w.ctx(), w.granting(), client.DryRunAll)
			switch {
			case author == "senior":
				w.Expect(err).NotTo(HaveOccurred())
			case says[author] != "":
				w.refused(err, profileGrants, says[author])
			default:
				w.refused(err, profileGrants, mustGrant(w.ns("shop"), "networker", "viewer"))
			}
			plain := w.twoTiers("plain").Obj()
			w.Expect(authors[author].Create(w.ctx(), plain, client.DryRunAll)).To(Succeed(), "a profile that grants nothing")
		})
	}
}

func TestTheStandingPermissionIsARoleThatIsShipped(t *testing.T) {
	w := newWorld(t)
	p := w.twoTiers("shop").Role(builders.MakeRole("viewer").Read("pods").Obj()).Obj()
	p.Spec.Tiers[0].Access = []v1alpha1.TierAccess{{Role: "viewer", Subjects: []v1alpha1.Subject{builders.User("ann")}}}
	author := w.author("ann")
	w.refused(author.Create(w.ctx(), p.DeepCopy(), client.DryRunAll), profileGrants, mustGrant(p.Name, "viewer"))
	w.bindUser(w.ns("ann"), "segmentation-operator-profile-granter")
	w.Eventually(func() error { return author.Create(w.ctx(), p.DeepCopy(), client.DryRunAll) }, soon, tick).Should(Succeed())
}

func TestAProfileWithoutANameYetIsGrantedByThoseWhoMayGrantByAll(t *testing.T) {
	w := newWorld(t)
	p := w.granting()
	p.Name, p.GenerateName = "", "generated-"
	senior := w.author("senior", grant(), bind("view"))
	w.Expect(senior.Create(w.ctx(), p.DeepCopy(), client.DryRunAll)).To(Succeed())
	err := w.author("named", grant(w.ns("shop")), bind("view")).Create(w.ctx(), p.DeepCopy(), client.DryRunAll)
	w.Expect(deniedBy(err)).To(Equal(profileGrants), "%v", err)
}

// ClusterRoles are asked about one by one, and the API server lets a policy ask so often.
func TestSixteenClusterRolesAreTheMostInOneChange(t *testing.T) {
	w := newWorld(t)
	names := make([]string, 17)
	for i := range names {
		names[i] = fmt.Sprintf("role-%02d", i)
	}
	tier := func(names ...string) *v1alpha1.SegmentationProfile {
		tier := builders.MakeTier("web").Selector(w.layer("web"))
		for _, name := range names[:min(len(names), 16)] {
			tier.ClusterRoleAccess(name, builders.User("ann"))
		}
		p := builders.MakeProfile(w.ns("shop")).Tier(tier.Obj())
		if len(names) > 16 {
			p.Tier(builders.MakeTier("api").Selector(w.layer("api")).ClusterRoleAccess(names[16], builders.User("ann")).Obj())
		}
		return p.Obj()
	}
	all := w.author("all", bind())
	binder := w.author("binder", bind(names...))
	w.Expect(binder.Create(w.ctx(), tier(names[:16]...), client.DryRunAll)).To(Succeed())
	w.Expect(all.Create(w.ctx(), tier(names...), client.DryRunAll)).To(Succeed())
	w.refused(binder.Create(w.ctx(), tier(names...), client.DryRunAll), profileGrants,
		"this changes grants of 17 ClusterRoles, and 16 is the most that can be checked at once: make the change in several "+
			"steps, or ask somebody who may 'bind' all clusterroles")
	for i := range 16 {
		held := slices.Delete(slices.Clone(names[:16]), i, i+1)
		binder := w.author(fmt.Sprintf("binder-%d", i), bind(held...))
		w.refused(binder.Create(w.ctx(), tier(names[:16]...), client.DryRunAll), profileGrants, mustBind(names[i]))
	}
}
