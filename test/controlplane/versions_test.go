package controlplane

import (
	"strings"
	"testing"
)

func TestParseVersions(t *testing.T) {
	cases := map[string]struct {
		mod     string
		want    Versions
		wantErr string
	}{
		"a require block": {
			mod: "module m\n\ngo 1.26.0\n\nrequire (\n\tgo.etcd.io/etcd/server/v3 v3.7.3\n\tk8s.io/kubernetes v1.37.2\n)\n",
			want: Versions{
				Kubernetes: "v1.37.2",
				Etcd:       "v3.7.3",
			},
		},
		"single lines and comments": {
			mod: "require k8s.io/kubernetes v1.38.0 // why\nrequire go.etcd.io/etcd/server/v3 v3.8.0\n",
			want: Versions{
				Kubernetes: "v1.38.0",
				Etcd:       "v3.8.0",
			},
		},
		"a longer module path is another module": {
			mod:     "require (\n\tk8s.io/kubernetes/extra v1.0.0\n\tgo.etcd.io/etcd/server/v3 v3.7.3\n)\n",
			wantErr: "does not require k8s.io/kubernetes",
		},
		"no etcd": {
			mod:     "require k8s.io/kubernetes v1.38.0\n",
			wantErr: "does not require go.etcd.io/etcd/server/v3",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := parseVersions([]byte(tc.mod))
			if tc.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wantErr) {
					t.Fatalf("error = %v, want one with %q", err, tc.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got != tc.want {
				t.Errorf("versions = %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestRequiredVersions(t *testing.T) {
	got, err := RequiredVersions()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(got.Kubernetes, "v1.") || !strings.HasPrefix(got.Etcd, "v3.") {
		t.Errorf("versions = %+v, want a v1 and a v3", got)
	}
}
