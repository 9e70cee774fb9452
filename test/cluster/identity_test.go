package cluster_test

import (
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// wantUser asks the API server whom it takes a client for.
func wantUser(t *testing.T, cfg *rest.Config, want string) {
	t.Helper()
	review, err := clientFor(t, cfg).AuthenticationV1().SelfSubjectReviews().
		Create(t.Context(), &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	noError(t, err)
	if got := review.Status.UserInfo.Username; got != want {
		t.Errorf("user = %q, want %q", got, want)
	}
}

// wantForbidden shows that a client is no administrator.
func wantForbidden(t *testing.T, cfg *rest.Config) {
	t.Helper()
	_, err := clientFor(t, cfg).CoreV1().Secrets(metav1.NamespaceSystem).List(t.Context(), metav1.ListOptions{})
	if !apierrors.IsForbidden(err) {
		t.Errorf("listing secrets: error = %v, want forbidden", err)
	}
}
