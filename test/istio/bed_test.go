package istio

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/cluster"
	"github.com/segmentation-dev/segmentation-operator/test/segmentationtest"
)

const (
	// patience is far more than anything here takes, and startup what a control plane may take.
	patience = time.Minute
	startup  = 3 * time.Minute
	// rest is more than any time after which the operator looks at a profile again.
	rest = 7 * time.Second
)

// bed is a real API server on which the operator runs, as the account that its manifests give it.
type bed struct {
	*WithT

	t     *testing.T
	plane *cluster.Cluster
	env   *segmentationtest.Env
	admin client.Client
}

func newBed(t *testing.T) *bed {
	t.Helper()
	if testing.Short() {
		t.Skip("this needs a control plane, which -short leaves out")
	}
	log.SetLogger(logr.Discard())
	ctx, cancel := context.WithTimeout(t.Context(), startup)
	defer cancel()
	b := &bed{WithT: NewWithT(t), t: t}
	var err error
	b.plane, err = cluster.Start(ctx, cluster.WithAudit(cluster.AuditMetadata))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Expect(b.plane.Stop()).To(Succeed()) })
	scheme := runtime.NewScheme()
	err = errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme), apiextensionsv1.AddToScheme(scheme), mesh.AddToScheme(scheme))
	if err != nil {
		t.Fatal(err)
	}
	b.admin, err = client.New(b.plane.AdminConfig(), client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	b.SetDefaultEventuallyTimeout(patience)
	b.SetDefaultEventuallyPollingInterval(50 * time.Millisecond)
	b.env = segmentationtest.Run(t, b.plane.AdminConfig(), segmentationtest.WithTimeout(patience))
	return b
}

// namespace creates a namespace of a tier.
func (b *bed) namespace(name, tier string) {
	b.t.Helper()
	b.Expect(b.admin.Create(b.t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: name, Labels: map[string]string{"tier": tier},
	}})).To(Succeed())
}

// tiered gives a namespace to another tier.
func (b *bed) tiered(name, tier string) {
	b.t.Helper()
	patch := fmt.Sprintf(`{"metadata":{"labels":{"tier":%q}}}`, tier)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	b.Expect(b.admin.Patch(b.t.Context(), namespace, client.RawPatch("application/merge-patch+json", []byte(patch)))).To(Succeed())
}

// shop is a profile in which the tier web calls the pods of a tier api.
func shop() *builders.ProfileBuilder {
	return builders.MakeProfile("shop").
		Tier(builders.MakeTier("web").Selector(map[string]string{"tier": "web"}).Obj()).
		Tier(builders.MakeTier("api").Selector(map[string]string{"tier": "api"}).Obj()).
		Tier(builders.MakeTier("lonely").Selector(map[string]string{"tier": "lonely"}).Obj()).
		Dependency(builders.MakeDependency("web-api").FromTier("web").ToTier("api").ToPods(map[string]string{"app": "api"}).Port(80).Obj())
}

// change changes the profile.
func (b *bed) change(how func(*v1alpha1.SegmentationProfile)) {
	b.t.Helper()
	b.Eventually(func() error {
		profile := &v1alpha1.SegmentationProfile{}
		if err := b.admin.Get(b.t.Context(), client.ObjectKey{Name: "shop"}, profile); err != nil {
			return err
		}
		how(profile)
		return b.admin.Update(b.t.Context(), profile)
	}).Should(Succeed())
}

// define installs the definitions of some kinds, or of all of Istio's policies, and undefine removes them and waits until they
// are gone.
func (b *bed) define(kinds ...string) {
	b.t.Helper()
	for _, one := range definitions(b.t) {
		if len(kinds) == 0 || slices.Contains(kinds, one.Spec.Names.Kind) {
			b.Expect(b.admin.Create(b.t.Context(), &one)).To(Succeed())
		}
	}
}

func (b *bed) undefine(kinds ...string) {
	b.t.Helper()
	for _, one := range definitions(b.t) {
		if len(kinds) > 0 && !slices.Contains(kinds, one.Spec.Names.Kind) {
			continue
		}
		b.Expect(b.admin.Delete(b.t.Context(), &one)).To(Succeed())
		b.Eventually(func() bool {
			return apierrors.IsNotFound(b.admin.Get(b.t.Context(), client.ObjectKeyFromObject(&one), &one))
		}).Should(BeTrue())
	}
}

// meshed is the reason of the condition Meshed, with its status, in the profile's present generation; empty if it is not
// there, or not of it.
func (b *bed) meshed() string { return b.meshedOf("shop") }

func (b *bed) meshedOf(name string) string {
	profile := &v1alpha1.SegmentationProfile{}
	if err := b.admin.Get(b.t.Context(), client.ObjectKey{Name: name}, profile); err != nil {
		return err.Error()
	}
	c := meta.FindStatusCondition(profile.Status.Conditions, v1alpha1.ConditionMeshed)
	if c == nil || c.ObservedGeneration != profile.Generation {
		return ""
	}
	return string(c.Status) + " " + c.Reason
}

// callers are the sources that each AuthorizationPolicy of the operator's admits, by namespace and name.
func (b *bed) callers() map[string][]string {
	var list mesh.AuthorizationPolicyList
	of := client.MatchingLabels{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue}
	if err := b.admin.List(b.t.Context(), &list, of); err != nil {
		return map[string][]string{"it cannot be read": {err.Error()}}
	}
	out := map[string][]string{}
	for _, p := range list.Items {
		admitted := []string{}
		for _, rule := range p.Spec.Rules {
			for _, from := range rule.From {
				admitted = append(admitted, from.Source.Namespaces...)
				admitted = append(admitted, from.Source.Principals...)
			}
		}
		out[p.Namespace+"/"+p.Name] = admitted
	}
	return out
}

// writes are what the operator wrote of Istio's since a position, sorted: the verb and the object of each.
func (b *bed) writes(since cluster.AuditPosition) []string {
	b.t.Helper()
	events, err := b.plane.Audit().Since(b.t.Context(), since)
	b.Expect(err).NotTo(HaveOccurred())
	out := []string{}
	for _, e := range events {
		isOperator := strings.HasSuffix(e.User, ":"+segmentationtest.Namespace+":"+segmentationtest.ServiceAccount)
		if isOperator && e.Group == mesh.Group && e.IsWrite() {
			b.Expect(e.Code).To(BeNumerically("<", 300), e.String())
			out = append(out, fmt.Sprintf("%s %s %s/%s", e.Verb, e.Resource, e.Namespace, e.Name))
		}
	}
	slices.Sort(out)
	return out
}

// rests waits until nothing happens any more: what is under way would have the operator look at a profile whatever it was
// told.
func (b *bed) rests() {
	b.t.Helper()
	var last []string
	since := time.Now()
	b.Eventually(func() time.Duration {
		var profiles v1alpha1.SegmentationProfileList
		b.Expect(b.admin.List(b.t.Context(), &profiles)).To(Succeed())
		var now []string
		for i := range profiles.Items {
			now = append(now, profiles.Items[i].ResourceVersion)
		}
		if !slices.Equal(now, last) {
			last, since = now, time.Now()
		}
		return time.Since(since)
	}).Should(BeNumerically(">", rest))
}

func (b *bed) now() cluster.AuditPosition {
	b.t.Helper()
	position, err := b.plane.Audit().Now(b.t.Context())
	b.Expect(err).NotTo(HaveOccurred())
	return position
}
