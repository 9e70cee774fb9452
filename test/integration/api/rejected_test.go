package api

import (
	"errors"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// unchecked is what the API server adds when a mistake keeps it from looking for others.
const unchecked = "some validation rules were not checked because the object was invalid"

func TestBadProfilesAreRefusedWithTheFieldAndTheFix(t *testing.T) {
	for theme, cases := range loadCases(t, "rejected") {
		t.Run(theme, func(t *testing.T) {
			for _, c := range cases {
				t.Run(c.Name, func(t *testing.T) {
					t.Parallel()
					c.refused(t)
				})
			}
		})
	}
}

// refused sends the profile in both forms and compares what the API server says.
func (c *testCase) refused(t *testing.T) {
	t.Helper()
	t.Run("raw", func(t *testing.T) {
		c.checkRefusal(t, server.Create(t.Context(), c.raw("refused"), client.DryRunAll))
	})
	profile, ok := c.typed(t, "refused")
	if !ok {
		return
	}
	t.Run("typed", func(t *testing.T) {
		c.checkRefusal(t, server.Create(t.Context(), profile, client.DryRunAll))
	})
}

func (c *testCase) checkRefusal(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		t.Fatal("the API server accepted it")
	}
	if message := err.Error(); !strings.Contains(message, c.Field) || !strings.Contains(message, c.Says) {
		t.Errorf("the API server said\n%s\nwhich does not have the field and the fix:\n%s: %s", message, c.Field, c.Says)
	}
	causes := causesOf(err)
	if len(causes) == 0 {
		return // Unknown fields are found before there are fields to name.
	}
	if !slices.ContainsFunc(causes, func(cause metav1.StatusCause) bool {
		return cause.Field == c.Field && strings.Contains(cause.Message, c.Says)
	}) {
		t.Errorf("no cause has the field %s and says %q:\n%v", c.Field, c.Says, causes)
	}
	// One mistake is one complaint, or the user has to guess which of them to believe.
	if got, want := fieldsOf(causes), append([]string{c.Field}, c.Also...); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
		t.Errorf("the API server complains about %v, want %v:\n%v", got, want, causes)
	}
}

func causesOf(err error) []metav1.StatusCause {
	status, ok := errors.AsType[*apierrors.StatusError](err)
	if !ok || status.ErrStatus.Details == nil {
		return nil
	}
	return slices.DeleteFunc(status.ErrStatus.Details.Causes, func(cause metav1.StatusCause) bool {
		return strings.Contains(cause.Message, unchecked)
	})
}

func fieldsOf(causes []metav1.StatusCause) []string {
	fields := make([]string, len(causes))
	for i, cause := range causes {
		fields[i] = cause.Field
	}
	return fields
}

// Server-side apply merges lists by their keys before it validates, so it finds duplicates in
// another way and in other words.
func TestDuplicatesAreRefusedByServerSideApplyToo(t *testing.T) {
	for _, c := range loadFile(t, "testdata/rejected/duplicates.yaml") {
		t.Run(c.Name, func(t *testing.T) {
			apply := client.ApplyConfigurationFromUnstructured(c.raw("refused"))
			err := server.Apply(t.Context(), apply, client.FieldOwner("test"), client.DryRunAll)
			if err == nil || !strings.Contains(err.Error(), "duplicate entries for key") {
				t.Errorf("the API server said %v, want a word about duplicate entries", err)
			}
		})
	}
}
