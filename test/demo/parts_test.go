package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	authorizationv1 "k8s.io/api/authorization/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

func TestReviews(t *testing.T) {
	cases := map[string]struct {
		question question
		want     authorizationv1.SubjectAccessReviewSpec
		short    string
	}{
		"a group and a subresource": {
			question: question{who: "devs", verb: "get", resource: "pods/log", namespace: "a"},
			want: authorizationv1.SubjectAccessReviewSpec{
				User: "one of devs", Groups: []string{"devs", "system:authenticated"},
				ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: "get", Resource: "pods", Subresource: "log", Namespace: "a"},
			},
			short: "get pods/log",
		},
		"a service account and a named object of a group": {
			question: question{who: "ns/sa", verb: "bind", resource: "clusterroles.rbac.authorization.k8s.io view", namespace: "a"},
			want: authorizationv1.SubjectAccessReviewSpec{
				User:   "system:serviceaccount:ns:sa",
				Groups: []string{"system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"},
				ResourceAttributes: &authorizationv1.ResourceAttributes{
					Verb: "bind", Group: "rbac.authorization.k8s.io", Resource: "clusterroles", Name: "view", Namespace: "a",
				},
			},
			short: "bind clusterroles view",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.question.review().Spec); diff != "" {
				t.Errorf("review (-want +got):\n%s", diff)
			}
			if got := tc.question.short(); got != tc.short {
				t.Errorf("short() = %q, want %q", got, tc.short)
			}
		})
	}
}

func TestBecause(t *testing.T) {
	cases := map[string]string{
		"": "",
		`RBAC: allowed by RoleBinding "segmentation-viewer-1a/shop-web" of Role "segmentation-viewer" to Group "devs"`: "RoleBinding segmentation-viewer-1a",
		`RBAC: allowed by ClusterRoleBinding "x" of ClusterRole "y" to ServiceAccount "z"`:                             "ClusterRoleBinding x",
	}
	for reason, want := range cases {
		if got := because(reason); got != want {
			t.Errorf("because(%q) = %q, want %q", reason, got, want)
		}
	}
}

func TestAggregation(t *testing.T) {
	pods := rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"get"}}
	jobs := rbacv1.PolicyRule{APIGroups: []string{"batch"}, Resources: []string{"jobs"}, Verbs: []string{"get"}}
	labelled := metav1.ObjectMeta{Name: "part", Labels: map[string]string{"grantable": "true"}}
	all := []rbacv1.ClusterRole{
		{ObjectMeta: labelled, Rules: []rbacv1.PolicyRule{pods, jobs}},
		{ObjectMeta: metav1.ObjectMeta{Name: "other"}, Rules: []rbacv1.PolicyRule{{Verbs: []string{"*"}}}},
	}
	for want, rules := range map[int][]rbacv1.PolicyRule{0: nil, 1: {jobs}, 2: {pods, jobs}} {
		aggregate := &rbacv1.ClusterRole{
			Rules: rules,
			AggregationRule: &rbacv1.AggregationRule{
				ClusterRoleSelectors: []metav1.LabelSelector{{MatchLabels: labelled.Labels}},
			},
		}
		have, of, err := aggregation(aggregate, all)
		if have != want || of != 2 || err != nil {
			t.Errorf("with %d rules: %d of %d (%v)", len(rules), have, of, err)
		}
	}
}

func TestDecodeManifests(t *testing.T) {
	text := `# a comment
---
apiVersion: v1
kind: Namespace
metadata: {name: a}
---
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: b}
spec: {replicas: 2}
`
	objects, err := decodeManifests("test", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(objects) != 2 || objects[0].GetName() != "a" || objects[1].GetKind() != "Deployment" {
		t.Errorf("objects = %v", objects)
	}
	if found := ofKind(objects, "Namespace"); len(found) != 1 || found[0].GetName() != "a" {
		t.Errorf("namespaces = %v", found)
	}
	for name, bad := range map[string]string{"no kind": "metadata: {name: a}", "no YAML": "a: [b"} {
		if _, err := decodeManifests("test", strings.NewReader(bad)); err == nil || !strings.Contains(err.Error(), "reading test") {
			t.Errorf("%s: error = %v", name, err)
		}
	}
}

func TestReady(t *testing.T) {
	condition := metav1.Condition{Type: v1alpha1.ConditionReady, Reason: "Why", Message: "because"}
	cases := map[string]struct {
		status             metav1.ConditionStatus
		generation         int64
		wantErr, wantShown string
	}{
		"unseen":  {wantErr: "not seen", wantShown: "2 of 3 namespaces ready"},
		"stale":   {status: metav1.ConditionTrue, generation: 1, wantErr: "not seen", wantShown: "2 of 3 namespaces ready"},
		"working": {status: metav1.ConditionUnknown, generation: 2, wantErr: "Why: because", wantShown: "2 of 3 namespaces ready"},
		"stalled": {status: metav1.ConditionFalse, generation: 2, wantErr: "Why: because", wantShown: "2 of 3 namespaces ready; because"},
		"ready":   {status: metav1.ConditionTrue, generation: 2, wantShown: "2 of 3 namespaces ready"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			profile := &v1alpha1.SegmentationProfile{}
			profile.Generation = 2
			profile.Status.Namespaces = v1alpha1.NamespaceCounts{Ready: 2, Claimed: 3}
			if tc.status != "" {
				seen := condition
				seen.Status, seen.ObservedGeneration = tc.status, tc.generation
				profile.Status.Conditions = []metav1.Condition{seen}
			}
			err := ready(profile)
			if (err == nil) != (tc.wantErr == "") || err != nil && !strings.Contains(err.Error(), tc.wantErr) {
				t.Errorf("ready() = %v, want %q", err, tc.wantErr)
			}
			if got := progressOf(profile); got != tc.wantShown {
				t.Errorf("progressOf() = %q, want %q", got, tc.wantShown)
			}
		})
	}
}

func TestPolicyAsYAML(t *testing.T) {
	policy := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{
		Name: "p", Namespace: "n", UID: "u", ResourceVersion: "1", Labels: map[string]string{"a": "b"},
	}}
	got, err := asYAML(policy)
	if err != nil {
		t.Fatal(err)
	}
	want := `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  labels:
    a: b
  name: p
  namespace: "n"
spec:
  podSelector: {}
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("YAML (-want +got):\n%s", diff)
	}
}

func TestCountRows(t *testing.T) {
	got := palette{}.table(countsHeader(), countRows(map[string]objectCounts{"b": {44, 1, 2}, "a": {1, 0, 1}}))
	want := `NAMESPACE  NETWORKPOLICIES  ROLES  ROLEBINDINGS
a                        1      0             1
b                       44      1             2
all                     45      1             3
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

func TestTail(t *testing.T) {
	for text, want := range map[string]string{"": "", "a\n": "a", "a\nb\nc\n\n": "b\nc"} {
		if got := tail(text, 2); got != want {
			t.Errorf("tail(%q) = %q, want %q", text, got, want)
		}
	}
}

// Every line is a comment or a command: all can be pasted into a shell.
func TestHintsCanBePasted(t *testing.T) {
	for line := range strings.Lines(palette{}.hints(hints("shop", "k", "l"))) {
		line = strings.TrimSpace(line)
		first, _, _ := strings.Cut(line, " ")
		switch first {
		case "", "#", "export", "kubectl", "tail":
		default:
			t.Errorf("line %q is neither a comment nor a command", line)
		}
	}
}

func TestSampleOfTheRepository(t *testing.T) {
	s, err := readSample("../../config/samples")
	if err != nil {
		t.Fatal(err)
	}
	if len(s.names()) < 10 {
		t.Errorf("%d namespaces, want at least 10", len(s.names()))
	}
	if _, err := readSample(t.TempDir()); err == nil {
		t.Error("no error for a directory without the sample")
	}
}
