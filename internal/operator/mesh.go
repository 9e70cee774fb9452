package operator

import (
	"fmt"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/segmentation-dev/segmentation-operator/controllers"
	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
)

// addMesh adds the controller of policies of Istio, and what follows the kinds.
func addMesh(mgr ctrl.Manager, o *Options, profiles *controllers.Profiles, writer controllers.Writer) (*controllers.Meshes, error) {
	follow := func(plural string, object client.Object) (*controllers.Optional, error) {
		kind := &controllers.Optional{
			Definition: plural + "." + mesh.Group, Version: mesh.GroupVersion().Version, Object: object,
			Config: mgr.GetConfig(), Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(), Logger: o.Logger,
		}
		if err := mgr.Add(kind); err != nil {
			return nil, fmt.Errorf("adding the watch of %s: %w", kind.Definition, err)
		}
		return kind, nil
	}
	policies, err := follow("authorizationpolicies", &mesh.AuthorizationPolicy{})
	if err != nil {
		return nil, err
	}
	authentications, err := follow("peerauthentications", &mesh.PeerAuthentication{})
	if err != nil {
		return nil, err
	}
	meshes := controllers.NewMeshes(policies, authentications)
	reconciler := &controllers.MeshReconciler{
		Reader: mgr.GetCache(), Writer: writer, Profiles: profiles, Protected: o.Protected, Root: o.IstioRoot, Meshes: meshes,
	}
	if err := reconciler.SetupWithManager(mgr, controller.Options{MaxConcurrentReconciles: o.Concurrency}); err != nil {
		return nil, fmt.Errorf("setting up the mesh controller: %w", err)
	}
	return meshes, nil
}
