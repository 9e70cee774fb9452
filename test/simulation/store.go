package simulation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// store holds objects as an API server does, or a cache, and lets them be read. It is for one goroutine at a
// time.
type store struct {
	client.Reader

	version    int
	profiles   map[string]*v1alpha1.SegmentationProfile
	namespaces map[string]*metav1.PartialObjectMetadata
	// objects are the policies, roles, bindings and Services of each namespace, by kind and name.
	objects map[string]map[id]client.Object
}

type id struct{ kind, name string }

func newStore() *store {
	s := &store{
		profiles:   map[string]*v1alpha1.SegmentationProfile{},
		namespaces: map[string]*metav1.PartialObjectMetadata{},
		objects:    map[string]map[id]client.Object{},
	}
	s.addNamespace(home, nil)
	return s
}

// stamp gives an object the next resource version, and a UID if it has none.
func (s *store) stamp(obj client.Object) {
	s.version++
	obj.SetResourceVersion(strconv.Itoa(s.version))
	if obj.GetUID() == "" {
		obj.SetUID(types.UID(fmt.Sprint("uid-", s.version)))
	}
}

func (s *store) addNamespace(name string, labels map[string]string) {
	n := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: maps.Clone(labels)}}
	s.stamp(n)
	s.namespaces[name], s.objects[name] = n, map[id]client.Object{}
}

// add adds policies.
func (s *store) add(policies ...*networkingv1.NetworkPolicy) {
	for _, p := range policies {
		s.stamp(p)
		s.objects[p.Namespace][id{"NetworkPolicy", p.Name}] = p
	}
}

func (s *store) removePolicy(p *networkingv1.NetworkPolicy) {
	delete(s.objects[p.Namespace], id{"NetworkPolicy", p.Name})
}

// label changes labels of a namespace; an empty value removes the label. Objects that were
// handed out stay as they are.
func (s *store) label(name string, labels map[string]string) {
	n := s.namespaces[name].DeepCopy()
	if n.Labels == nil {
		n.Labels = map[string]string{}
	}
	for key, value := range labels {
		if value == "" {
			delete(n.Labels, key)
			continue
		}
		n.Labels[key] = value
	}
	s.stamp(n)
	s.namespaces[name] = n
}

// removeNamespace removes a namespace and all that is in it.
func (s *store) removeNamespace(name string) {
	delete(s.namespaces, name)
	delete(s.objects, name)
}

// putProfile creates a profile or changes its spec. One that is being deleted is gone before
// another one gets its name.
func (s *store) putProfile(p *v1alpha1.SegmentationProfile) {
	p = p.DeepCopy()
	if old := s.profiles[p.Name]; old != nil && old.DeletionTimestamp == nil {
		p.UID, p.Generation, p.CreationTimestamp = old.UID, old.Generation+1, old.CreationTimestamp
	} else {
		p.UID, p.Generation = types.UID(fmt.Sprint("profile-", p.Name, "-", s.version)), 1
	}
	s.stamp(p)
	s.profiles[p.Name] = p
	s.add(render.Bookmark(p.Name, p.UID, home))
}

// beginDeletion deletes a profile in the foreground: it stays until what it owns is gone. That may be
// true of its bookmark already.
func (s *store) beginDeletion(name string, unmarked bool) {
	p := s.profiles[name].DeepCopy()
	p.Generation++
	p.DeletionTimestamp = new(metav1.Unix(0, 0))
	s.stamp(p)
	s.profiles[name] = p
	if unmarked {
		s.removeBookmark(name)
	}
}

// collect does what the garbage collector does when a profile is gone: it deletes its bookmark. Policies
// have another owner, so it leaves them alone.
func (s *store) collect(profile string) {
	if s.profiles[profile] == nil {
		s.removeBookmark(profile)
	}
}

func (s *store) isMarked(profile string) bool {
	return s.objects[home][id{"NetworkPolicy", render.Bookmark(profile, "", home).Name}] != nil
}

// isMarkedAs tells whether the bookmark of a profile is its own, and not that of another one of its name.
func (s *store) isMarkedAs(p *v1alpha1.SegmentationProfile) bool {
	mark := s.objects[home][id{"NetworkPolicy", render.Bookmark(p.Name, "", home).Name}]
	return mark != nil && ownerOf(mark) == p.UID
}

func (s *store) removeBookmark(profile string) {
	delete(s.objects[home], id{"NetworkPolicy", render.Bookmark(profile, "", home).Name})
}

// cluster are the namespaces but for the operator's own.
func (s *store) cluster() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(s.namespaces)), func(name string) bool { return name == home })
}

// policies are all policies of a namespace, in the order of their names.
func (s *store) policies(namespace string) []*networkingv1.NetworkPolicy {
	var out []*networkingv1.NetworkPolicy
	for _, obj := range s.of(namespace, "NetworkPolicy") {
		if p, ok := obj.(*networkingv1.NetworkPolicy); ok {
			out = append(out, p)
		}
	}
	return out
}

func (s *store) of(namespace, kind string) []client.Object {
	var names []string
	for key := range s.objects[namespace] {
		if key.kind == kind {
			names = append(names, key.name)
		}
	}
	slices.Sort(names)
	out := make([]client.Object, 0, len(names))
	for _, name := range names {
		out = append(out, s.objects[namespace][id{kind, name}])
	}
	return out
}

// Get returns the metadata of a namespace, or a Service.
func (s *store) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	if service, ok := obj.(*corev1.Service); ok {
		return s.getService(key, service)
	}
	into, ok := obj.(*metav1.PartialObjectMetadata)
	if !ok {
		return fmt.Errorf("get of a %T", obj)
	}
	n := s.namespaces[key.Name]
	if n == nil {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, key.Name)
	}
	n.DeepCopyInto(into)
	return nil
}

func (s *store) getService(key client.ObjectKey, into *corev1.Service) error {
	service, ok := s.objects[key.Namespace][id{kindService, key.Name}].(*corev1.Service)
	if !ok {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "services"}, key.Name)
	}
	service.DeepCopyInto(into)
	return nil
}

// putService creates a Service or changes it.
func (s *store) putService(service *corev1.Service) {
	key := id{kindService, service.Name}
	service = service.DeepCopy()
	if old := s.objects[service.Namespace][key]; old != nil {
		service.UID = old.GetUID()
	}
	s.stamp(service)
	s.objects[service.Namespace][key] = service
}

func (s *store) removeService(namespace, name string) {
	delete(s.objects[namespace], id{kindService, name})
}

// List lists what the operator lists.
func (s *store) List(_ context.Context, list client.ObjectList, opts ...client.ListOption) error {
	options := (&client.ListOptions{}).ApplyOptions(opts)
	switch l := list.(type) {
	case *metav1.PartialObjectMetadataList:
		for _, name := range slices.Sorted(maps.Keys(s.namespaces)) {
			l.Items = append(l.Items, *s.namespaces[name])
		}
	case *v1alpha1.SegmentationProfileList:
		for _, name := range slices.Sorted(maps.Keys(s.profiles)) {
			l.Items = append(l.Items, *s.profiles[name])
		}
	case *networkingv1.NetworkPolicyList:
		for _, p := range s.policies(options.Namespace) {
			l.Items = append(l.Items, *p)
		}
	case *rbacv1.RoleList:
		for _, obj := range s.of(options.Namespace, "Role") {
			l.Items = append(l.Items, *obj.(*rbacv1.Role)) //nolint:forcetypeassert // It was stored under its kind.
		}
	case *rbacv1.RoleBindingList:
		for _, obj := range s.of(options.Namespace, "RoleBinding") {
			l.Items = append(l.Items, *obj.(*rbacv1.RoleBinding)) //nolint:forcetypeassert // It was stored under its kind.
		}
	default:
		return listAddresses(list)
	}
	return nil
}

// listAddresses lists what says which addresses are the cluster's own: it has none.
func listAddresses(list client.ObjectList) error {
	switch list.(type) {
	case *corev1.NodeList, *networkingv1.ServiceCIDRList:
		return nil
	default:
		return fmt.Errorf("list of a %T", list)
	}
}
