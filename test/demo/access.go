package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
)

// question is one that the API server answers: may somebody do something?
type question struct {
	// who is the name of a group, or namespace/name of a service account.
	who string
	// verb, resource and namespace say what. A resource is written as for kubectl, with its
	// API group, its subresource and the name of the one meant, as far as it has them:
	// "deployments.apps", "pods/log", "clusterroles.rbac.authorization.k8s.io view".
	verb, resource, namespace string
	want                      bool
}

// questions are about the sample's groups, and about the operator itself.
func questions() []question {
	const (
		operator = operatorNamespace + "/" + operatorAccount
		granter  = operatorNamespace + "/segmentation-granter"
	)
	return []question{
		{"shop-developers", "list", "pods", "shop-web-storefront", true},
		{"shop-developers", "get", "pods/log", "shop-api-orders", true},
		{"shop-developers", "delete", "pods", "shop-web-storefront", false},
		{"shop-developers", "list", "pods", "shop-postgres", false},
		{"shop-dbas", "list", "pods", "shop-postgres", true},
		{"shop-dbas", "get", "secrets", "shop-postgres", false},
		{"shop-dbas", "list", "pods", "shop-api-orders", false},
		{"shop-monitoring/grafana", "list", "deployments.apps", "shop-monitoring", true},
		{"shop-monitoring/prometheus", "list", "pods", "shop-api-orders", true},
		{"shop-monitoring/prometheus", "list", "pods", "shop-web-storefront", false},
		{operator, "update", "networkpolicies.networking.k8s.io", "shop-postgres", true},
		{operator, "create", "rolebindings.rbac.authorization.k8s.io", "shop-postgres", false},
		{operator, "impersonate", "serviceaccounts segmentation-granter", operatorNamespace, true},
		{granter, "create", "rolebindings.rbac.authorization.k8s.io", "shop-postgres", true},
		{granter, "bind", "clusterroles.rbac.authorization.k8s.io view", "shop-postgres", true},
		{granter, "bind", "clusterroles.rbac.authorization.k8s.io admin", "shop-postgres", false},
		{granter, "escalate", "roles.rbac.authorization.k8s.io", "shop-postgres", false},
		{granter, "update", "networkpolicies.networking.k8s.io", "shop-postgres", false},
		{operator, "get", "secrets", "shop-postgres", false},
	}
}

// review makes the question one for the API server.
func (q question) review() *authorizationv1.SubjectAccessReview {
	review := &authorizationv1.SubjectAccessReview{}
	spec := &review.Spec
	if namespace, name, isAccount := strings.Cut(q.who, "/"); isAccount {
		spec.User = "system:serviceaccount:" + namespace + ":" + name
		spec.Groups = []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace}
	} else {
		spec.User = "one of " + q.who
		spec.Groups = []string{q.who}
	}
	spec.Groups = append(spec.Groups, "system:authenticated")
	kind, name, _ := strings.Cut(q.resource, " ")
	resource, group, _ := strings.Cut(kind, ".")
	resource, subresource, _ := strings.Cut(resource, "/")
	spec.ResourceAttributes = &authorizationv1.ResourceAttributes{
		Verb: q.verb, Group: group, Resource: resource, Subresource: subresource, Name: name, Namespace: q.namespace,
	}
	return review
}

// short is what is asked, without API groups.
func (q question) short() string {
	kind, name, _ := strings.Cut(q.resource, " ")
	resource, _, _ := strings.Cut(kind, ".")
	return strings.TrimSpace(q.verb + " " + resource + " " + name)
}

// showAccess asks the API server who may do what.
func (d *demo) showAccess(ctx context.Context) error {
	d.screen.heading("Who may do what: the API server's own answers (SubjectAccessReview)")
	var rows [][]cell
	for _, q := range questions() {
		review := q.review()
		if err := d.admin.Create(ctx, review); err != nil {
			return fmt.Errorf("asking the API server whether %s may %s: %w", q.who, q.short(), err)
		}
		allowed := review.Status.Allowed
		d.expectf(allowed == q.want, "may %s %s in %s? The API server says %s", q.who, q.short(), q.namespace, yesOrNo(allowed).text)
		rows = append(rows, []cell{
			{text: q.who}, {text: q.short()}, {text: q.namespace}, yesOrNo(allowed), {text: because(review.Status.Reason), style: dim},
		})
	}
	d.screen.block(d.screen.table(row("WHO", "MAY", "IN", "", "BY"), rows))
	return nil
}

func yesOrNo(allowed bool) cell {
	if allowed {
		return cell{text: "yes", style: green}
	}
	return cell{text: "no", style: red}
}

// because shortens the API server's reason to the binding that allows it.
func because(reason string) string {
	found := regexp.MustCompile(`^RBAC: allowed by (\w+) "([^"/]+)`).FindStringSubmatch(reason)
	if found == nil {
		return ""
	}
	return found[1] + " " + found[2]
}
