package gitops

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	clustercache "github.com/argoproj/gitops-engine/pkg/cache"
	"github.com/argoproj/gitops-engine/pkg/utils/kube"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// managed selects what the operator wrote.
const managed = "app.kubernetes.io/managed-by=segmentation-operator"

// generated are the objects that the operator wrote, as Argo CD's cache has them: those that have an owner of a kind.
func (a *argoCD) generated(t *testing.T) map[kube.ResourceKey]*clustercache.Resource {
	t.Helper()
	written := a.plane.written(t)
	return a.cache.FindResources("", func(r *clustercache.Resource) bool { return slices.Contains(written, r.ResourceKey()) })
}

// written are the keys of all objects in the cluster that the operator wrote.
func (p *plane) written(t *testing.T) []kube.ResourceKey {
	t.Helper()
	selector, err := labels.Parse(managed)
	check(t, err)
	var out []kube.ResourceKey
	for kind, gvr := range map[string]schema.GroupVersionResource{
		"NetworkPolicy": {Group: "networking.k8s.io", Version: "v1", Resource: "networkpolicies"},
		"Role":          {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "roles"},
		"RoleBinding":   {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "rolebindings"},
	} {
		list, err := p.objects.Resource(gvr).List(t.Context(), metav1.ListOptions{LabelSelector: selector.String()})
		check(t, err)
		for i := range list.Items {
			out = append(out, kube.NewResourceKey(gvr.Group, kind, list.Items[i].GetNamespace(), list.Items[i].GetName()))
		}
	}
	return out
}

// children are the generated objects that a profile owns, by namespace: what Argo CD shows below the profile.
func (a *argoCD) children(t *testing.T, profile string) map[string][]string {
	t.Helper()
	obj, err := a.plane.profiles().Get(t.Context(), profile, metav1.GetOptions{})
	check(t, err)
	out := map[string][]string{}
	for key, r := range a.generated(t) {
		if slices.ContainsFunc(r.OwnerRefs, func(o metav1.OwnerReference) bool { return o.UID == obj.GetUID() }) {
			out[key.Namespace] = append(out[key.Namespace], key.Kind+" "+key.Name)
		}
	}
	for _, names := range out {
		slices.Sort(names)
	}
	return out
}

// tree draws a profile and its children, a line for each namespace.
func (a *argoCD) tree(t *testing.T, c comparison, profile string) string {
	t.Helper()
	r := c.of("SegmentationProfile", profile)
	var text strings.Builder
	fmt.Fprintf(&text, "SegmentationProfile %s: %s, %s\n", profile, r.health.Status, r.health.Message)
	children := a.children(t, profile)
	namespaces := make([]string, 0, len(children))
	for namespace := range children {
		namespaces = append(namespaces, namespace)
	}
	slices.Sort(namespaces)
	for i, namespace := range namespaces {
		branch, trunk := "├─", "│ "
		if i == len(namespaces)-1 {
			branch, trunk = "└─", "  "
		}
		fmt.Fprintf(&text, "%s %s\n", branch, namespace)
		for j, child := range children[namespace] {
			twig := "├─"
			if j == len(children[namespace])-1 {
				twig = "└─"
			}
			fmt.Fprintf(&text, "%s %s %s\n", trunk, twig, child)
		}
	}
	return text.String()
}
