package admission

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// long is the i-th name of a length. The names differ at their ends only.
func long(letter string, length, i int) string {
	return strings.Repeat(letter, length-4) + fmt.Sprintf("%04d", i)
}

// largestTiers has the most tiers with the most access to the most subjects, of roles if there
// are any, and of ClusterRoles otherwise.
func (w *world) largestTiers(role func(i int) v1alpha1.TierAccess) *v1alpha1.SegmentationProfile {
	p := builders.MakeProfile(w.ns("tiers"))
	for i := range 64 {
		tier := builders.MakeTier(long("t", 40, i)).Names(long("n", 40, i)).Obj()
		for j := range 16 {
			access := role(i*16 + j)
			for k := range 8 {
				access.Subjects = append(access.Subjects, builders.ServiceAccount(long("n", 20, k), long("s", 20, j)))
			}
			tier.Access = append(tier.Access, access)
		}
		p.Tier(tier)
	}
	return p.Obj()
}

// withRoles adds roles with the most rules; 64 is the most roles.
func withRoles(p *v1alpha1.SegmentationProfile, roles int) *v1alpha1.SegmentationProfile {
	for i := range roles {
		role := builders.MakeRole(long("r", 40, i))
		for j := range 32 {
			role.Read(fmt.Sprintf("resource-%d", j))
		}
		p.Spec.Roles = append(p.Spec.Roles, role.Obj())
	}
	return p
}

// withDependencies adds the most dependencies with the most access.
func withDependencies(p *v1alpha1.SegmentationProfile, role func(i int) v1alpha1.DependencyAccess) *v1alpha1.SegmentationProfile {
	for i := range 512 {
		dependency := builders.MakeDependency(long("d", 40, i)).
			FromTier(string(p.Spec.Tiers[i%64].Name)).ToTier(string(p.Spec.Tiers[(i+1)%64].Name)).Obj()
		for j := range 16 {
			dependency.Access = append(dependency.Access, role(i*16+j))
		}
		p.Spec.Dependencies = append(p.Spec.Dependencies, dependency)
	}
	return p
}

// withPaths adds the most dependencies and peers that grant nothing: to Services, to other profiles, and of all tiers.
func withPaths(p *v1alpha1.SegmentationProfile) *v1alpha1.SegmentationProfile {
	for i := range 64 {
		p.Spec.Peers = append(p.Spec.Peers, builders.MakePeer(long("p", 40, i)).Names(long("n", 40, i)).Service(long("s", 40, i)).Obj())
	}
	for i := range 512 {
		dependency := builders.MakeDependency(long("d", 40, i))
		tier := string(p.Spec.Tiers[i%64].Name)
		switch i % 4 {
		case 0:
			dependency.FromTier(tier).ToService(tier, long("s", 40, i))
		case 1:
			dependency.FromProfile(long("o", 40, i), tier).ToTier(tier)
		case 2:
			dependency.FromAllTiers().ToProfile(long("o", 40, i), tier)
		default:
			dependency.FromTier(tier).ToPeer(long("p", 40, i%64))
		}
		p.Spec.Dependencies = append(p.Spec.Dependencies, dependency.Obj())
	}
	p.Spec.DNS = v1alpha1.DNS{Service: "kube-dns", NodeLocal: []v1alpha1.IPAddress{"169.254.20.10", "169.254.20.11", "fd00::10", "fd00::11"}}
	return p
}

// largest are profiles in which each list that grants is as long as the CRD takes it.
func (w *world) largest() map[string]*v1alpha1.SegmentationProfile {
	ofRole := func(i int) v1alpha1.TierAccess { return v1alpha1.TierAccess{Role: v1alpha1.Name(long("r", 40, i%64))} }
	ofClusterRole := func(i int) v1alpha1.TierAccess {
		return v1alpha1.TierAccess{ClusterRole: v1alpha1.ClusterRoleName(long("c", 40, i%16))}
	}
	byRole := func(i int) v1alpha1.DependencyAccess {
		return v1alpha1.DependencyAccess{Role: v1alpha1.Name(long("r", 40, i%64))}
	}
	byClusterRole := func(i int) v1alpha1.DependencyAccess {
		return v1alpha1.DependencyAccess{ClusterRole: v1alpha1.ClusterRoleName(long("c", 40, i%16))}
	}
	names := w.largestTiers(ofClusterRole)
	for i := range names.Spec.Tiers {
		tier := &names.Spec.Tiers[i]
		tier.Access = tier.Access[:1]
		tier.Namespaces = builders.MakeTier("").Obj().Namespaces
		for j := range 128 {
			tier.Namespaces.Names = append(tier.Namespaces.Names, v1alpha1.NamespaceName(long("n", 40, i*128+j)))
		}
	}
	return map[string]*v1alpha1.SegmentationProfile{
		"paths that are no access":     withPaths(withRoles(w.largestTiers(ofRole), 64)),
		"ClusterRoles of tiers":        w.largestTiers(ofClusterRole),
		"roles of tiers":               withRoles(w.largestTiers(ofRole), 64),
		"ClusterRoles of dependencies": withDependencies(names.DeepCopy(), byClusterRole),
		"roles of dependencies":        withDependencies(withRoles(builders.MakeProfile("").Spec(names.Spec).Obj(), 64), byRole),
		"names of namespaces":          names,
	}
}

// The API server counts what expressions cost, and refuses a request beyond its limit, whoever
// makes it. So what the CRD takes has to stay below.
func TestTheLargestProfilesCanBeChecked(t *testing.T) {
	w := newWorld(t)
	junior := w.author("junior")
	names := make([]string, 16)
	for i := range names {
		names[i] = long("c", 40, i)
	}
	senior := w.author("senior", grant(), bind(names...))
	for name, p := range w.largest() {
		w.run(name, func(w *world) {
			p.Name, p.Spec.Mode = w.ns("largest"), v1alpha1.ModePreview
			w.Expect(senior.Create(w.ctx(), p)).To(Succeed(), "who may grant it creates it")
			defer func() { w.Expect(env.admin.Delete(w.ctx(), p)).To(Succeed()) }()
			w.Expect(deniedBy(junior.Create(w.ctx(), builders.MakeProfile(w.ns("other")).Spec(p.Spec).Obj(), client.DryRunAll))).
				To(Equal(profileGrants))
			w.Expect(w.wouldUpdate(junior, p, func(s *v1alpha1.SegmentationProfileSpec) {
				s.DNS.Mode = v1alpha1.DNSModeNone
			})).To(Succeed(), "an unchanged grant is no concern of who edits something else")
			for what, change := range changesOfAll() {
				changed := p.DeepCopy()
				change(&changed.Spec)
				if equality.Semantic.DeepEqual(changed.Spec, p.Spec) {
					continue
				}
				w.Expect(w.wouldUpdate(senior, p, change)).To(Succeed(), "who may grant it changes %s", what)
			}
		})
	}
}

// changesOfAll change every list that grants, in every entry.
func changesOfAll() map[string]func(*v1alpha1.SegmentationProfileSpec) {
	return map[string]func(*v1alpha1.SegmentationProfileSpec){
		"a subject of all entries": func(s *v1alpha1.SegmentationProfileSpec) {
			for i := range s.Tiers {
				for j := range s.Tiers[i].Access {
					s.Tiers[i].Access[j].Subjects[7].Name = "somebody-else"
				}
			}
		},
		"the namespaces of all tiers": func(s *v1alpha1.SegmentationProfileSpec) {
			for i := range s.Tiers {
				names := s.Tiers[i].Namespaces.Names
				names[len(names)-1] = v1alpha1.NamespaceName(fmt.Sprintf("another-%d", i))
			}
		},
		"all roles": func(s *v1alpha1.SegmentationProfileSpec) {
			for i := range s.Roles {
				s.Roles[i].Rules[31].Verbs = []string{"get"}
			}
		},
		"an entry of all dependencies": func(s *v1alpha1.SegmentationProfileSpec) {
			for i := range s.Dependencies {
				access := s.Dependencies[i].Access
				if len(access) == 0 {
					continue
				}
				access[15], access[0] = access[0], v1alpha1.DependencyAccess{Role: access[1].Role, ClusterRole: access[1].ClusterRole}
			}
		},
	}
}
