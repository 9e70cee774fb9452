package mesh_test

import (
	"net/netip"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/internal/mesh"
)

// web is a workload of the mesh that calls, and passerBy one that has no part in it.
var (
	web      = mesh.Caller{Namespace: "web", ServiceAccount: "front", TrustDomain: "cluster.local", IP: netip.MustParseAddr("10.0.0.1")}
	passerBy = mesh.Caller{IP: netip.MustParseAddr("192.0.2.7")}
)

// What is expected here is what Istio's reference says of each policy.
func TestJudge(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		policies, authentications []string
		caller                    mesh.Caller
		want                      mesh.Verdict
	}{
		"without policies all is allowed": {caller: passerBy, want: mesh.Verdict{Allowed: true}},
		"an ALLOW policy without rules allows nothing": {
			policies: []string{"{}"}, caller: web, want: mesh.Verdict{},
		},
		"a rule that says nothing allows all": {
			policies: []string{"{rules: [{}]}"}, caller: passerBy, want: mesh.Verdict{Allowed: true},
		},
		"a policy about other workloads has no say": {
			policies: []string{"{selector: {matchLabels: {app: b}}}"}, caller: web, want: mesh.Verdict{Allowed: true},
		},
		"policies of the root namespace have": {
			policies: []string{"namespace: istio-system"}, caller: web, want: mesh.Verdict{},
		},
		"what is denied is denied, whoever allows it": {
			policies: []string{"{rules: [{}]}", "{action: DENY, rules: [{from: [{source: {namespaces: [web]}}]}]}"}, caller: web,
		},
		"what another is denied is not": {
			policies: []string{"{rules: [{}]}", "{action: DENY, rules: [{from: [{source: {namespaces: [ops]}}]}]}"},
			caller:   web, want: mesh.Verdict{Allowed: true},
		},
		"an extension is asked, and does not open": {
			policies: []string{"{}", "{action: CUSTOM, provider: {name: who}, rules: [{to: [{operation: {paths: [/a]}}]}]}"},
			caller:   web, want: mesh.Verdict{Asked: true},
		},
		"AUDIT has no say": {
			policies: []string{"{action: AUDIT, rules: [{}]}"}, caller: web, want: mesh.Verdict{Allowed: true},
		},
		"a policy that is tried only has none": {
			policies: []string{"dry-run"}, caller: web, want: mesh.Verdict{Allowed: true},
		},
		"all that a source says has to hold": {
			policies: []string{"{rules: [{from: [{source: {namespaces: [web], ipBlocks: [10.0.0.0/8], notIpBlocks: [10.0.0.1]}}]}]}"}, caller: web,
		},
		"one of the sources is enough": {
			policies: []string{"{rules: [{from: [{source: {namespaces: [ops]}}, {source: {ipBlocks: [10.0.0.1]}}]}]}"},
			caller:   web, want: mesh.Verdict{Allowed: true},
		},
		"a principal by a wildcard at its end": {
			policies: []string{"{rules: [{from: [{source: {principals: [cluster.local/ns/web/*]}}]}]}"},
			caller:   web, want: mesh.Verdict{Allowed: true},
		},
		"a principal by a wildcard at its beginning": {
			policies: []string{"{rules: [{from: [{source: {principals: ['*/sa/front']}}]}]}"},
			caller:   web, want: mesh.Verdict{Allowed: true},
		},
		"who has no part in the mesh is nobody, whatever is asked": {
			policies: []string{"{rules: [{from: [{source: {principals: ['*']}}]}]}"}, caller: passerBy,
		},
		"a condition is taken not to hold where it would allow": {
			policies: []string{"{rules: [{when: [{key: source.namespace, values: [web]}]}]}"}, caller: web,
		},
		"and to hold where it would deny": {
			policies: []string{"{action: DENY, rules: [{when: [{key: source.namespace, values: [web]}]}]}"}, caller: web,
		},
		"what only HTTP has is taken likewise": {
			policies: []string{"{rules: [{to: [{operation: {ports: ['80'], methods: [GET]}}]}]}"}, caller: web,
		},
		"a source that is not known, too": {
			policies: []string{"{rules: [{from: [{source: {requestPrincipals: ['*']}}]}]}"}, caller: web,
		},
		"a policy about something else than workloads, too": {
			policies: []string{"{targetRefs: [{kind: Service, name: a}], rules: [{}]}"}, caller: web,
		},
		"STRICT takes nobody without mutual TLS": {
			authentications: []string{"{mtls: {mode: STRICT}}"}, caller: passerBy,
		},
		"and others as before": {
			authentications: []string{"{mtls: {mode: STRICT}}"}, caller: web, want: mesh.Verdict{Allowed: true},
		},
		"a policy of the workload comes before that of its namespace": {
			authentications: []string{"{mtls: {mode: STRICT}}", "{selector: {matchLabels: {app: a}}, mtls: {mode: PERMISSIVE}}"},
			caller:          passerBy, want: mesh.Verdict{Allowed: true},
		},
		"a port before the workload": {
			authentications: []string{"{selector: {matchLabels: {app: a}}, mtls: {mode: STRICT}, portLevelMtls: {'80': {mode: PERMISSIVE}}}"},
			caller:          passerBy, want: mesh.Verdict{Allowed: true},
		},
		"one that says nothing leaves it to the next": {
			authentications: []string{"{mtls: {mode: STRICT}}", "{selector: {matchLabels: {app: a}}, mtls: {mode: UNSET}}"}, caller: passerBy,
		},
		"of two the older counts": {
			authentications: []string{"{mtls: {mode: STRICT}}", "{mtls: {mode: PERMISSIVE}}"}, caller: passerBy,
		},
		"without mutual TLS nobody proves anything": {
			policies:        []string{"{rules: [{from: [{source: {namespaces: [web]}}]}]}"},
			authentications: []string{"{mtls: {mode: DISABLE}}"}, caller: web,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			judge := mesh.New("istio-system", policiesOf(t, tc.policies), authenticationsOf(t, tc.authentications))
			got := judge.Judge(tc.caller, mesh.Called{Namespace: "api", Labels: map[string]string{"app": "a"}, Port: 80})
			if got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func policiesOf(t *testing.T, specs []string) []*mesh.AuthorizationPolicy {
	t.Helper()
	out := make([]*mesh.AuthorizationPolicy, 0, len(specs))
	for _, text := range specs {
		p := &mesh.AuthorizationPolicy{}
		p.Namespace = "api"
		switch text {
		case "namespace: istio-system":
			p.Namespace = "istio-system"
		case "dry-run":
			p.Annotations = map[string]string{"istio.io/dry-run": "true"}
		default:
			if err := yaml.Unmarshal([]byte(text), &p.Spec); err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, p)
	}
	return out
}

func authenticationsOf(t *testing.T, specs []string) []*mesh.PeerAuthentication {
	t.Helper()
	out := make([]*mesh.PeerAuthentication, 0, len(specs))
	for i, text := range specs {
		a := &mesh.PeerAuthentication{}
		a.Namespace, a.CreationTimestamp = "api", metav1.Unix(int64(i), 0)
		if err := yaml.Unmarshal([]byte(text), &a.Spec); err != nil {
			t.Fatal(err)
		}
		out = append(out, a)
	}
	return out
}
