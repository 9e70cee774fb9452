package admission

import (
	"context"
	"fmt"

	. "github.com/onsi/gomega"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

const rbacGroup = rbacv1.GroupName

// allow is a rule for verbs on one resource, in all namespaces; names narrow it.
func allow(group, resource string, verbs []string, names ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: []string{resource}, Verbs: verbs, ResourceNames: names}
}

// bind is the right to bind ClusterRoles: these, or all if there are none.
func bind(names ...string) rbacv1.PolicyRule {
	return allow(rbacGroup, "clusterroles", []string{"bind"}, names...)
}

// grant is the standing permission to grant roles by profiles: by these, or by all if there are
// none.
func grant(names ...string) rbacv1.PolicyRule {
	return allow(v1alpha1.GroupVersion.Group, "segmentationprofiles", []string{"grant"}, names...)
}

// escalate is the right to write any Role.
func escalate() rbacv1.PolicyRule {
	return allow(rbacGroup, "roles", []string{"escalate"})
}

// user makes a user with the rights that the rules give. Its clients begin once the API server
// knows of the rights.
func (w *world) user(name string, rules ...rbacv1.PolicyRule) client.Client {
	w.t.Helper()
	name = w.ns(name)
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules}
	w.create(role)
	w.bindUser(name, name)
	for _, rule := range rules {
		w.Eventually(func() error { return allowed(w.ctx(), name, rule) }, soon, tick).Should(Succeed())
	}
	return w.as(name)
}

// author makes a user who may edit profiles, as the shipped role lets it, and has further rights.
func (w *world) author(name string, rules ...rbacv1.PolicyRule) client.Client {
	w.t.Helper()
	w.bindUser(w.ns(name), "segmentation-operator-profile-editor")
	edit := allow(v1alpha1.GroupVersion.Group, "segmentationprofiles", []string{"create", "update", "patch", "get"})
	w.Eventually(func() error { return allowed(w.ctx(), w.ns(name), edit) }, soon, tick).Should(Succeed())
	return w.user(name, rules...)
}

// bindUser binds a ClusterRole to a user.
func (w *world) bindUser(user, clusterRole string) {
	w.t.Helper()
	w.create(&rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: user + "-" + clusterRole},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacGroup, Kind: "ClusterRole", Name: clusterRole},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacGroup, Kind: rbacv1.UserKind, Name: user}},
	})
}

// as returns a client of a user.
func (w *world) as(user string, groups ...string) client.Client {
	w.t.Helper()
	config, err := env.cluster.UserConfig(user, groups...)
	w.Expect(err).NotTo(HaveOccurred())
	c, err := client.New(config, client.Options{Scheme: env.scheme})
	w.Expect(err).NotTo(HaveOccurred())
	return c
}

// impersonating returns a client of the admin that acts as a user.
func (w *world) impersonating(user string, groups ...string) client.Client {
	w.t.Helper()
	config := env.cluster.AdminConfig()
	config.Impersonate.UserName, config.Impersonate.Groups = user, groups
	c, err := client.New(config, client.Options{Scheme: env.scheme})
	w.Expect(err).NotTo(HaveOccurred())
	return c
}

// allowed asks the API server whether a user has what a rule gives; nil if so.
func allowed(ctx context.Context, user string, rule rbacv1.PolicyRule) error {
	names := rule.ResourceNames
	if len(names) == 0 {
		names = []string{""}
	}
	for _, verb := range rule.Verbs {
		for _, name := range names {
			review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
				User: user,
				ResourceAttributes: &authorizationv1.ResourceAttributes{
					Group: rule.APIGroups[0], Resource: rule.Resources[0], Verb: verb, Name: name,
				},
			}}
			if err := env.admin.Create(ctx, review); err != nil {
				return err
			}
			if !review.Status.Allowed {
				return fmt.Errorf("%s may not %s %s %s yet", user, verb, rule.Resources[0], name)
			}
		}
	}
	return nil
}
