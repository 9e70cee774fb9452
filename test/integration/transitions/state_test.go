package transitions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/go-cmp/cmp"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// state is where a story has to arrive.
type state struct {
	// members are the slots of each tier, as "shop/web": "012". Slots that are not there
	// belong to no tier.
	members map[string]string
	// lost is how many namespaces each profile has to leave to an older one.
	lost map[string]int
}

// tierOf returns profile and tier of a slot; empty if it has none.
func (st state) tierOf(slot int) (profile, tier string) {
	for of, slots := range st.members {
		if strings.Contains(slots, strconv.Itoa(slot)) {
			profile, tier, _ = strings.Cut(of, "/")
			return profile, tier
		}
	}
	return "", ""
}

func (st state) claimed(profile string) int {
	n := 0
	for of, slots := range st.members {
		if strings.HasPrefix(of, profile+"/") {
			n += len(slots)
		}
	}
	return n
}

// settle waits until the scene is in a state, and insists that all is as compiled, byte for
// byte. It returns a revision at which it is so.
func (s *scene) settle(want state) string {
	s.t.Helper()
	s.Eventually(func() error { return errors.Join(s.statuses(want), s.differs(s.ctx(), want)) }, soon, tick).Should(Succeed())
	revision := s.mark()
	s.Expect(s.differs(s.ctx(), want)).To(Succeed(), "it did not stay so")
	return revision
}

// statuses tells what the profiles' statuses do not say yet.
func (s *scene) statuses(want state) error {
	profiles, err := s.profiles(s.ctx())
	if err != nil {
		return err
	}
	var errs []error
	for name, p := range profiles {
		if err := checkStatus(p, want.claimed(name), want.lost[name]); err != nil {
			errs = append(errs, fmt.Errorf("profile %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

func checkStatus(p *v1alpha1.SegmentationProfile, claimed, lost int) error {
	ready := meta.FindStatusCondition(p.Status.Conditions, v1alpha1.ConditionReady)
	wantStatus := metav1.ConditionTrue
	if lost > 0 {
		wantStatus = metav1.ConditionFalse
	}
	switch n := p.Status.Namespaces; {
	case ready == nil || ready.ObservedGeneration != p.Generation:
		return fmt.Errorf("the status is not of generation %d", p.Generation)
	case ready.Status != wantStatus:
		return fmt.Errorf("ready is %s (%s: %s), want %s", ready.Status, ready.Reason, ready.Message, wantStatus)
	case int(n.Claimed) != claimed || int(n.Ready) != claimed || int(n.Conflicted) != lost:
		return fmt.Errorf("namespaces are %s, %d conflicted, want %d and %d", n.Summary, n.Conflicted, claimed, lost)
	}
	return nil
}

// profiles are the scene's profiles by their short names.
func (s *scene) profiles(ctx context.Context) (map[string]*v1alpha1.SegmentationProfile, error) {
	var list v1alpha1.SegmentationProfileList
	if err := env.admin.List(ctx, &list, client.MatchingLabels{"scene": s.name}); err != nil {
		return nil, err
	}
	out := map[string]*v1alpha1.SegmentationProfile{}
	for i := range list.Items {
		out[strings.TrimPrefix(list.Items[i].Name, s.name+"-")] = &list.Items[i]
	}
	return out, nil
}

// differs tells what in the cluster is not what the compiler makes of the profiles.
func (s *scene) differs(ctx context.Context, want state) error {
	profiles, err := s.profiles(ctx)
	if err != nil {
		return err
	}
	wanted, err := s.compile(ctx, profiles, want)
	if err != nil {
		return err
	}
	got, err := s.found(ctx)
	if err != nil {
		return err
	}
	if diff := cmp.Diff(wanted, got); diff != "" {
		return fmt.Errorf("(-want +got):\n%s", diff)
	}
	return nil
}

// compile returns what has to be in the scene's namespaces: texts by "kind namespace/name".
func (s *scene) compile(ctx context.Context, profiles map[string]*v1alpha1.SegmentationProfile, want state) (map[string]string, error) {
	out := map[string]string{}
	for slot := range members {
		name, tier := want.tierOf(slot)
		out["labels "+s.ns(slot)] = "/"
		if name == "" {
			continue
		}
		p, ok := profiles[name]
		if !ok {
			return nil, fmt.Errorf("profile %s is not there", name)
		}
		compiled, err := deploy.Compile(ctx, env.admin, p)
		if err != nil {
			return nil, err
		}
		out["labels "+s.ns(slot)] = p.Name + "/" + tier
		objects := render.Tier(compiled, compiled.Tier(tier)).In(s.ns(slot))
		if err := errors.Join(put(out, objects.Policies), put(out, objects.Roles), put(out, objects.Bindings)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// found returns what is in the scene's namespaces, in the form of compile.
func (s *scene) found(ctx context.Context) (map[string]string, error) {
	managed := client.MatchingLabels{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue}
	var policies networkingv1.NetworkPolicyList
	var roles rbacv1.RoleList
	var bindings rbacv1.RoleBindingList
	for _, list := range []client.ObjectList{&policies, &roles, &bindings} {
		if err := env.admin.List(ctx, list, managed); err != nil {
			return nil, err
		}
	}
	var namespaces corev1.NamespaceList
	if err := env.admin.List(ctx, &namespaces, client.MatchingLabels{"scene": s.name}); err != nil {
		return nil, err
	}
	out := map[string]string{}
	for i := range namespaces.Items {
		labels := namespaces.Items[i].Labels
		out["labels "+namespaces.Items[i].Name] = labels[v1alpha1.ProfileLabel] + "/" + labels[v1alpha1.TierLabel]
	}
	return out, errors.Join(put(out, in(s, policies.Items)), put(out, in(s, roles.Items)), put(out, in(s, bindings.Items)))
}

// in returns those of the objects that are in the scene's namespaces.
func in[T any, P interface {
	*T
	client.Object
}](s *scene, items []T) []P {
	var out []P
	for i := range items {
		if obj := P(&items[i]); strings.HasPrefix(obj.GetNamespace(), s.name+"-") {
			out = append(out, obj)
		}
	}
	return out
}

// put adds objects as the API server would send them, but for what it alone sets.
func put[T client.Object](out map[string]string, objects []T) error {
	for _, obj := range objects {
		o := obj.DeepCopyObject().(client.Object)
		o.SetUID("")
		o.SetResourceVersion("")
		o.SetGeneration(0)
		o.SetCreationTimestamp(metav1.Time{})
		o.SetManagedFields(nil)
		o.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
		encoded, err := json.Marshal(o)
		if err != nil {
			return err
		}
		out[fmt.Sprintf("%T %s/%s", o, o.GetNamespace(), o.GetName())] = string(encoded)
	}
	return nil
}
