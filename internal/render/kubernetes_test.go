package render_test

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/validate/content"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/segmentation-dev/segmentation-operator/internal/render"
)

// refusals are the reasons for which the API server would refuse objects: the rules of
// k8s.io/kubernetes/pkg/apis/networking/validation and .../rbac/validation, which cannot be
// imported, said again with the functions that they are made of. Where the API server still
// takes forms of old, such as CIDRs that are not canonical, only the strict form passes.
func refusals(objects render.Objects) field.ErrorList {
	var errs field.ErrorList
	for _, p := range objects.Policies {
		at := field.NewPath(p.Name)
		errs = append(errs, apivalidation.ValidateObjectMeta(&p.ObjectMeta, true, apivalidation.NameIsDNSSubdomain, at)...)
		errs = append(errs, policyRefusals(&p.Spec, at)...)
	}
	for _, r := range objects.Roles {
		at := field.NewPath(r.Name)
		errs = append(errs, rbacMetaRefusals(&r.ObjectMeta, at)...)
		for i := range r.Rules {
			errs = append(errs, ruleRefusals(&r.Rules[i], at.Child("rules").Index(i))...)
		}
	}
	for _, b := range objects.Bindings {
		at := field.NewPath(b.Name)
		errs = append(errs, rbacMetaRefusals(&b.ObjectMeta, at)...)
		errs = append(errs, bindingRefusals(b, at)...)
	}
	return append(errs, duplicateRefusals(objects)...)
}

// duplicateRefusals finds two objects that are one to the API server.
func duplicateRefusals(objects render.Objects) field.ErrorList {
	var errs field.ErrorList
	seen := sets.New[string]()
	see := func(kind, name string) {
		if seen.Has(kind + name) {
			errs = append(errs, field.Duplicate(field.NewPath(name), kind))
		}
		seen.Insert(kind + name)
	}
	for _, p := range objects.Policies {
		see(p.Kind, p.Name)
	}
	for _, r := range objects.Roles {
		see(r.Kind, r.Name)
	}
	for _, b := range objects.Bindings {
		see(b.Kind, b.Name)
	}
	return errs
}

func policyRefusals(spec *networkingv1.NetworkPolicySpec, at *field.Path) field.ErrorList {
	errs := selectorRefusals(&spec.PodSelector, at.Child("podSelector"))
	for i, rule := range spec.Ingress {
		errs = append(errs, policyRuleRefusals(rule.From, rule.Ports, at.Child("ingress").Index(i))...)
	}
	for i, rule := range spec.Egress {
		errs = append(errs, policyRuleRefusals(rule.To, rule.Ports, at.Child("egress").Index(i))...)
	}
	known := sets.New(networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress)
	if !known.HasAll(spec.PolicyTypes...) || len(spec.PolicyTypes) > 2 {
		errs = append(errs, field.Invalid(at.Child("policyTypes"), spec.PolicyTypes, "unknown or too many"))
	}
	return errs
}

func policyRuleRefusals(peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort, at *field.Path) field.ErrorList {
	errs := make(field.ErrorList, 0, len(peers)+len(ports))
	for i := range peers {
		errs = append(errs, peerRefusals(&peers[i], at.Child("peers").Index(i))...)
	}
	for i := range ports {
		errs = append(errs, portRefusals(&ports[i], at.Child("ports").Index(i))...)
	}
	return errs
}

func peerRefusals(peer *networkingv1.NetworkPolicyPeer, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	if peer.PodSelector != nil {
		errs = append(errs, selectorRefusals(peer.PodSelector, at.Child("podSelector"))...)
	}
	if peer.NamespaceSelector != nil {
		errs = append(errs, selectorRefusals(peer.NamespaceSelector, at.Child("namespaceSelector"))...)
	}
	hasSelector := peer.PodSelector != nil || peer.NamespaceSelector != nil
	if peer.IPBlock != nil {
		errs = append(errs, blockRefusals(peer.IPBlock, at.Child("ipBlock"))...)
	}
	if hasSelector == (peer.IPBlock != nil) {
		errs = append(errs, field.Required(at, "either selectors or an ipBlock"))
	}
	return errs
}

func blockRefusals(block *networkingv1.IPBlock, at *field.Path) field.ErrorList {
	errs := validation.IsValidCIDR(at.Child("cidr"), block.CIDR)
	for i, e := range block.Except {
		errs = append(errs, validation.IsValidCIDR(at.Child("except").Index(i), e)...)
	}
	if len(errs) > 0 {
		return errs
	}
	outer := netip.MustParsePrefix(block.CIDR)
	for i, e := range block.Except {
		inner := netip.MustParsePrefix(e)
		if !outer.Contains(inner.Addr()) || inner.Bits() <= outer.Bits() {
			errs = append(errs, field.Invalid(at.Child("except").Index(i), e, "must be a strict subset of cidr"))
		}
	}
	return errs
}

func portRefusals(port *networkingv1.NetworkPolicyPort, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	if port.Protocol != nil && !sets.New(corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP).Has(*port.Protocol) {
		errs = append(errs, field.NotSupported[corev1.Protocol](at.Child("protocol"), *port.Protocol, nil))
	}
	switch {
	case port.Port == nil && port.EndPort != nil:
		errs = append(errs, field.Required(at.Child("port"), "endPort needs a port"))
	case port.Port == nil:
	case port.Port.Type == intstr.String:
		errs = append(errs, invalid(validation.IsValidPortName(port.Port.StrVal), port.Port.StrVal, at.Child("port"))...)
		if port.EndPort != nil {
			errs = append(errs, field.Forbidden(at.Child("endPort"), "not beside a name"))
		}
	default:
		errs = append(errs, invalid(validation.IsValidPortNum(int(port.Port.IntVal)), port.Port, at.Child("port"))...)
		if port.EndPort != nil {
			errs = append(errs, invalid(validation.IsValidPortNum(int(*port.EndPort)), *port.EndPort, at.Child("endPort"))...)
			if *port.EndPort < port.Port.IntVal {
				errs = append(errs, field.Invalid(at.Child("endPort"), *port.EndPort, "ends before it begins"))
			}
		}
	}
	return errs
}

func selectorRefusals(selector *metav1.LabelSelector, at *field.Path) field.ErrorList {
	return metav1validation.ValidateLabelSelector(selector, metav1validation.LabelSelectorValidationOptions{}, at)
}

func rbacMetaRefusals(meta *metav1.ObjectMeta, at *field.Path) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(meta, true, func(name string, _ bool) []string { return content.IsPathSegmentName(name) }, at)
	if len(meta.Name) > 253 {
		errs = append(errs, field.TooLong(at, meta.Name, 253))
	}
	return errs
}

func ruleRefusals(rule *rbacv1.PolicyRule, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	for name, values := range map[string][]string{"verbs": rule.Verbs, "apiGroups": rule.APIGroups, "resources": rule.Resources} {
		if len(values) == 0 {
			errs = append(errs, field.Required(at.Child(name), ""))
		}
	}
	if len(rule.NonResourceURLs) > 0 {
		errs = append(errs, field.Forbidden(at.Child("nonResourceURLs"), "not in a namespace"))
	}
	return errs
}

func bindingRefusals(b *rbacv1.RoleBinding, at *field.Path) field.ErrorList {
	errs := invalid(content.IsPathSegmentName(b.RoleRef.Name), b.RoleRef.Name, at.Child("roleRef", "name"))
	if b.RoleRef.APIGroup != rbacv1.GroupName || !sets.New("Role", "ClusterRole").Has(b.RoleRef.Kind) || b.RoleRef.Name == "" {
		errs = append(errs, field.Invalid(at.Child("roleRef"), b.RoleRef, "not a role"))
	}
	for i, s := range b.Subjects {
		errs = append(errs, subjectRefusals(s, at.Child("subjects").Index(i))...)
	}
	return errs
}

func subjectRefusals(s rbacv1.Subject, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	if s.Name == "" {
		errs = append(errs, field.Required(at.Child("name"), ""))
	}
	group := rbacv1.GroupName
	switch s.Kind {
	case rbacv1.ServiceAccountKind:
		group = ""
		errs = append(errs, invalid(apivalidation.ValidateServiceAccountName(s.Name, false), s.Name, at.Child("name"))...)
		errs = append(errs, invalid(apivalidation.ValidateNamespaceName(s.Namespace, false), s.Namespace, at.Child("namespace"))...)
	case rbacv1.UserKind, rbacv1.GroupKind:
	default:
		errs = append(errs, field.NotSupported(at.Child("kind"), s.Kind, []string{}))
	}
	if s.APIGroup != group {
		errs = append(errs, field.Invalid(at.Child("apiGroup"), s.APIGroup, "not that of the kind"))
	}
	return errs
}

func invalid(mistakes []string, value any, at *field.Path) field.ErrorList {
	errs := make(field.ErrorList, 0, len(mistakes))
	for _, mistake := range mistakes {
		errs = append(errs, field.Invalid(at, value, mistake))
	}
	return errs
}

// undefaulted are the fields that the API server would fill in, so that what it returns
// would differ from what was rendered.
func undefaulted(objects render.Objects) []string {
	var out []string
	missing := func(name, what string, isMissing bool) {
		if isMissing {
			out = append(out, name+": "+what)
		}
	}
	for _, p := range objects.Policies {
		missing(p.Name, "policyTypes", len(p.Spec.PolicyTypes) == 0)
		var ports []networkingv1.NetworkPolicyPort
		for _, rule := range p.Spec.Ingress {
			ports = append(ports, rule.Ports...)
		}
		for _, rule := range p.Spec.Egress {
			ports = append(ports, rule.Ports...)
		}
		for _, port := range ports {
			missing(p.Name, "protocol", port.Protocol == nil)
		}
	}
	for _, b := range objects.Bindings {
		missing(b.Name, "roleRef.apiGroup", b.RoleRef.APIGroup == "")
		for _, s := range b.Subjects {
			missing(b.Name, "subject.apiGroup", s.APIGroup == "" && s.Kind != rbacv1.ServiceAccountKind)
		}
	}
	return out
}
