package claim_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/segmentation-dev/segmentation-operator/internal/claim"
)

func TestProtected(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		protected claim.Protected
		namespace string
		want      bool
	}{
		"nothing is protected":                  {nil, "kube-system", false},
		"by name":                               {strings.Split(claim.DefaultProtected, ","), "kube-system", true},
		"another name that begins alike":        {strings.Split(claim.DefaultProtected, ","), "kube-system-2", false},
		"by a pattern":                          {claim.Protected{"openshift", "openshift-*"}, "openshift-dns", true},
		"outside the pattern":                   {claim.Protected{"openshift-*"}, "my-openshift-dns", false},
		"everything":                            {claim.Protected{"*"}, "shop", true},
		"a pattern that cannot be read is none": {claim.Protected{"[a"}, "a", false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tc.protected.Has(tc.namespace); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestValidateNamesThePatternThatCannotBeRead(t *testing.T) {
	t.Parallel()
	if err := (claim.Protected{"kube-system", "openshift-*", "[a-z]"}).Validate(); err != nil {
		t.Errorf("got error %v, want none", err)
	}
	for _, bad := range []string{"[a", "kube-[", `kube\`} {
		err := claim.Protected{"kube-system", bad}.Validate()
		if err == nil || !strings.Contains(err.Error(), "cannot be read") {
			t.Errorf("%s: got error %v, want one that says that it cannot be read", bad, err)
		}
	}
}

func TestParseProtected(t *testing.T) {
	cases := map[string]claim.Protected{
		"":                  nil,
		" , ":               nil,
		"a":                 {"a"},
		" a , openshift-*,": {"a", "openshift-*"},
	}
	for list, want := range cases {
		if got := claim.ParseProtected(list); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", list, got, want)
		}
	}
}
