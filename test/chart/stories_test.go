package chart

import "maps"

func stories() map[string]story {
	out := map[string]story{}
	for _, some := range []map[string]story{imageStories(), operatorStories(), policyStories(), partStories(), podStories()} {
		maps.Copy(out, some)
	}
	return out
}

func imageStories() map[string]story {
	return map[string]story{
		"another registry": {
			values: "image: {repository: registry.example.com/operator}",
			want:   []string{container + "image = registry.example.com/operator:latest"},
		},
		"another version": {
			values: "image: {tag: v1.2.3}",
			want:   []string{container + "image = ghcr.io/segmentation-dev/segmentation-operator:v1.2.3"},
		},
		"a digest wins over a tag": {
			values: "image: {tag: v1.2.3, digest: '" + digest + "'}",
			want:   []string{container + "image = ghcr.io/segmentation-dev/segmentation-operator@" + digest},
		},
		"the image is pulled each time": {
			values: "image: {pullPolicy: Always}", want: []string{container + "imagePullPolicy = Always"},
		},
		"the registry asks for a password": {
			values: "imagePullSecrets: [{name: registry}]", want: []string{pods + "spec.imagePullSecrets[0].name = registry"},
		},
	}
}

func operatorStories() map[string]story {
	flag := container + "args[3] = "
	return map[string]story{
		"three replicas": {values: "replicas: 3", want: []string{deployment + "spec.replicas = 3"}},
		"a single replica could not be drained with a budget": {
			values: "replicas: 1",
			want:   []string{deployment + "spec.replicas = 1", "- PodDisruptionBudget segmentation-system segmentation-operator"},
		},
		"no budget": {
			values: "podDisruptionBudget: {enabled: false}",
			want:   []string{"- PodDisruptionBudget segmentation-system segmentation-operator"},
		},
		"the operator leaves pods alone, and may not list them": {
			values: "watchPods: false",
			want: []string{
				flag + "--watch-pods=false",
				"ClusterRole segmentation-operator-manager: rules[1].resources[1] = services",
				"ClusterRole segmentation-operator-manager: rules[1].resources[2] is gone",
			},
		},
		"a network plugin that does not translate addresses first": {
			values: "matchServiceAddresses: true", want: []string{flag + "--match-service-addresses"},
		},
		"an engine that is not found among the pods": {
			values: "networkEngine: kube-router@2.9", want: []string{flag + "--network-engine=kube-router@2.9"},
		},
		"more is logged": {values: "logLevel: debug", want: []string{flag + "--zap-log-level=debug"}},
		"still more":     {values: "logLevel: 3", want: []string{flag + "--zap-log-level=3"}},
		"any other flag comes last": {
			values: "{logLevel: info, extraArgs: [--concurrency=8]}",
			want:   []string{flag + "--zap-log-level=info", container + "args[4] = --concurrency=8"},
		},
		"profiles may grant nothing but what is labelled for them": {
			values: "grantable: {view: false}",
			want: []string{
				"- ClusterRole segmentation-operator-grantable-view",
				"ClusterRole segmentation-operator-grantable: aggregationRule.clusterRoleSelectors[1].matchLabels." +
					"rbac.authorization.k8s.io/aggregate-to-view is gone",
			},
		},
		"profiles may name another ClusterRole": {
			values: "grantable: {clusterRoles: [edit]}", want: []string{"+ ClusterRole segmentation-operator-grantable-values"},
		},
		"roles of profiles may have more rules": {
			values: "grantable: {rules: [{apiGroups: [apps], resources: [deployments], verbs: [patch]}]}",
			want:   []string{"+ ClusterRole segmentation-operator-grantable-values"},
		},
		"both, in one ClusterRole": {
			values:  "grantable: {clusterRoles: [admin, edit], rules: [{apiGroups: [apps], resources: [deployments], verbs: [get]}]}",
			instead: "grantable: {rules: [{apiGroups: [apps], resources: [deployments], verbs: [list]}]}",
			want: []string{
				"ClusterRole segmentation-operator-grantable-values: rules[0].verbs[0] = get",
				"ClusterRole segmentation-operator-grantable-values: rules[1].apiGroups[0] = rbac.authorization.k8s.io",
				"ClusterRole segmentation-operator-grantable-values: rules[1].resources[0] = clusterroles",
				"ClusterRole segmentation-operator-grantable-values: rules[1].verbs[0] = bind",
				"ClusterRole segmentation-operator-grantable-values: rules[1].resourceNames[0] = admin",
				"ClusterRole segmentation-operator-grantable-values: rules[1].resourceNames[1] = edit",
			},
		},
	}
}

func policyStories() map[string]story {
	out := map[string]story{
		"no admission policies at all": {
			values: "admission: {enabled: false}",
			want: []string{
				"- ValidatingAdmissionPolicy segmentation-operator-boundary-labels",
				"- ValidatingAdmissionPolicy segmentation-operator-managed-objects",
				"- ValidatingAdmissionPolicy segmentation-operator-pod-admission",
				"- ValidatingAdmissionPolicy segmentation-operator-profile-grants",
				"- ValidatingAdmissionPolicyBinding segmentation-operator-boundary-labels",
				"- ValidatingAdmissionPolicyBinding segmentation-operator-managed-objects",
				"- ValidatingAdmissionPolicyBinding segmentation-operator-pod-admission",
				"- ValidatingAdmissionPolicyBinding segmentation-operator-profile-grants",
			},
		},
		"pods are refused while profiles cannot be read": {
			values: "admission: {podAdmissionFailurePolicy: Fail}", want: []string{admission + "failurePolicy = Fail"},
		},
		"another break-glass group": {
			values: "admission: {breakGlassGroup: 'oidc:on-call'}",
			want: []string{
				"ValidatingAdmissionPolicy segmentation-operator-boundary-labels: spec.variables[0].expression = 'oidc:on-call'",
				"ValidatingAdmissionPolicy segmentation-operator-managed-objects: spec.variables[0].expression = 'oidc:on-call'",
			},
		},
		"strict admission leaves protected namespaces alone, by name and by pattern": {
			values: "protectedNamespaces: [openshift-*, vault, 'team-?']",
			want: []string{
				container + "args[3] = --protected-namespaces=kube-system,kube-public,kube-node-lease,openshift-*,vault,team-?",
				admission + "matchConditions[1].name = unprotected",
				admission + "matchConditions[1].expression = !request.namespace.matches('^(openshift-.*|team-.)$')",
				admission + "matchConstraints.namespaceSelector.matchExpressions[0].values[3] = vault",
				admission + "matchConstraints.namespaceSelector.matchExpressions[0].values[4] = segmentation-system",
			},
		},
	}
	for value, policy := range map[string]string{
		"profileGrants": "profile-grants", "boundaryLabels": "boundary-labels",
		"managedObjects": "managed-objects", "podAdmission": "pod-admission",
	} {
		out["without the policy "+policy] = story{
			values: "admission: {" + value + ": false}",
			want: []string{
				"- ValidatingAdmissionPolicy segmentation-operator-" + policy,
				"- ValidatingAdmissionPolicyBinding segmentation-operator-" + policy,
			},
		}
	}
	return out
}

func partStories() map[string]story {
	monitor := "ServiceMonitor segmentation-system segmentation-operator"
	rules := "PrometheusRule segmentation-system segmentation-operator"
	dashboard := "ConfigMap segmentation-system segmentation-operator-dashboard"
	policy := "NetworkPolicy segmentation-system segmentation-operator-metrics"
	return map[string]story{
		"somebody else installs the CRD": {
			values: "crds: {install: false}", want: []string{"- CustomResourceDefinition segmentationprofiles.segmentation.dev"},
		},
		"no room of its own": {
			values: "flowControl: {enabled: false}",
			want: []string{
				"- FlowSchema segmentation-operator", "- FlowSchema segmentation-operator-leader-election",
				"- PriorityLevelConfiguration segmentation-operator",
			},
		},
		"scraped":          {values: "metrics: {serviceMonitor: {enabled: true}}", want: []string{"+ " + monitor}},
		"alerts":           {values: "metrics: {rules: {enabled: true}}", want: []string{"+ " + rules}},
		"a dashboard":      {values: "metrics: {dashboard: {enabled: true}}", want: []string{"+ " + dashboard}},
		"a network policy": {values: "networkPolicy: {enabled: true}", want: []string{"+ " + policy}},
		"all for one's own Prometheus and Grafana": {
			values: `
metrics:
  serviceMonitor: {enabled: true, labels: {release: prometheus}, interval: 15s}
  rules: {enabled: true, labels: {release: prometheus}}
  dashboard: {enabled: true, labels: {grafana_dashboard: "yes"}, annotations: {grafana_folder: Platform}}
networkPolicy: {enabled: true, metricsFrom: [{podSelector: {}}]}
`,
			instead: everything,
			want: []string{
				monitor + ": metadata.labels.release = prometheus",
				monitor + ": spec.endpoints[0].interval = 15s",
				rules + ": metadata.labels.release = prometheus",
				dashboard + ": metadata.labels.grafana_dashboard = yes",
				dashboard + ": metadata.annotations.grafana_folder = Platform",
				policy + ": spec.ingress[0].from[0].podSelector = {}",
				policy + ": spec.ingress[0].from[0].namespaceSelector.matchLabels.metrics is gone",
			},
		},
	}
}

func podStories() map[string]story {
	return map[string]story{
		"more memory": {
			values: "resources: {limits: {memory: 2Gi}}", want: []string{container + "resources.limits.memory = 2Gi"},
		},
		"no limit at all": {
			values: "resources: {limits: null}", want: []string{container + "resources.limits.memory is gone"},
		},
		"pods that go first": {
			values: "priorityClassName: system-cluster-critical", want: []string{pods + "spec.priorityClassName = system-cluster-critical"},
		},
		"on nodes of the control plane": {
			values: `
nodeSelector: {node-role.kubernetes.io/control-plane: ""}
tolerations: [{key: node-role.kubernetes.io/control-plane, operator: Exists}]
affinity: {nodeAffinity: {}}
`,
			want: []string{
				pods + "spec.nodeSelector.node-role.kubernetes.io/control-plane = ",
				pods + "spec.tolerations[0].key = node-role.kubernetes.io/control-plane",
				pods + "spec.tolerations[0].operator = Exists",
				pods + "spec.affinity.nodeAffinity = {}",
			},
		},
		"wherever there is room": {
			values: "topologySpreadConstraints: []",
			want: []string{
				pods + "spec.topologySpreadConstraints[0].labelSelector.matchLabels.app.kubernetes.io/name is gone",
				pods + "spec.topologySpreadConstraints[0].maxSkew is gone",
				pods + "spec.topologySpreadConstraints[0].topologyKey is gone",
				pods + "spec.topologySpreadConstraints[0].whenUnsatisfiable is gone",
			},
		},
		"labels and annotations of pods, but not those by which they are found": {
			values: "{podLabels: {team: net, app.kubernetes.io/name: x}, podAnnotations: {sidecar.istio.io/inject: 'false'}}",
			want: []string{
				pods + "metadata.labels.team = net", pods + "metadata.annotations.sidecar.istio.io/inject = false",
			},
		},
		"a label of one's own on all there is": {
			values:     "commonLabels: {team: net, app.kubernetes.io/name: x}",
			everywhere: "metadata.labels.team = net",
		},
	}
}
