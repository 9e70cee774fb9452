// Package crdcheck reads SegmentationProfiles as the API server does: it fills in defaults, and refuses what the API server
// refuses, in the API server's own words, since it is the API server's own code that is called. It needs no cluster.
package crdcheck

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/config/crd"
)

// Checker checks profiles by the CRD.
type Checker struct {
	structural *structuralschema.Structural
	schema     validation.SchemaValidator
	rules      *cel.Validator
}

// New returns a checker for the CRD of this version.
func New() (*Checker, error) {
	var definition apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(crd.SegmentationProfiles, &definition); err != nil {
		return nil, fmt.Errorf("reading the CRD: %w", err)
	}
	var props apiextensions.CustomResourceValidation
	version := &definition.Spec.Versions[0]
	convert := apiextensionsv1.Convert_v1_CustomResourceValidation_To_apiextensions_CustomResourceValidation
	if err := convert(version.Schema, &props, nil); err != nil {
		return nil, fmt.Errorf("reading the CRD's schema: %w", err)
	}
	structural, err := structuralschema.NewStructural(props.OpenAPIV3Schema)
	if err != nil {
		return nil, fmt.Errorf("reading the CRD's schema: %w", err)
	}
	schema, _, err := validation.NewSchemaValidator(props.OpenAPIV3Schema)
	if err != nil {
		return nil, fmt.Errorf("reading the CRD's schema: %w", err)
	}
	return &Checker{structural: structural, schema: schema, rules: cel.NewValidator(structural, true, celconfig.PerCallLimit)}, nil
}

// Read reads a profile, with its defaults. What the API server would refuse is an error in its words. The object is changed.
func (c *Checker) Read(ctx context.Context, obj *unstructured.Unstructured) (*v1alpha1.SegmentationProfile, error) {
	options := structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	unknown := pruning.PruneWithOptions(obj.Object, c.structural, true, options)
	errs := make(field.ErrorList, 0, len(unknown))
	for _, path := range unknown {
		errs = append(errs, field.Invalid(field.NewPath(path), field.OmitValueType{},
			"unknown field: correct its name or its place, or leave it out"))
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(obj.Object, c.structural)
	defaulting.Default(obj.Object, c.structural)
	errs = append(errs, c.validate(ctx, obj)...)
	if len(errs) > 0 {
		kind := v1alpha1.GroupVersion.WithKind("SegmentationProfile").GroupKind()
		return nil, apierrors.NewInvalid(kind, obj.GetName(), errs)
	}
	out := &v1alpha1.SegmentationProfile{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, out); err != nil {
		return nil, fmt.Errorf("reading profile %s: %w", obj.GetName(), err)
	}
	return out, nil
}

// validate makes the checks of the API server's customresource strategy, in its order: rules are not judged where the
// schema's own validation would have them fail on what is not there.
func (c *Checker) validate(ctx context.Context, obj *unstructured.Unstructured) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaAccessor(obj, false, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	errs = append(errs, validation.ValidateCustomResource(nil, obj.Object, c.schema)...)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, c.structural, obj.Object)...)
	blocking := []field.ErrorType{
		field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid,
	}
	if slices.ContainsFunc(errs, func(err *field.Error) bool { return slices.Contains(blocking, err.Type) }) {
		return append(errs, field.Invalid(nil, nil,
			"some validation rules were not checked because the object was invalid; correct the existing errors to complete validation"))
	}
	found, _ := c.rules.Validate(ctx, nil, c.structural, obj.Object, nil, celconfig.RuntimeCELCostBudget)
	return append(errs, found...)
}
