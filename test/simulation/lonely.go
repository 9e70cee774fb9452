package simulation

import (
	"context"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/controllers"
	"github.com/segmentation-dev/segmentation-operator/internal/transition"
)

// lonely is the operator's reconciler with a census that counts one namespace and no other. So that
// one waits for nobody. It does what it wants to do in the right order, but whenever it likes.
func (m *machine) lonely(namespace string) *controllers.NamespaceReconciler {
	own, census := m.life.reconciler, transition.NewCensus()
	return &controllers.NamespaceReconciler{
		Reader: own.Reader, Applier: own.Applier, Ledger: own.Ledger, Protected: own.Protected, Clock: own.Clock, Census: census,
		Profiles: controllers.NewProfiles(only{m.life.cache.shown, namespace}, own.Protected, census, home),
	}
}

// only reads from a store in which there is one namespace.
type only struct {
	*store

	namespace string
}

// List lists what the operator lists, but of namespaces the one only.
func (o only) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	if err := o.store.List(ctx, list, opts...); err != nil {
		return err
	}
	if l, ok := list.(*metav1.PartialObjectMetadataList); ok {
		l.Items = slices.DeleteFunc(l.Items, func(n metav1.PartialObjectMetadata) bool { return n.Name != o.namespace })
	}
	return nil
}
