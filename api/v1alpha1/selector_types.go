package v1alpha1

// NamespaceSet chooses namespaces by name or by label, not by both.
//
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="has(self.selector) != has(self.names)",message="give either selector or names, and only one of them"
type NamespaceSet struct {
	// selector chooses namespaces by their labels. An empty selector chooses every
	// namespace, system namespaces excepted where it is a tier's.
	// +optional
	Selector *LabelSelector `json:"selector,omitempty"`

	// names lists 1 to 128 namespaces by name. A name without a namespace is no
	// error: the namespace belongs to the set from the moment it is created.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=128
	Names []NamespaceName `json:"names,omitempty"`
}

// LabelSelector chooses objects by their labels, with the meaning and the form of
// Kubernetes' own label selectors: all of matchLabels and matchExpressions must hold,
// and an empty selector chooses everything. It is a type of its own so that the API
// server refuses a selector that NetworkPolicy would refuse. Who applies a selector owns
// all of it: two appliers cannot each add labels to the same one.
//
// +structType=atomic
type LabelSelector struct {
	// matchLabels are labels that must have exactly these values: at most 16.
	// +optional
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(key, !format.qualifiedName().validate(key).hasValue())",message="every key must be a label key such as app or example.com/app: a name of at most 63 letters, digits, '-', '_' and '.', after an optional DNS name and a slash"
	MatchLabels map[string]LabelValue `json:"matchLabels,omitempty"`

	// matchExpressions are requirements on labels: at most 8.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	MatchExpressions []LabelSelectorRequirement `json:"matchExpressions,omitempty"`
}

// LabelSelectorRequirement is one requirement on the value of one label.
//
// +kubebuilder:validation:XValidation:rule="(self.operator in ['In', 'NotIn']) == (has(self.values) && self.values.size() > 0)",fieldPath=".values",message="values must be given with operator In or NotIn, and left out with Exists or DoesNotExist"
type LabelSelectorRequirement struct {
	// key is the label that the requirement is about.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=317
	// +kubebuilder:validation:Pattern=`^([a-z0-9](-*[a-z0-9])*([.][a-z0-9](-*[a-z0-9])*)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="self.indexOf('/') <= 253",message="must be a label key such as app or example.com/app, with at most 253 characters before the slash"
	Key string `json:"key,omitempty"`

	// operator is In (the label has one of the values), NotIn (it has none of
	// them, or is absent), Exists (it is there, with any value) or DoesNotExist
	// (it is absent).
	// +required
	Operator LabelSelectorOperator `json:"operator,omitempty"`

	// values are the values that In and NotIn compare with, 1 to 32; Exists and
	// DoesNotExist take none.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Values []LabelValue `json:"values,omitempty"`
}

// LabelSelectorOperator relates a label to a set of values.
//
// +kubebuilder:validation:Enum=In;NotIn;Exists;DoesNotExist
type LabelSelectorOperator string

const (
	// LabelSelectorOpIn holds when the label has one of the values.
	LabelSelectorOpIn LabelSelectorOperator = "In"
	// LabelSelectorOpNotIn holds when the label is absent or has none of the
	// values.
	LabelSelectorOpNotIn LabelSelectorOperator = "NotIn"
	// LabelSelectorOpExists holds when the label is there.
	LabelSelectorOpExists LabelSelectorOperator = "Exists"
	// LabelSelectorOpDoesNotExist holds when the label is absent.
	LabelSelectorOpDoesNotExist LabelSelectorOperator = "DoesNotExist"
)

// LabelValue is the value of a label: at most 63 characters, letters, digits, '-', '_'
// and '.', beginning and ending with a letter or a digit; or empty.
//
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:Pattern=`^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$`
type LabelValue string
