package plantest

import (
	"reflect"

	"pgregory.net/rapid"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// Shuffled returns a copy of a profile with every list in it in another order. The order of
// no list of a profile has a meaning.
func Shuffled(t *rapid.T, profile *v1alpha1.SegmentationProfile) *v1alpha1.SegmentationProfile {
	out := profile.DeepCopy()
	shuffle(t, reflect.ValueOf(&out.Spec))
	return out
}

func shuffle(t *rapid.T, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			shuffle(t, v.Elem())
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			shuffle(t, field)
		}
	case reflect.Slice:
		swap := reflect.Swapper(v.Interface())
		for i := range v.Len() {
			swap(i, rapid.IntRange(i, v.Len()-1).Draw(t, "swap"))
			shuffle(t, v.Index(i))
		}
	default:
	}
}

// Corrupt puts something else into a few fields of a profile, which the CRD may accept or
// not: another value, or none.
func Corrupt(t *rapid.T, profile *v1alpha1.SegmentationProfile) {
	for range rapid.IntRange(0, 3).Draw(t, "corruptions") {
		fields := leaves(reflect.ValueOf(profile).Elem().FieldByName("Spec"), nil)
		fields = append(fields, reflect.ValueOf(&profile.Name).Elem())
		corrupt(t, rapid.SampledFrom(fields).Draw(t, "field"))
	}
}

func corrupt(t *rapid.T, field reflect.Value) {
	switch field.Kind() {
	case reflect.String:
		field.SetString(rapid.OneOf(rapid.SampledFrom(odd()), rapid.String()).Draw(t, "text"))
	case reflect.Int32:
		field.SetInt(int64(rapid.Int32Range(-1, 70000).Draw(t, "number")))
	default:
		field.SetZero()
	}
}

func odd() []string {
	return []string{
		"", "A", "a/b", "a%b", ".", "..", "a b", "*", "-", "a.b", "8080", "In", "Deny", "web", "view", "\xff",
		"10.0.0.1/8", "::ffff:10.0.0.0/104", "0.0.0.0/0", longest, longest + "x", longest + longest + longest + longest + longest,
	}
}

// leaves are the fields that can be set to something else.
func leaves(v reflect.Value, found []reflect.Value) []reflect.Value {
	switch v.Kind() {
	case reflect.String, reflect.Int32, reflect.Bool:
		return append(found, v)
	case reflect.Map:
		return append(found, v)
	case reflect.Pointer:
		found = append(found, v)
		if !v.IsNil() {
			found = leaves(v.Elem(), found)
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			found = leaves(field, found)
		}
	case reflect.Slice:
		found = append(found, v)
		for i := range v.Len() {
			found = leaves(v.Index(i), found)
		}
	default:
	}
	return found
}

// Overwrite changes every text and number in the spec of a profile in place, so that whoever
// kept a reference to a part of it is found out.
func Overwrite(profile *v1alpha1.SegmentationProfile) {
	for _, field := range leaves(reflect.ValueOf(profile).Elem().FieldByName("Spec"), nil) {
		switch field.Kind() {
		case reflect.String:
			field.SetString("overwritten")
		case reflect.Int32:
			field.SetInt(-1)
		case reflect.Map:
			for _, key := range field.MapKeys() {
				field.SetMapIndex(key, reflect.Zero(field.Type().Elem()))
			}
		default:
		}
	}
}
