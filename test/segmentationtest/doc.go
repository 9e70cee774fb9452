// Package segmentationtest runs the segmentation operator in the process of a test, on a real API server, for those who
// write controllers or manifests with SegmentationProfiles and test them with envtest.
//
//	env := segmentationtest.Start(t)
//	// create namespaces and a profile with env.Client
//	env.EventuallyReady(t, "shop")
//	env.AllowsFlow(t, segmentationtest.Flow{From: segmentationtest.Pod("web", nil), To: segmentationtest.Pod("api", nil), Port: 9090})
//
// The operator runs as its own service account, with the rights that it is shipped with: what it may not do in a cluster it
// may not do here.
//
// Start needs the binaries of envtest (KUBEBUILDER_ASSETS, see
// https://book.kubebuilder.io/reference/envtest). Run uses an API server that is there, such as that of an
// envtest.Environment. Main starts one for all tests of a package.
//
// Flows are judged by what NetworkPolicies say, since there are no nodes and no packets. Where there is no
// kube-controller-manager, as in envtest, nothing is collected as garbage and deleted namespaces stay: test what happens
// after a deletion in a cluster.
package segmentationtest
