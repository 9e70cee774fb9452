package apply

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/internal/status"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

const (
	shopUID   = types.UID("shop-uid")
	namespace = "one"
	binding   = "segmentation-viewer-b7989610f0"
)

// shopProfile begins the tests' profile. Namespace one is of its tier web.
func shopProfile() *builders.ProfileBuilder {
	return builders.MakeProfile("shop").UID(shopUID).
		Tier(builders.MakeTier("web").Names(namespace).Access("viewer", builders.Group("developers")).Obj(),
			builders.MakeTier("api").Names("two").Obj()).
		Role(builders.MakeRole("viewer").Read("pods").Obj())
}

// shop is what a namespace of the tests' profile gets: two policies, a role and a binding.
func shop(t *testing.T) render.Objects {
	t.Helper()
	return rendered(t, shopProfile().
		Dependency(builders.MakeDependency("web-api").FromTier("web").FromPods(map[string]string{"app": "x"}).ToTier("api").Port(80).Obj()))
}

func compiled(t *testing.T, profile *builders.ProfileBuilder) *plan.Plan {
	t.Helper()
	p, errs := plan.Compile(profile.Obj())
	if len(errs) > 0 {
		t.Fatal(errs.ToAggregate())
	}
	return p
}

// rendered is what namespace one gets of a profile.
func rendered(t *testing.T, profile *builders.ProfileBuilder) render.Objects {
	t.Helper()
	p := compiled(t, profile)
	return render.Tier(p, p.Tier("web")).In(namespace)
}

// seen is what the cache shows of a namespace.
type seen struct {
	*Observed
}

func see(labels map[string]string) seen {
	return seen{&Observed{Namespace: builders.MakeNamespace(namespace).UID("ns-uid").ResourceVersion("5").Labels(labels).Metadata()}}
}

// holding adds what was rendered, as the API server would return it.
func (s seen) holding(objects render.Objects) seen {
	for _, p := range objects.Policies {
		p = p.DeepCopy()
		stored(&p.ObjectMeta)
		s.Policies = append(s.Policies, *p)
	}
	for _, r := range objects.Roles {
		r = r.DeepCopy()
		stored(&r.ObjectMeta)
		s.Roles = append(s.Roles, *r)
	}
	for _, b := range objects.Bindings {
		b = b.DeepCopy()
		stored(&b.ObjectMeta)
		s.Bindings = append(s.Bindings, *b)
	}
	return s
}

func stored(meta *metav1.ObjectMeta) {
	meta.UID, meta.ResourceVersion = types.UID("uid-of-"+meta.Name), "7"
}

// but changes what the cache shows.
func (s seen) but(change func(*Observed)) *Observed {
	change(s.Observed)
	return s.Observed
}

// task is to bring a namespace to all of this at once: no other one's labels are due to change.
func task(objects render.Objects) *Task {
	return &Task{Rendered: objects, Owner: shopUID, Profile: "shop", Tier: "web", View: alone(transition.Joining)}
}

// alone is the view of a namespace that need not wait for any other.
func alone(role transition.Role) transition.View {
	return transition.View{Role: role, Alone: true, AloneOfAll: true, MayOpen: true, MayRelabel: true}
}

// seeing is the task as a view and a profile have it.
func (t *Task) seeing(view transition.View, p *plan.Plan) *Task {
	t.View = view
	t.Policies = func(sight render.Sight) []*networkingv1.NetworkPolicy {
		return render.PoliciesIn(render.Policies(p, p.Tier(t.Tier), sight, &render.Exceptions{}), namespace)
	}
	return t
}

const (
	basePolicy  = "NetworkPolicy segmentation"
	podsPolicy  = "NetworkPolicy segmentation-web-api-egress"
	labelling   = "label one web"
	unlabelling = "unlabel one"
)

var (
	member = map[string]string{v1alpha1.ProfileLabel: "shop", v1alpha1.TierLabel: "web"}
	// network is how the policies of a newcomer are written: the base policy isolates its pods once
	// those that have a policy of their own have it.
	network    = []string{"create " + basePolicy, "create " + podsPolicy, "change " + basePolicy}
	access     = []string{"create Role segmentation-viewer", "create RoleBinding " + binding}
	everything = lists(network, []string{labelling}, access)
)

func lists(parts ...[]string) []string {
	var out []string
	for _, part := range parts {
		out = append(out, part...)
	}
	return out
}

func forbidden(err error) error {
	return apierrors.NewForbidden(schema.GroupResource{Group: "g", Resource: "r"}, "some-name", err)
}

// memberCase is one pass over a namespace that is claimed.
type memberCase struct {
	observed func(render.Objects) *Observed
	// view changes what it sees of others; optional.
	view    func(*transition.View)
	errs    map[string]error
	altered string
	want    []string
	state   status.State
	reasons []string
}

func (c memberCase) run(t *testing.T) {
	t.Helper()
	objects := shop(t)
	observed := c.observed(objects)
	todo := task(objects)
	if observed.carriesMembership() {
		todo.View = alone(transition.Member)
	}
	if c.view != nil {
		c.view(&todo.View)
	}
	r := &recorder{errs: c.errs, altered: c.altered}
	result := New(r, r).Member(t.Context(), todo, observed)
	if diff := cmp.Diff(c.want, r.calls); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if result.State() != c.state || result.Writes != len(c.want) {
		t.Errorf("state %s after %d writes, want %s after %d; failures %+v", result.State(), result.Writes, c.state, len(c.want), result.Failures)
	}
	if diff := cmp.Diff(c.reasons, reasonsOf(&result), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}

func reasonsOf(result *Result) []string {
	problems := result.Problems()
	out := make([]string, 0, len(problems))
	for _, p := range problems {
		out = append(out, p.Reason)
	}
	return out
}

// unexported leaves out since when something fails.
var unexported = cmpopts.IgnoreUnexported(transition.Progress{})
