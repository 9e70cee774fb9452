package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// SegmentationProfile declares tiers of namespaces, the dependencies allowed
// between them, and who may do what in them. The operator turns it into
// NetworkPolicies, Roles and RoleBindings in every namespace of its tiers,
// and keeps them true. Network traffic that is not declared is denied, in both
// directions, for every pod of the tiers; namespaces outside them are not touched.
//
// Begin with spec.tiers, one for each set of namespaces that belong together, and
// add a dependency for each call from one to another. With spec.mode Preview the
// profile is only computed, and its status says what it would do.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=segprof,categories={all,segmentation}
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`,description="Whether every claimed namespace holds what this generation declares."
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,description="Why the profile is ready or not."
// +kubebuilder:printcolumn:name="Namespaces",type=string,JSONPath=`.status.namespaces.summary`,description="Namespaces ready, of those claimed."
// +kubebuilder:printcolumn:name="Mode",type=string,JSONPath=`.spec.mode`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="!format.dns1123Label().validate(self.metadata.name).hasValue()",message="metadata.name must be a DNS label of at most 63 characters (lower-case letters, digits and '-'), since it becomes a label value; choose a shorter name without dots",fieldPath=".metadata"
// +kubebuilder:validation:XValidation:rule="!has(self.spec.dependencies) || !self.spec.dependencies.exists(d, (has(d.from.profile) && d.from.profile == self.metadata.name) || (has(d.to.profile) && d.to.profile == self.metadata.name))",message="the profile of a dependency is this profile itself; leave out profile, and tier is a tier of this one",messageExpression="[self.spec.dependencies.map(d, (has(d.from.profile) && d.from.profile == self.metadata.name) || (has(d.to.profile) && d.to.profile == self.metadata.name)).indexOf(true)].map(i, 'the profile of dependency ' + self.spec.dependencies[i].name + ' is this profile itself; leave out profile, and tier is a tier of this one')[0]",fieldPath=".spec.dependencies"
// +genclient
// +genclient:nonNamespaced
type SegmentationProfile struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata. The name must be a DNS label of at
	// most 63 characters, since it becomes a label value.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// spec is what the profile declares: what you write.
	// +required
	Spec SegmentationProfileSpec `json:"spec,omitzero"`

	// status is what the operator has done and seen. Only the operator writes it.
	// +optional
	// +default={"observedGeneration": -1}
	Status SegmentationProfileStatus `json:"status,omitempty,omitzero"`
}

// SegmentationProfileList is a list of SegmentationProfiles.
//
// +kubebuilder:object:root=true
type SegmentationProfileList struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the profiles.
	Items []SegmentationProfile `json:"items"`
}

// SegmentationProfileSpec is what a profile declares.
//
// +kubebuilder:validation:XValidation:rule="!has(self.peers) || !sets.intersects(self.peers.map(p, p.name), self.tiers.map(t, t.name))",fieldPath=".peers",message="a peer has the name of a tier; findings and explanations refer to both by name, so rename one of them",messageExpression="[self.tiers.map(t, t.name)].map(names, self.peers.map(p, p.name in names).indexOf(true)).map(i, 'peer ' + self.peers[i].name + ' has the name of a tier; findings and explanations refer to both by name, so rename one of them')[0]"
// +kubebuilder:validation:XValidation:rule="!has(self.dependencies) || sets.contains(self.tiers.map(t, t.name), self.dependencies.map(d, has(d.from.tier) && !has(d.from.profile), d.from.tier))",fieldPath=".dependencies",message="the from.tier of a dependency names a tier that spec.tiers does not have; add the tier or correct the name",messageExpression="[self.tiers.map(t, t.name)].map(names, self.dependencies.map(d, has(d.from.tier) && !has(d.from.profile) && !(d.from.tier in names)).indexOf(true)).map(i, 'from.tier of dependency ' + self.dependencies[i].name + ' names ' + self.dependencies[i].from.tier + ', which spec.tiers does not have; add the tier or correct the name')[0]"
// +kubebuilder:validation:XValidation:rule="!has(self.dependencies) || sets.contains(self.tiers.map(t, t.name), self.dependencies.map(d, has(d.to.tier) && !has(d.to.profile), d.to.tier))",fieldPath=".dependencies",message="the to.tier of a dependency names a tier that spec.tiers does not have; add the tier or correct the name",messageExpression="[self.tiers.map(t, t.name)].map(names, self.dependencies.map(d, has(d.to.tier) && !has(d.to.profile) && !(d.to.tier in names)).indexOf(true)).map(i, 'to.tier of dependency ' + self.dependencies[i].name + ' names ' + self.dependencies[i].to.tier + ', which spec.tiers does not have; add the tier or correct the name')[0]"
// +kubebuilder:validation:XValidation:rule="!has(self.dependencies) || (has(self.peers) ? sets.contains(self.peers.map(p, p.name), self.dependencies.map(d, has(d.from.peer), d.from.peer)) : !self.dependencies.exists(d, has(d.from.peer)))",fieldPath=".dependencies",message="the from.peer of a dependency names a peer that spec.peers does not have; add the peer or correct the name",messageExpression="[(has(self.peers) ? self.peers.map(p, p.name) : [])].map(names, self.dependencies.map(d, has(d.from.peer) && !(d.from.peer in names)).indexOf(true)).map(i, 'from.peer of dependency ' + self.dependencies[i].name + ' names ' + self.dependencies[i].from.peer + ', which spec.peers does not have; add the peer or correct the name')[0]"
// +kubebuilder:validation:XValidation:rule="!has(self.dependencies) || (has(self.peers) ? sets.contains(self.peers.map(p, p.name), self.dependencies.map(d, has(d.to.peer), d.to.peer)) : !self.dependencies.exists(d, has(d.to.peer)))",fieldPath=".dependencies",message="the to.peer of a dependency names a peer that spec.peers does not have; add the peer or correct the name",messageExpression="[(has(self.peers) ? self.peers.map(p, p.name) : [])].map(names, self.dependencies.map(d, has(d.to.peer) && !(d.to.peer in names)).indexOf(true)).map(i, 'to.peer of dependency ' + self.dependencies[i].name + ' names ' + self.dependencies[i].to.peer + ', which spec.peers does not have; add the peer or correct the name')[0]"
// +kubebuilder:validation:XValidation:rule="!has(self.dependencies) || !has(self.peers) || [self.peers.map(p, has(p.cidrs) || has(p.internet), p.name)].all(ranges, !self.dependencies.exists(d, has(d.to.peer) && d.to.peer in ranges && has(d.ports) && d.ports.exists(p, has(p.port) && type(p.port) == string)))",fieldPath=".dependencies",message="a dependency has a named port towards a peer of addresses; a name cannot be resolved on addresses, give the port's number",messageExpression="[self.peers.map(p, has(p.cidrs) || has(p.internet), p.name)].map(ranges, self.dependencies.map(d, has(d.to.peer) && d.to.peer in ranges && has(d.ports) && d.ports.exists(p, has(p.port) && type(p.port) == string)).indexOf(true)).map(i, 'dependency ' + self.dependencies[i].name + ' has a named port towards peer ' + self.dependencies[i].to.peer + ', which is one of addresses; a name cannot be resolved on addresses, give the number of the port')[0]"
// +kubebuilder:validation:XValidation:rule="!has(self.dependencies) || !has(self.peers) || [self.peers.map(p, has(p.apiServer), p.name)].all(servers, !self.dependencies.exists(d, has(d.to.peer) && d.to.peer in servers && has(d.ports)))",fieldPath=".dependencies",message="a dependency has ports towards a peer with apiServer; the ports of the API server are found, leave out ports",messageExpression="[self.peers.map(p, has(p.apiServer), p.name)].map(servers, self.dependencies.map(d, has(d.to.peer) && d.to.peer in servers && has(d.ports)).indexOf(true)).map(i, 'dependency ' + self.dependencies[i].name + ' has ports towards peer ' + self.dependencies[i].to.peer + ', which is the API server; its ports are found, leave out ports')[0]"
// +kubebuilder:validation:XValidation:rule="self.tiers.all(t, !has(t.access) || (has(self.roles) ? sets.contains(self.roles.map(r, r.name), t.access.map(a, has(a.role), a.role)) : !t.access.exists(a, has(a.role))))",fieldPath=".tiers",message="the access.role of a tier names a role that spec.roles does not have; add the role, correct the name, or use clusterRole for an existing ClusterRole",messageExpression="[(has(self.roles) ? self.roles.map(r, r.name) : [])].map(names, self.tiers.map(t, has(t.access) && t.access.exists(a, has(a.role) && !(a.role in names))).indexOf(true)).map(i, 'an access.role of tier ' + self.tiers[i].name + ' names a role that spec.roles does not have; add the role, correct the name, or use clusterRole for an existing ClusterRole')[0]"
// +kubebuilder:validation:XValidation:rule="!has(self.dependencies) || [(has(self.roles) ? self.roles.transformMapEntry(i, r, {r.name: true}) : {})].all(names, self.dependencies.all(d, !has(d.access) || d.access.all(a, !has(a.role) || a.role in names)))",fieldPath=".dependencies",message="the access.role of a dependency names a role that spec.roles does not have; add the role, correct the name, or use clusterRole for an existing ClusterRole",messageExpression="[(has(self.roles) ? self.roles.transformMapEntry(i, r, {r.name: true}) : {})].map(names, self.dependencies.map(d, has(d.access) && d.access.exists(a, has(a.role) && !(a.role in names))).indexOf(true)).map(i, 'an access.role of dependency ' + self.dependencies[i].name + ' names a role that spec.roles does not have; add the role, correct the name, or use clusterRole for an existing ClusterRole')[0]"
// +kubebuilder:validation:XValidation:rule="self.tiers.transformMapEntry(i, t, has(t.namespaces.names), t.namespaces.names.transformMapEntry(j, name, {name: true})).size() == self.tiers.map(t, has(t.namespaces.names) ? t.namespaces.names.size() : 0).sum()",fieldPath=".tiers",message="two tiers list this namespace in namespaces.names, and a namespace belongs to one tier; remove it from one of them"
type SegmentationProfileSpec struct {
	// mode is Enforce (the default) or Preview. In Enforce, the operator writes
	// the objects and keeps them true. In Preview, it computes and reports in
	// status, writes and deletes nothing, and the profile claims no namespace;
	// what an earlier Enforce wrote stays as it is, but a namespace that loses its
	// policies loses its membership too. Preview a new profile before
	// you enforce it: enforcing it cuts every connection that it does not declare.
	// +optional
	// +default="Enforce"
	Mode Mode `json:"mode,omitempty"`

	// admission is Standard (the default) or Strict. A namespace that comes to be
	// is open until its policies are written. With Standard, pods may start in that
	// time; with Strict, no pod is admitted to a namespace that this profile
	// selects before the namespace is a member: who creates it is told to try
	// again, which controllers do by themselves. It takes the admission policies
	// of config/admission; without them, Strict does nothing.
	// +optional
	// +default="Standard"
	Admission Admission `json:"admission,omitempty"`

	// dns says where the pods of all tiers may resolve names. Left out, it is the
	// cluster DNS as the Service kube-dns in kube-system has it: the pods that it
	// selects, on the target ports of its port 53. Write {mode: None} to open
	// nothing.
	// +optional
	// +default={"mode": "ClusterDNS"}
	DNS DNS `json:"dns,omitempty,omitzero"`

	// tiers are the named sets of namespaces that this profile segments, such as
	// web, api and data: 1 to 64 of them. A pod in them sends and receives only
	// what internalTraffic, a dependency or dns allows. An application that lives
	// in one namespace is a profile of one tier.
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Tiers []Tier `json:"tiers,omitempty"`

	// peers are the parties outside the tiers that dependencies may name:
	// namespaces that this profile does not segment, such as those of an ingress
	// controller, or addresses outside the cluster. At most 64, none with the name
	// of a tier.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Peers []Peer `json:"peers,omitempty"`

	// roles are sets of API permissions, for the access of tiers to name: at most
	// 64. A role that a tier's access names becomes a Role in each namespace of
	// the tier. The API server bounds what roles may hold: what is in ClusterRoles
	// that a cluster administrator labels segmentation.dev/grantable: "true".
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Roles []Role `json:"roles,omitempty"`

	// dependencies are the permissions for one tier or peer to reach another: at
	// most 512. Each opens both sides: egress at the tier that calls, ingress at
	// the tier that is called. Answers to a call need no dependency of their own.
	// Left out, nothing crosses the borders of the tiers.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=512
	Dependencies []Dependency `json:"dependencies,omitempty"`

	// guardrails has the profile written as cluster-wide policies too, which no
	// NetworkPolicy can override: so that nobody who may write NetworkPolicies in a
	// namespace of a tier can open what is not declared. Write {}. Left out, there
	// are none.
	// +optional
	Guardrails *Guardrails `json:"guardrails,omitempty"`

	// mesh has the dependencies written as policies of a service mesh too, beside
	// the NetworkPolicies. Left out, there are none.
	// +optional
	Mesh Mesh `json:"mesh,omitempty,omitzero"`
}

// Mode says whether a profile is written to the cluster or only computed.
//
// +kubebuilder:validation:Enum=Enforce;Preview
type Mode string

const (
	// ModeEnforce writes what the profile declares and keeps it true.
	ModeEnforce Mode = "Enforce"
	// ModePreview computes and reports, and writes and deletes nothing.
	ModePreview Mode = "Preview"
)

// Admission says whether pods may start in a namespace before it is isolated.
//
// +kubebuilder:validation:Enum=Standard;Strict
type Admission string

const (
	// AdmissionStandard admits pods as if the profile were not there.
	AdmissionStandard Admission = "Standard"
	// AdmissionStrict admits no pod to a namespace that the profile selects until
	// the namespace is a member.
	AdmissionStrict Admission = "Strict"
)

// Name names a tier, a peer, a role or a dependency. It is a DNS label (RFC 1123),
// since it becomes a label value or a part of an object's name.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9](-*[a-z0-9])*$')",message="must be a DNS label: lower-case letters, digits and '-', beginning and ending with a letter or a digit"
type Name string

// NamespaceName is the name of a namespace, a DNS label (RFC 1123).
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9](-*[a-z0-9])*$')",message="must be the name of a namespace: lower-case letters, digits and '-', beginning and ending with a letter or a digit"
type NamespaceName string
