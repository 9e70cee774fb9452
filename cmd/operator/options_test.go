package main

import (
	"flag"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/segmentation-dev/segmentation-operator/internal/claim"
)

func parse(t *testing.T, args ...string) *options {
	t.Helper()
	flags := flag.NewFlagSet("operator", flag.ContinueOnError)
	o := bindOptions(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestProtectedNamespaces(t *testing.T) {
	t.Setenv("POD_NAMESPACE", "own")
	cases := map[string]struct {
		args    []string
		want    claim.Protected
		problem string
	}{
		"by default the system's and the operator's own": {want: claim.Protected{"kube-system", "kube-public", "kube-node-lease", "own"}},
		"a list with patterns and blanks":                {args: []string{"--protected-namespaces= a , openshift-*,"}, want: claim.Protected{"a", "openshift-*", "own"}},
		"none at all":                                    {args: []string{"--protected-namespaces=", "--protect-own-namespace=false"}},
		"a pattern that cannot be read":                  {args: []string{"--protected-namespaces=[a"}, problem: `--protected-namespaces: the pattern "[a"`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := parse(t, c.args...).protectedNamespaces()
			if (err == nil) != (c.problem == "") || err != nil && !strings.Contains(err.Error(), c.problem) {
				t.Fatalf("error %v, want %q", err, c.problem)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDefaultsOfThePod(t *testing.T) {
	t.Setenv("POD_NAMESPACE", "own")
	o := parse(t)
	if o.LeaseNamespace != "own" || o.GrantAs != "system:serviceaccount:own:segmentation-granter" {
		t.Errorf("the lease is in %q, access is granted as %q", o.LeaseNamespace, o.GrantAs)
	}
}

func TestWrongUseIsOneSentence(t *testing.T) {
	for arg, want := range map[string]string{
		"stray":                     `unexpected argument "stray"`,
		"--network-engine=iptables": `unknown engine "iptables": --network-engine takes auto, or one of [calico`,
		"--network-engine=calico@x": `"x" is no version; give it as in cilium@1.15`,
	} {
		if err := run([]string{arg}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", arg, err)
		}
	}
}
