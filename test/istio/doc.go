// Package istio holds what internal/mesh renders against Istio itself: the library by which Istio's control plane
// validates policies, the messages that it reads them into, and the CustomResourceDefinitions by which the API server takes
// them. It is a module of its own, so that nothing else depends on Istio.
package istio
