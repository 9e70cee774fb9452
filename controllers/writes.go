package controllers

import (
	"context"
	"reflect"

	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// Writer writes objects and their status.
type Writer interface {
	client.Writer
	client.StatusClient
}

// CountWrites returns the writer with its writes counted.
func CountWrites(w Writer) Writer {
	return &countedWriter{Writer: w}
}

// operation is what a write does.
type operation string

const (
	opCreate operation = "create"
	opApply  operation = "apply"
	opUpdate operation = "update"
	opPatch  operation = "patch"
	opDelete operation = "delete"
	// opStatus is any write of a status.
	opStatus operation = "status"
)

// resultOf says what became of a write: a value of a label.
func resultOf(err error) string {
	switch {
	case err == nil:
		return "success"
	case apierrors.IsConflict(err), apierrors.IsAlreadyExists(err):
		return "conflict"
	case apierrors.IsTooManyRequests(err):
		return "throttled"
	case apierrors.IsNotFound(err), apierrors.IsGone(err):
		return "not_found"
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err), apierrors.IsInvalid(err), apierrors.IsBadRequest(err),
		apierrors.IsRequestEntityTooLargeError(err), apierrors.IsMethodNotSupported(err):
		return "refused"
	default:
		return "error"
	}
}

// writes counts the writes of objects. Events and the lease of leader election are not among them; all
// requests are in rest_client_requests_total.
var writes = writeCounter()

// writeCounter is the registered counter, with a value for each write that the operator makes: the first
// failure would be no rise otherwise.
func writeCounter() *prometheus.CounterVec {
	counter := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "segmentation_writes_total",
		Help: "Writes of objects, by their kind, what was done, and what became of it.",
	}, []string{"kind", "operation", "result"})
	made := map[string][]operation{
		"NetworkPolicy":       {opCreate, opUpdate, opDelete},
		"Role":                {opCreate, opUpdate, opDelete},
		"RoleBinding":         {opCreate, opUpdate, opDelete},
		"AuthorizationPolicy": {opCreate, opUpdate, opDelete},
		"PeerAuthentication":  {opCreate, opUpdate, opDelete},
		"Namespace":           {opApply, opPatch},
		"SegmentationProfile": {opStatus},
	}
	for kind, operations := range made {
		for _, op := range operations {
			for _, result := range []string{"success", "conflict", "throttled", "not_found", "refused", "error"} {
				counter.WithLabelValues(kind, string(op), result)
			}
		}
	}
	metrics.Registry.MustRegister(counter)
	return counter
}

// countWrite counts a write and returns what it returned.
func countWrite(obj any, op operation, err error) error {
	writes.WithLabelValues(kindOf(obj), string(op), resultOf(err)).Inc()
	return err
}

// kindOf is the kind of an object or apply configuration; of an object that does not say it, the name of its
// type.
func kindOf(obj any) string {
	kind := ""
	switch o := obj.(type) {
	case interface{ GetKind() string }:
		kind = o.GetKind()
	case interface{ GetKind() *string }:
		if k := o.GetKind(); k != nil {
			kind = *k
		}
	case runtime.Object:
		kind = o.GetObjectKind().GroupVersionKind().Kind
	}
	if kind == "" {
		kind = reflect.Indirect(reflect.ValueOf(obj)).Type().Name()
	}
	return kind
}

// countedWriter counts what it writes.
type countedWriter struct {
	Writer
}

// Apply implements client.Writer.
func (w *countedWriter) Apply(ctx context.Context, obj runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
	return countWrite(obj, opApply, w.Writer.Apply(ctx, obj, opts...))
}

// Create implements client.Writer.
func (w *countedWriter) Create(ctx context.Context, obj client.Object, opts ...client.CreateOption) error {
	return countWrite(obj, opCreate, w.Writer.Create(ctx, obj, opts...))
}

// Update implements client.Writer.
func (w *countedWriter) Update(ctx context.Context, obj client.Object, opts ...client.UpdateOption) error {
	return countWrite(obj, opUpdate, w.Writer.Update(ctx, obj, opts...))
}

// Patch implements client.Writer.
func (w *countedWriter) Patch(ctx context.Context, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
	return countWrite(obj, opPatch, w.Writer.Patch(ctx, obj, patch, opts...))
}

// Delete implements client.Writer.
func (w *countedWriter) Delete(ctx context.Context, obj client.Object, opts ...client.DeleteOption) error {
	return countWrite(obj, opDelete, w.Writer.Delete(ctx, obj, opts...))
}

// Status implements client.StatusClient.
func (w *countedWriter) Status() client.SubResourceWriter {
	return &countedStatus{w.Writer.Status()}
}

// countedStatus counts the status that it writes.
type countedStatus struct {
	client.SubResourceWriter
}

// Apply implements client.SubResourceWriter.
func (s *countedStatus) Apply(ctx context.Context, obj runtime.ApplyConfiguration, opts ...client.SubResourceApplyOption) error {
	return countWrite(obj, opStatus, s.SubResourceWriter.Apply(ctx, obj, opts...))
}

// Update implements client.SubResourceWriter.
func (s *countedStatus) Update(ctx context.Context, obj client.Object, opts ...client.SubResourceUpdateOption) error {
	return countWrite(obj, opStatus, s.SubResourceWriter.Update(ctx, obj, opts...))
}

// Patch implements client.SubResourceWriter.
func (s *countedStatus) Patch(ctx context.Context, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
	return countWrite(obj, opStatus, s.SubResourceWriter.Patch(ctx, obj, patch, opts...))
}
