package engine_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/segmentation-dev/segmentation-operator/internal/addresses"
	"github.com/segmentation-dev/segmentation-operator/internal/engine"
	"github.com/segmentation-dev/segmentation-operator/internal/plan"
)

func TestWhatIsSaidOfAnEngineHasASource(t *testing.T) {
	t.Parallel()
	for _, name := range engine.Names() {
		for _, feature := range engine.Features() {
			cell := engine.Of(name, feature)
			if cell.Reading != engine.Unread && len(cell.Sources) == 0 {
				t.Errorf("%s, %s: %s, and no source says it", name, feature, cell.Reading)
			}
			says := cell.What != ""
			if isPlain := cell.Reading == engine.Enforced || cell.Reading == engine.Unread; isPlain == says {
				t.Errorf("%s, %s: %s, and in words %q", name, feature, cell.Reading, cell.What)
			}
			if (cell.Before == "") != (cell.BeforeWhat == "") || cell.Before != "" && cell.Since == "" {
				t.Errorf("%s, %s: what was before a version needs words and the version: %+v", name, feature, cell)
			}
		}
	}
	if cell := engine.Of(engine.Unknown, engine.EndPort); cell.Reading != engine.Unread {
		t.Errorf("of an engine that is not known: %+v", cell)
	}
}

// daemon is a pod of a DaemonSet in kube-system.
func daemon(label, image, container string, args ...string) corev1.Pod {
	key, value, _ := strings.Cut(label, "=")
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "kube-system", Name: value + "-x", Labels: map[string]string{key: value},
			OwnerReferences: []metav1.OwnerReference{{Kind: "DaemonSet", Name: value}},
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: container, Image: image, Args: args}}},
	}
}

func TestTheEngineIsFoundAmongThePods(t *testing.T) {
	t.Parallel()
	calico := daemon("k8s-app=calico-node", "docker.io/calico/node:v3.30.1", "calico-node")
	bare := calico
	bare.OwnerReferences = nil
	deployed := calico
	deployed.OwnerReferences = []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "calico-node"}}
	elsewhere := calico
	elsewhere.Namespace = "shop"
	ended := calico
	ended.Status.Phase = corev1.PodFailed
	flannel := daemon("app=flannel", "flannel:v0.27.0", "kube-flannel")
	tests := map[string]struct {
		pods    []corev1.Pod
		want    engine.Name
		version string
	}{
		"Calico, with the version of its image": {[]corev1.Pod{calico}, engine.Calico, "3.30.1"},
		"Canal is Calico":                       {[]corev1.Pod{daemon("k8s-app=canal", "calico/node", "calico-node")}, engine.Calico, ""},
		"Cilium, by a registry with a port and a digest": {
			[]corev1.Pod{daemon("k8s-app=cilium", "registry:5000/cilium/cilium:v1.15.4@sha256:0", "cilium-agent")}, engine.Cilium, "1.15.4",
		},
		"the oldest version, as long as there are several": {[]corev1.Pod{
			daemon("k8s-app=cilium", "cilium:v1.16.0", "cilium-agent"), daemon("k8s-app=cilium", "cilium:v1.15.0", "cilium-agent"),
		}, engine.Cilium, "1.15.0"},
		"Weave Net with its policy controller": {[]corev1.Pod{daemon("name=weave-net", "weave-npc:2.8.1", "weave-npc")}, engine.WeaveNet, "2.8.1"},
		"Weave Net without it":                 {[]corev1.Pod{daemon("name=weave-net", "weave:2.8.1", "weave")}, engine.Unknown, ""},
		"kube-router":                          {[]corev1.Pod{daemon("k8s-app=kube-router", "kube-router:v2.9.0", "kube-router")}, engine.KubeRouter, "2.9.0"},
		"kube-router for routes only": {
			[]corev1.Pod{daemon("k8s-app=kube-router", "kube-router", "kube-router", "--run-firewall=false")}, engine.Unknown, "",
		},
		"Antrea":         {[]corev1.Pod{daemon("component=antrea-agent", "antrea/antrea-agent:v2.3.0", "antrea-agent")}, engine.Antrea, "2.3.0"},
		"OVN-Kubernetes": {[]corev1.Pod{daemon("app=ovnkube-node", "ovn", "ovn-controller")}, engine.OVNKubernetes, ""},
		"the agent of the VPC CNI, switched on": {
			[]corev1.Pod{daemon("k8s-app=aws-node", "agent:v1.2.0", "aws-eks-nodeagent", "--enable-network-policy=true")}, engine.AWS, "1.2.0",
		},
		"the agent of the VPC CNI, as it is by itself": {
			[]corev1.Pod{daemon("k8s-app=aws-node", "agent:v1.2.0", "aws-eks-nodeagent", "--enable-network-policy=false")}, engine.None, "",
		},
		"the engine of kubernetes-sigs": {
			[]corev1.Pod{daemon("k8s-app=kube-network-policies", "kube-network-policies:v0.9.1", "kube-network-policies")}, engine.KubeNetworkPolicies, "0.9.1",
		},
		"flannel by itself":                      {[]corev1.Pod{flannel}, engine.None, ""},
		"flannel beside an engine":               {[]corev1.Pod{flannel, calico}, engine.Calico, "3.30.1"},
		"flannel beside one that is not in here": {[]corev1.Pod{flannel, daemon("k8s-app=azure-npm", "azure-npm:v1.4.1", "azure-npm")}, engine.Unknown, ""},
		"two engines":                            {[]corev1.Pod{calico, daemon("k8s-app=cilium", "cilium", "cilium-agent")}, engine.Unknown, ""},
		"nothing":                                {nil, engine.Unknown, ""},
		"an engine beside one that is not in here": {
			[]corev1.Pod{calico, daemon("k8s-app=azure-npm", "azure-npm:v1.4.1", "azure-npm")}, engine.Unknown, "",
		},
		"a pod that only bears the label": {[]corev1.Pod{bare}, engine.Unknown, ""},
		"a pod of a Deployment":           {[]corev1.Pod{deployed}, engine.Unknown, ""},
		"a pod in a namespace of tenants": {[]corev1.Pod{elsewhere}, engine.Unknown, ""},
		"a pod that has ended":            {[]corev1.Pod{ended}, engine.Unknown, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i := range tc.pods {
				if p := &tc.pods[i]; engine.Detect([]corev1.Pod{*p}).Name != engine.Unknown && !engine.Tells(p) {
					t.Errorf("%s tells which engine there is, and is not taken to", p.Name)
				}
			}
			got := engine.Detect(tc.pods)
			if got.Name != tc.want || got.Version != tc.version || got.Why == "" {
				t.Errorf("found %+v, want %s %q", got, tc.want, tc.version)
			}
		})
	}
}

func port(protocol corev1.Protocol, of intstr.IntOrString, end ...int32) networkingv1.NetworkPolicyPort {
	out := networkingv1.NetworkPolicyPort{Protocol: &protocol, Port: &of}
	if len(end) > 0 {
		out.EndPort = &end[0]
	}
	return out
}

// shop is a plan with one of everything that engines differ in.
func shop() *plan.Plan {
	pods := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "db"}}
	name := []networkingv1.NetworkPolicyPort{port("TCP", intstr.FromString("http"))}
	ranged := []networkingv1.NetworkPolicyPort{port("TCP", intstr.FromInt32(8000), 8010)}
	signal := []networkingv1.NetworkPolicyPort{port("SCTP", intstr.FromInt32(3868))}
	out, in := networkingv1.PolicyTypeEgress, networkingv1.PolicyTypeIngress
	blocks := func(cidr string, except ...string) plan.Party {
		return plan.Party{CIDRs: []networkingv1.IPBlock{{CIDR: cidr, Except: except}}}
	}
	return &plan.Plan{Tiers: []plan.Tier{
		{Name: "web", Rules: []plan.Rule{
			{Dependency: "web-api", Direction: out, Remote: plan.Party{Tier: "api"}, Ports: name},
			{Dependency: "batch", Direction: out, Remote: plan.Party{Tier: "api"}, Ports: ranged},
			{Dependency: "to-pods", Direction: out, Remote: blocks("10.244.1.0/24")},
			{Dependency: "to-most-pods", Direction: out, Remote: blocks("10.244.0.0/16", "10.244.2.0/24")},
			{Dependency: "one-port", Direction: out, Remote: plan.Party{Tier: "api"}, Ports: []networkingv1.NetworkPolicyPort{
				port("TCP", intstr.FromInt32(8000), 8000),
			}},
			{Dependency: "to-nodes", Direction: out, Remote: blocks("192.0.2.7/32")},
			{Dependency: "to-internet", Direction: out, Remote: blocks("0.0.0.0/0", "10.0.0.0/8", "192.0.2.0/24")},
		}},
		{Name: "api", Rules: []plan.Rule{
			{Dependency: "web-api", Direction: in, Remote: plan.Party{Tier: "web"}, Ports: name},
			{Dependency: "batch", Direction: in, Remote: plan.Party{Tier: "web"}, Ports: ranged},
			{Dependency: "db", Direction: in, Pods: pods, Remote: plan.Party{Tier: "web"}, Ports: name},
			{Dependency: "signals", Direction: in, Remote: plan.Party{Tier: "web"}, Ports: signal},
			{Dependency: "not-looked-up", Direction: in, Service: "db", Remote: plan.Party{Tier: "web"}, Ports: name},
		}},
	}}
}

func TestWhatAnEngineMakesOfAPlan(t *testing.T) {
	t.Parallel()
	const number = "; give its number, in the dependency or as the targetPort of the Service"
	tests := map[string]struct {
		engine engine.Found
		want   []engine.Finding
	}{
		"Weave Net refuses the policies of names, and opens the first port of a range": {engine.Found{Name: engine.WeaveNet}, []engine.Finding{
			{Dependency: "web-api", Effect: engine.Opens, Message: "dependency web-api becomes wider by the port name http/TCP: weave-net refuses a policy with the name of a " +
				"port whole: then nothing isolates the pods of tier web" + number},
			{Dependency: "batch", Effect: engine.Closes, Message: "dependency batch becomes narrower by the ports 8000-8010/TCP: weave-net knows no port ranges, and opens " +
				"only the first port; list the ports one by one"},
			{Dependency: "web-api", Effect: engine.Opens, Message: "dependency web-api becomes wider by the port name http/TCP: weave-net refuses a policy with the name of a " +
				"port whole: then nothing isolates the pods of tier api" + number},
			{Dependency: "db", Effect: engine.Closes, Message: "dependency db becomes narrower by the port name http/TCP: weave-net refuses a policy with the name of a " +
				"port whole: then nothing of this dependency passes" + number},
		}},
		"OVN-Kubernetes opens all ports for a name, which is told once for both sides": {engine.Found{Name: engine.OVNKubernetes}, []engine.Finding{
			{Dependency: "web-api", Effect: engine.Opens, Message: "dependency web-api becomes wider by the port name http/TCP: ovn-kubernetes opens every port of the protocol " +
				"for the name of a port" + number},
			{Dependency: "db", Effect: engine.Opens, Message: "dependency db becomes wider by the port name http/TCP: ovn-kubernetes opens every port of the protocol " +
				"for the name of a port" + number},
		}},
		"Cilium of today": {engine.Found{Name: engine.Cilium, Version: "1.18.0"}, []engine.Finding{
			{Dependency: "web-api", Effect: engine.Closes, Message: "dependency web-api becomes narrower by the port name http/TCP: cilium takes one number for a name where " +
				"pods of the called side that look alike give it several" + number},
			{Dependency: "to-pods", Effect: engine.Closes, Message: "dependency to-pods becomes narrower by the addresses of pods in 10.244.1.0/24: cilium knows pods by " +
				"their labels, and matches no address range with them; choose these pods by namespaces and labels: as a tier, or a peer with namespaces"},
			{Dependency: "to-most-pods", Effect: engine.Closes, Message: "dependency to-most-pods becomes narrower by the addresses of pods in 10.244.0.0/16: cilium knows pods by " +
				"their labels, and matches no address range with them; choose these pods by namespaces and labels: as a tier, or a peer with namespaces"},
			{Dependency: "to-nodes", Effect: engine.Closes, Message: "dependency to-nodes may become narrower by the addresses of nodes in 192.0.2.7/32: " +
				"cilium matches no address range with nodes, unless policy-cidr-match-mode is nodes; " +
				"set policy-cidr-match-mode: nodes, or allow the nodes or the API server by a CiliumNetworkPolicy with entities"},
			{Dependency: "signals", Effect: engine.Closes, Message: "dependency signals may become narrower by SCTP: cilium passes it only with " +
				"sctp.enabled, which is off by itself; see that it is set in Cilium's Helm values"},
		}},
		"Calico":                   {engine.Found{Name: engine.Calico, Version: "3.30.1"}, nil},
		"an engine that is unread": {engine.Found{Name: engine.Unknown}, nil},
		"none at all": {engine.Found{Name: engine.None, Why: "pods such as kube-flannel/x"}, []engine.Finding{
			{Dependency: "", Effect: engine.Opens, Message: "nothing is isolated, and every flow passes: no engine enforces NetworkPolicies (pods such as kube-flannel/x); install one"},
		}},
	}
	cluster := &addresses.Cluster{
		Pods: []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16")}, Nodes: []netip.Prefix{netip.MustParsePrefix("192.0.2.7/32")},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, engine.Findings(shop(), tc.engine, cluster), cmpopts.IgnoreFields(engine.Finding{}, "Feature")); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestOlderVersions are told of by what they did, and only where the version is known.
func TestOlderVersions(t *testing.T) {
	t.Parallel()
	p := &plan.Plan{DNS: &plan.DNS{Ports: []networkingv1.NetworkPolicyPort{port("UDP", intstr.FromInt32(53), 54)}}, Tiers: []plan.Tier{{Name: "web"}}}
	for version, want := range map[string]int{"1.15.9": 1, "1.16.0": 0, "1.18.2": 0, "": 0} {
		got := engine.Findings(p, engine.Found{Name: engine.Cilium, Version: version}, &addresses.Cluster{})
		if len(got) != want {
			t.Errorf("Cilium %q: %v, want %d", version, got, want)
		}
		if len(got) > 0 && !strings.HasPrefix(got[0].Message, "name resolution becomes narrower by the ports 53-54/UDP: cilium opens only the first") {
			t.Errorf("Cilium %q: %s", version, got[0].Message)
		}
	}
}
