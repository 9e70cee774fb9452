package plan

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// check adds the mistakes that a validation of Kubernetes finds in a value.
func (c *compiler) check(mistakes []string, value any, path *field.Path) {
	for _, mistake := range mistakes {
		c.fail(field.Invalid(path, value, mistake))
	}
}

// name checks a name that becomes a label value or a part of an object's name.
func (c *compiler) name(name v1alpha1.Name, path *field.Path) {
	c.check(validation.IsDNS1123Label(string(name)), string(name), path)
}

func (c *compiler) namespaceName(name v1alpha1.NamespaceName, path *field.Path) {
	c.check(validation.IsDNS1123Label(string(name)), string(name), path)
}

// oneOf checks that a value is one of those that its type has.
func oneOf[T ~string](c *compiler, value T, path *field.Path, valid ...T) {
	if !slices.Contains(valid, value) {
		c.fail(field.NotSupported(path, value, slices.DeleteFunc(valid, func(v T) bool { return v == "" })))
	}
}
