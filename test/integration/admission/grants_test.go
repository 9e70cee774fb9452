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
