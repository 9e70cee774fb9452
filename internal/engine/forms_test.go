package engine_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/segmentation-dev/segmentation-operator/internal/addresses"
	"github.com/segmentation-dev/segmentation-operator/internal/engine"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

func TestTheFlagNamesAnEngine(t *testing.T) {
	t.Parallel()
	given := func(name engine.Name, version string) engine.Found {
		return engine.Found{Name: name, Version: version, Why: "given by --network-engine"}
	}
	tests := map[string]struct {
		want    engine.Found
		problem string
	}{
		"":                 {},
		"auto":             {},
		"calico":           {want: given(engine.Calico, "")},
		"none":             {want: given(engine.None, "")},
		"cilium@1.15":      {want: given(engine.Cilium, "1.15")},
		"cilium@v1.15.3":   {want: given(engine.Cilium, "1.15.3")},
		"unknown":          {problem: `unknown engine "unknown": --network-engine takes auto, or one of [calico`},
		"iptables@1.8":     {problem: `unknown engine "iptables": --network-engine takes auto`},
		"cilium@":          {problem: `--network-engine=cilium@: "" is no version; give it as in cilium@1.15`},
		"calico@the-last":  {problem: `"the-last" is no version`},
		"auto@1.15":        {problem: `unknown engine "auto"`},
		"Calico":           {problem: `unknown engine "Calico"`},
		"calico,kube-rout": {problem: `unknown engine "calico,kube-rout"`},
	}
	for value, tc := range tests {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			got, err := engine.Parse(value)
			if (err == nil) != (tc.problem == "") || err != nil && !strings.Contains(err.Error(), tc.problem) {
				t.Fatalf("error %v, want %q", err, tc.problem)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFormsThatEnginesDoNotTake(t *testing.T) {
	t.Parallel()
	number, strict := plan.NumberOrName, plan.NumberOrNothing
	for text, want := range map[string]plan.Forms{
		"calico":                {},
		"cilium":                {Egress: number},
		"cilium@1.15":           {List: true, Egress: number},
		"weave-net":             {List: true, Ingress: strict, Egress: strict},
		"kube-router":           {},
		"kube-router@0.2":       {Ingress: strict, Egress: strict},
		"antrea":                {},
		"ovn-kubernetes":        {Ingress: number, Egress: number},
		"aws-vpc-cni":           {Ingress: number},
		"kube-network-policies": {Ingress: number, Egress: number},
		"none":                  {},
	} {
		found, err := engine.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, found.Forms()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	for _, found := range []engine.Found{{}, {Name: engine.Unknown}, {Name: engine.None}} {
		if found.Forms() != (plan.Forms{}) || found.IsKnown() {
			t.Errorf("%+v is known, or takes not all forms", found)
		}
	}
}

func TestANameThatIsLeftOutIsTold(t *testing.T) {
	t.Parallel()
	p := &plan.Plan{LeftOut: []plan.LeftOut{
		{Dependency: "web-api", Direction: networkingv1.PolicyTypeEgress, Port: "http/TCP"},
		{Dependency: "web-api", Direction: networkingv1.PolicyTypeIngress, Port: "http/TCP"},
		{Direction: networkingv1.PolicyTypeEgress, Port: "dns/UDP"},
	}}
	const why = "which opens nothing: weave-net refuses a policy with the name of a port whole, and no one number stands for it on " +
		"the pods that are called; give its number, in the dependency or as the targetPort of the Service"
	want := []string{
		"dependency web-api becomes narrower by the port name http/TCP, " + why, "name resolution becomes narrower by the port name dns/UDP, " + why,
	}
	findings := engine.Findings(p, engine.Found{Name: engine.WeaveNet}, &addresses.Cluster{})
	got := make([]string, 0, len(findings))
	for _, f := range findings {
		if got = append(got, f.Message); f.Effect != engine.Closes {
			t.Errorf("%s: %s", f.Message, f.Effect)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestBriefFindings(t *testing.T) {
	t.Parallel()
	f := func(dependency string, feature engine.Feature, effect engine.Effect, message string) engine.Finding {
		return engine.Finding{Dependency: dependency, Feature: feature, Effect: effect, Message: message}
	}
	got := engine.Brief([]engine.Finding{
		f("a", engine.NamesEgress, engine.Closes, "one"), f("a", engine.EndPort, engine.Closes, "two"), f("a", engine.NamesIngress, engine.Closes, "three"),
		f("b", engine.NamesEgress, engine.Closes, "four"), f("a", engine.NamesEgress, engine.Opens, "five"), f("a", engine.NamesEgress, engine.Closes, "six"),
	})
	want := []engine.Finding{
		f("a", engine.NamesEgress, engine.Closes, "one (and 2 more of its ports or addresses)"), f("a", engine.EndPort, engine.Closes, "two"),
		f("b", engine.NamesEgress, engine.Closes, "four"), f("a", engine.NamesEgress, engine.Opens, "five"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestWhatIsKeptTellsTheSame: a cache that keeps a little of each pod finds the same engine.
func TestWhatIsKeptTellsTheSame(t *testing.T) {
	t.Parallel()
	for _, arg := range []string{"--enable-network-policy=true", "--enable-network-policy=false"} {
		pod := daemon("k8s-app=aws-node", "agent:v1.2.0", "aws-eks-nodeagent", "--token=SECRET", arg)
		want := engine.Detect([]corev1.Pod{pod})
		pod.Spec.Containers[0] = engine.Kept(&pod.Spec.Containers[0])
		if diff := cmp.Diff(want, engine.Detect([]corev1.Pod{pod})); diff != "" {
			t.Errorf("%s (-whole +kept):\n%s", arg, diff)
		}
		if strings.Contains(strings.Join(pod.Spec.Containers[0].Args, " "), "SECRET") {
			t.Error("an argument is kept that nobody reads")
		}
	}
}
