package apply

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/segmentation-dev/segmentation-operator/internal/status"
)

func TestClassify(t *testing.T) {
	resource := schema.GroupResource{Resource: "things"}
	terminating := apierrors.NewForbidden(resource, "x", errors.New("unable to create new content"))
	terminating.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
	rules := "user \"u\" (groups=[\"g\"]) is " + escalation + ":\n{APIGroups:[\"apps\"], Verbs:[\"get\"]}\n{APIGroups:[\"\"], Verbs:[\"list\"]}\n"
	cases := map[string]struct {
		err  error
		want Failure
	}{
		"a grant above the ceiling, with the rules that are missing": {
			err:  apierrors.NewForbidden(resource, "x", errors.New(rules)),
			want: Failure{Class: AboveCeiling, Role: "r", Detail: `{APIGroups:["apps"], Verbs:["get"]}; {APIGroups:[""], Verbs:["list"]}`},
		},
		"a grant above the ceiling, without them": {
			err:  apierrors.NewForbidden(resource, "x", errors.New(escalation)),
			want: Failure{Class: AboveCeiling, Role: "r"},
		},
		"an admission policy": {err: apierrors.NewForbidden(resource, "x", errors.New("no")), want: Failure{Class: Rejected, Detail: `things "x" is forbidden: no`}},
		"an API server that does not know who may do what yet": {
			err:  apierrors.NewForbidden(resource, "x", errors.New(`User "u" cannot patch resource "things" in API group "" in the namespace "n"`)),
			want: Failure{Class: Retry, Detail: "Forbidden"},
		},
		"an object that is not valid":      {err: apierrors.NewBadRequest("bad"), want: Failure{Class: Rejected, Detail: "bad"}},
		"a long refusal":                   {err: apierrors.NewBadRequest(strings.Repeat("é", 200)), want: Failure{Class: Rejected, Detail: strings.Repeat("é", 150) + " ..."}},
		"a ClusterRole that is not there":  {err: apierrors.NewNotFound(schema.GroupResource{Resource: "rolebindings"}, "r"), want: Failure{Class: RoleMissing, Role: "r"}},
		"something else that is not there": {err: apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "x"), want: Failure{Class: Overtaken, Detail: "NotFound"}},
		"a namespace that is being ended":  {err: terminating, want: Failure{Class: Overtaken, Detail: "Forbidden"}},
		"a conflict":                       {err: apierrors.NewConflict(resource, "x", errors.New("changed")), want: Failure{Class: Overtaken, Detail: "Conflict"}},
		"an API server without room":       {err: apierrors.NewTooManyRequests("wait", 1), want: Failure{Class: Throttled, Detail: "TooManyRequests"}},
		"a write that was not sent yet":    {err: errPaused, want: Failure{Class: Throttled, Detail: "the API server could not be reached"}},
		"a webhook that is overloaded": {
			err:  apierrors.NewTooManyRequests(`admission webhook "w" denied the request: later`, 1),
			want: Failure{Class: Retry, Detail: "TooManyRequests"},
		},
		"no connection": {err: context.DeadlineExceeded, want: Failure{Class: Retry, Detail: "the API server could not be reached"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			c.want.Kind = KindRoleBinding
			got := classify(c.want.Kind, "r", fmt.Errorf("applying Role secret-name: %w", c.err))
			got.Err = nil
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestAConflictOnANamespace is with a change of labels that was decided on before somebody's.
func TestAConflictOnANamespace(t *testing.T) {
	err := apierrors.NewConflict(schema.GroupResource{Resource: "namespaces"}, "one", errors.New("changed"))
	r := Result{Failures: []Failure{classify(KindNamespace, "", fmt.Errorf("labelling: %w", err))}}
	if r.Refused() || r.Err() != nil || !r.IsOvertaken() || len(r.Problems()) > 0 || r.State() == status.Failing {
		t.Errorf("%+v is not looked at again, or is told of", r.Failures)
	}
}

func TestProblemsNameNoObjectsOfOneTry(t *testing.T) {
	r := Result{Failures: []Failure{
		classify(KindRole, "viewer", fmt.Errorf("applying Role abc: %w", forbidden(errors.New(escalation)))),
		classify(KindRoleBinding, "viewer", fmt.Errorf("applying RoleBinding abc: %w", forbidden(errors.New(escalation)))),
		classify(KindNetworkPolicy, "", errors.New("dial tcp 10.0.0.1:443: connection refused")),
	}}
	problems := r.Problems()
	told := make([]string, 0, len(problems))
	for _, p := range problems {
		told = append(told, p.Message)
	}
	all := strings.Join(told, "\n")
	for _, leak := range []string{"abc", "some-name", "10.0.0.1"} {
		if strings.Contains(all, leak) {
			t.Errorf("the message contains %q, which changes from try to try:\n%s", leak, all)
		}
	}
	if len(told) != 2 {
		t.Errorf("want one problem for the role and one for the policy, got:\n%s", all)
	}
	if r.State() != status.Failing || !r.Refused() || r.Err() == nil {
		t.Errorf("state %s, refused %t, error %v", r.State(), r.Refused(), r.Err())
	}
}
