package controllers

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	applyv1alpha1 "github.com/segmentation-dev/segmentation-operator/api/applyconfiguration/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// answering is a writer that answers every write with an error, or none.
type answering struct {
	Writer
	client.SubResourceWriter

	err error
}

func (a *answering) Apply(context.Context, runtime.ApplyConfiguration, ...client.ApplyOption) error {
	return a.err
}

func (a *answering) Create(context.Context, client.Object, ...client.CreateOption) error {
	return a.err
}

func (a *answering) Update(context.Context, client.Object, ...client.UpdateOption) error {
	return a.err
}

func (a *answering) Delete(context.Context, client.Object, ...client.DeleteOption) error {
	return a.err
}

func (a *answering) Patch(context.Context, client.Object, client.Patch, ...client.PatchOption) error {
	return a.err
}
func (a *answering) Status() client.SubResourceWriter { return &answeringStatus{err: a.err} }

type answeringStatus struct {
	client.SubResourceWriter

	err error
}

func (a *answeringStatus) Apply(context.Context, runtime.ApplyConfiguration, ...client.SubResourceApplyOption) error {
	return a.err
}

func (a *answeringStatus) Update(context.Context, client.Object, ...client.SubResourceUpdateOption) error {
	return a.err
}

func (a *answeringStatus) Patch(context.Context, client.Object, client.Patch, ...client.SubResourcePatchOption) error {
	return a.err
}

func TestWritesAreCounted(t *testing.T) {
	policy := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}}
	namespace := builders.MakeNamespace("a").Metadata()
	namespace.SetGroupVersionKind(schema.GroupVersionKind{Version: "v1", Kind: "Namespace"})
	patch := client.RawPatch("application/merge-patch+json", []byte("{}"))
	profile := &v1alpha1.SegmentationProfile{}
	cases := map[string]struct {
		write func(context.Context, Writer) error
		want  []string
	}{
		"a policy is applied": {
			func(ctx context.Context, w Writer) error {
				return w.Apply(ctx, client.ApplyConfigurationFromUnstructured(policy))
			},
			[]string{"NetworkPolicy", "apply"},
		},
		"a namespace is labelled": {
			func(ctx context.Context, w Writer) error { return w.Apply(ctx, corev1ac.Namespace("a")) },
			[]string{"Namespace", "apply"},
		},
		"labels are taken off a namespace": {
			func(ctx context.Context, w Writer) error { return w.Patch(ctx, namespace, patch) },
			[]string{"Namespace", "patch"},
		},
		"a Role is created": {
			func(ctx context.Context, w Writer) error { return w.Create(ctx, &rbacv1.Role{}) },
			[]string{"Role", "create"},
		},
		"a RoleBinding is updated": {
			func(ctx context.Context, w Writer) error { return w.Update(ctx, &rbacv1.RoleBinding{}) },
			[]string{"RoleBinding", "update"},
		},
		"a policy is deleted": {
			func(ctx context.Context, w Writer) error { return w.Delete(ctx, &networkingv1.NetworkPolicy{}) },
			[]string{"NetworkPolicy", "delete"},
		},
		"a status is applied": {
			func(ctx context.Context, w Writer) error {
				return w.Status().Apply(ctx, applyv1alpha1.SegmentationProfile("shop"))
			},
			[]string{"SegmentationProfile", "status"},
		},
		"a status is updated": {
			func(ctx context.Context, w Writer) error { return w.Status().Update(ctx, profile) },
			[]string{"SegmentationProfile", "status"},
		},
		"a status is patched": {
			func(ctx context.Context, w Writer) error { return w.Status().Patch(ctx, profile, patch) },
			[]string{"SegmentationProfile", "status"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			for result, err := range map[string]error{"success": nil, "error": errors.New("the connection was reset")} {
				counter := writes.WithLabelValues(append(c.want, result)...)
				before := testutil.ToFloat64(counter)
				if got := c.write(t.Context(), CountWrites(&answering{err: err})); !errors.Is(got, err) {
					t.Errorf("returned %v, want %v", got, err)
				}
				if got := testutil.ToFloat64(counter) - before; got != 1 {
					t.Errorf("%s counted %v times, want once", result, got)
				}
			}
		})
	}
}

func TestResultsOfWrites(t *testing.T) {
	roles := schema.GroupResource{Group: rbacv1.GroupName, Resource: "roles"}
	cases := map[string]struct {
		err  error
		want string
	}{
		"it was made":                            {nil, "success"},
		"somebody wrote in between":              {apierrors.NewConflict(roles, "r", errors.New("changed")), "conflict"},
		"somebody created it in between":         {apierrors.NewAlreadyExists(roles, "r"), "conflict"},
		"the API server has too much to do":      {apierrors.NewTooManyRequests("later", 1), "throttled"},
		"the namespace is gone":                  {apierrors.NewNotFound(roles, "r"), "not_found"},
		"it grants too much":                     {apierrors.NewForbidden(roles, "r", errors.New("escalation")), "refused"},
		"it is not valid":                        {apierrors.NewInvalid(schema.GroupKind{Kind: "Role"}, "r", nil), "refused"},
		"the API server fails":                   {apierrors.NewInternalError(errors.New("etcd")), "error"},
		"the API server could not be reached":    {errors.New("connection refused"), "error"},
		"the API server took too long to answer": {context.DeadlineExceeded, "error"},
		"an answer of no known reason":           {&apierrors.StatusError{ErrStatus: metav1.Status{Code: 418}}, "error"},
	}
	got, want := map[string]string{}, map[string]string{}
	for name, c := range cases {
		got[name], want[name] = resultOf(c.err), c.want
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
