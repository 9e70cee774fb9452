package gitops

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"
)

// TestHealthTestdata brings profiles into the states that the health script tells apart, on a real API server with the
// operator, and compares them with the testdata that the script is tested with.
func TestHealthTestdata(t *testing.T) { //nolint:tparallel // Its parts follow each other.
	t.Parallel()
	p := startPlane(t)
	p.apply(t, kustomize(t, "config", "default"))
	s := &states{plane: p, seen: map[string]*unstructured.Unstructured{}}
	t.Run("no operator has seen the profile", s.unseen)
	kubelet := startKubelet(t, p)
	t.Run("namespaces are being segmented", s.progressing)
	t.Run("all namespaces are segmented", s.segmented)
	t.Run("in Preview", s.preview)
	t.Run("a policy of somebody else opens a path", s.undeclaredPath)
	t.Run("writes fail and are tried again", s.retrying)
	t.Run("two tiers select one namespace", s.tiersOverlap)
	t.Run("an older profile has the namespace", s.heldByOlder)
	t.Run("a role is above the ceiling", s.aboveCeiling)
	t.Run("the operator is down, and the profile is changed", func(t *testing.T) { s.stale(t, kubelet) })
	if len(s.seen) != 10 {
		t.Errorf("%d states were seen", len(s.seen))
	}
}

type states struct {
	plane *plane
	seen  map[string]*unstructured.Unstructured
}

// profile makes a profile of one tier, which lists namespaces by name.
func profile(name string, namespaces ...any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "segmentation.dev/v1alpha1", "kind": "SegmentationProfile", "metadata": map[string]any{"name": name},
		"spec": map[string]any{"tiers": []any{map[string]any{"name": "web", "namespaces": map[string]any{"names": namespaces}}}},
	}}
}

// apply applies objects, the CustomResourceDefinition's own before those that need it.
func (p *plane) apply(t *testing.T, objects []*unstructured.Unstructured) {
	t.Helper()
	app := installArgoCD(t, p, "").deliver(shipped(t, "operator.yaml"), objects)
	app.sync(t).succeeded(t)
}

func (s *states) create(t *testing.T, profile *unstructured.Unstructured, namespaces ...string) {
	t.Helper()
	for _, name := range namespaces {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		_, err := s.plane.clients.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{})
		check(t, err)
	}
	_, err := s.plane.profiles().Create(t.Context(), profile, metav1.CreateOptions{})
	check(t, err)
}

func (s *states) patch(t *testing.T, name, patch string) {
	t.Helper()
	_, err := s.plane.profiles().Patch(t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	check(t, err)
}

// is waits until a condition of a profile has a status and a reason, the operator has done what it can, unless it is not
// to be able to, and all of that is about the profile's generation.
func (s *states) is(t *testing.T, name, kind, status, reason, file string) {
	t.Helper()
	var got *unstructured.Unstructured
	eventually(t, name+" is "+kind+" "+status+" "+reason, func(ctx context.Context) string {
		obj, err := s.plane.profiles().Get(ctx, name, metav1.GetOptions{})
		check(t, err)
		if observed, _, _ := unstructured.NestedInt64(obj.Object, "status", "observedGeneration"); observed != obj.GetGeneration() {
			return "it was not looked at yet"
		}
		got = obj
		if kind != "Reconciling" && has(obj, "Reconciling", "True", "Progressing") == "" {
			return "it is at work"
		}
		return has(obj, kind, status, reason)
	})
	s.record(t, file, got)
}

// has tells what is missing for a profile to have a condition.
func has(profile *unstructured.Unstructured, kind, status, reason string) string {
	conditions, _, _ := unstructured.NestedSlice(profile.Object, "status", "conditions")
	for _, c := range conditions {
		if c, ok := c.(map[string]any); ok && c["type"] == kind && c["status"] == status && c["reason"] == reason {
			return ""
		}
	}
	content, _ := yaml.Marshal(conditions)
	return string(content)
}

// times are of one run only, and replaced.
var times = regexp.MustCompile(`(creationTimestamp|lastTransitionTime): .*`)

// record compares a state with the testdata of its name, or writes it there.
func (s *states) record(t *testing.T, file string, obj *unstructured.Unstructured) {
	t.Helper()
	s.seen[file] = obj
	obj = obj.DeepCopy()
	obj.SetManagedFields(nil)
	obj.SetUID("")
	obj.SetResourceVersion("")
	content, err := yaml.Marshal(obj.Object)
	check(t, err)
	content = times.ReplaceAll(content, []byte(`$1: "2026-01-01T00:00:00Z"`))
	path := filepath.Join(customization, "testdata", file)
	if *update {
		check(t, os.WriteFile(path, content, 0o600))
		return
	}
	if diff := cmp.Diff(string(read(t, path)), string(content)); diff != "" {
		t.Errorf("%s is not what the API server returns now; write it anew by -update (-testdata +now):\n%s", file, diff)
	}
}

func (s *states) unseen(t *testing.T) {
	s.create(t, profile("shop", "shop-web"), "shop-web")
	obj, err := s.plane.profiles().Get(t.Context(), "shop", metav1.GetOptions{})
	check(t, err)
	s.record(t, "progressing_unseen.yaml", obj)
}

// progressing catches a profile between its creation and its end, by watching it.
func (s *states) progressing(t *testing.T) {
	watcher, err := s.plane.profiles().Watch(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=tenant"})
	check(t, err)
	defer watcher.Stop()
	s.create(t, profile("tenant", "tenant-web"), "tenant-web")
	for event := range watcher.ResultChan() {
		obj, ok := event.Object.(*unstructured.Unstructured)
		if ok && has(obj, "Reconciling", "True", "Progressing") == "" {
			s.record(t, "progressing_segmenting.yaml", obj)
			return
		}
		if ok && has(obj, "Ready", "True", "Segmented") == "" {
			t.Fatal("it was ready at once")
		}
	}
}

func (s *states) segmented(t *testing.T) {
	s.is(t, "shop", "Ready", "True", "Segmented", "healthy_segmented.yaml")
}

func (s *states) preview(t *testing.T) {
	obj := profile("warehouse", "warehouse-web")
	check(t, unstructured.SetNestedField(obj.Object, "Preview", "spec", "mode"))
	s.create(t, obj, "warehouse-web")
	s.is(t, "warehouse", "Ready", "True", "Preview", "healthy_preview.yaml")
}

func (s *states) undeclaredPath(t *testing.T) {
	s.create(t, profile("blog", "blog-web"), "blog-web")
	open := &networkingv1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: "blog-web", Name: "allow-all"},
		Spec:       networkingv1.NetworkPolicySpec{Ingress: []networkingv1.NetworkPolicyIngressRule{{}}},
	}
	_, err := s.plane.clients.NetworkingV1().NetworkPolicies("blog-web").Create(t.Context(), open, metav1.CreateOptions{})
	check(t, err)
	s.is(t, "blog", "Isolated", "False", "UndeclaredPath", "healthy_undeclaredPath.yaml")
}

// retrying has the API server fail to write policies of one namespace, by a webhook that nobody answers for.
func (s *states) retrying(t *testing.T) {
	fail, none, url, seconds := admissionregistrationv1.Fail, admissionregistrationv1.SideEffectClassNone, "https://127.0.0.1:1/", int32(1)
	hooks := s.plane.clients.AdmissionregistrationV1().ValidatingWebhookConfigurations()
	_, err := hooks.Create(t.Context(), &admissionregistrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "unavailable"},
		Webhooks: []admissionregistrationv1.ValidatingWebhook{{
			Name: "unavailable.example.com", FailurePolicy: &fail, SideEffects: &none, TimeoutSeconds: &seconds,
			AdmissionReviewVersions: []string{"v1"}, ClientConfig: admissionregistrationv1.WebhookClientConfig{URL: &url},
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": "wiki-web"}},
			Rules: []admissionregistrationv1.RuleWithOperations{{
				Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
				Rule: admissionregistrationv1.Rule{
					APIGroups: []string{"networking.k8s.io"}, APIVersions: []string{"v1"}, Resources: []string{"networkpolicies"},
				},
			}},
		}},
	}, metav1.CreateOptions{})
	check(t, err)
	s.create(t, profile("wiki", "wiki-web"), "wiki-web")
	s.is(t, "wiki", "Reconciling", "True", "Retrying", "progressing_retrying.yaml")
	check(t, hooks.Delete(t.Context(), "unavailable", metav1.DeleteOptions{}))
}

func (s *states) tiersOverlap(t *testing.T) {
	obj := profile("crm", "crm-web")
	tiers, _, err := unstructured.NestedSlice(obj.Object, "spec", "tiers")
	check(t, err)
	check(t, unstructured.SetNestedSlice(obj.Object, append(tiers, map[string]any{
		"name":       "all",
		"namespaces": map[string]any{"selector": map[string]any{"matchLabels": map[string]any{"kubernetes.io/metadata.name": "crm-web"}}},
	}), "spec", "tiers"))
	s.create(t, obj, "crm-web")
	s.is(t, "crm", "Stalled", "True", "TiersOverlap", "degraded_tiersOverlap.yaml")
}

func (s *states) heldByOlder(t *testing.T) {
	s.create(t, profile("younger", "shop-web"))
	s.is(t, "younger", "Stalled", "True", "HeldByOlderProfile", "degraded_heldByOlderProfile.yaml")
}

func (s *states) aboveCeiling(t *testing.T) {
	obj := profile("vault", "vault-web")
	check(t, unstructured.SetNestedSlice(obj.Object, []any{map[string]any{"name": "reader", "rules": []any{map[string]any{
		"apiGroups": []any{""}, "resources": []any{"secrets"}, "verbs": []any{"get"},
	}}}}, "spec", "roles"))
	tiers, _, err := unstructured.NestedSlice(obj.Object, "spec", "tiers")
	check(t, err)
	tiers[0].(map[string]any)["access"] = []any{map[string]any{
		"role": "reader", "subjects": []any{map[string]any{"kind": "Group", "name": "developers"}},
	}}
	check(t, unstructured.SetNestedSlice(obj.Object, tiers, "spec", "tiers"))
	s.create(t, obj, "vault-web")
	s.is(t, "vault", "Stalled", "True", "AboveCeiling", "degraded_aboveCeiling.yaml")
}

// stale changes a profile with nobody there to look at it.
func (s *states) stale(t *testing.T, kubelet *kubelet) {
	scale, err := s.plane.clients.AppsV1().Deployments(operatorNamespace).GetScale(t.Context(), operatorName, metav1.GetOptions{})
	check(t, err)
	scale.Spec.Replicas = 0
	_, err = s.plane.clients.AppsV1().Deployments(operatorNamespace).UpdateScale(t.Context(), operatorName, scale, metav1.UpdateOptions{})
	check(t, err)
	eventually(t, "no operator runs", func(context.Context) string { return none(kubelet.running()) })
	s.patch(t, "shop", `{"spec":{"tiers":[{"name":"web","namespaces":{"names":["shop-web"]},"internalTraffic":"Deny"}]}}`)
	obj, err := s.plane.profiles().Get(t.Context(), "shop", metav1.GetOptions{})
	check(t, err)
	s.record(t, "progressing_staleGeneration.yaml", obj)
}
