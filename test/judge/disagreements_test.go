package judge

import (
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/internal/reach"
)

// The cast: two pods of a shop, one with a label and one without any; one in another
// namespace that nobody labelled; and one with an address of the other family.
var (
	web   = &reach.Pod{Namespace: "shop", Name: "web", Labels: map[string]string{"app": "web"}, IPs: parsed("10.0.0.1")}
	plain = &reach.Pod{Namespace: "shop", Name: "plain", IPs: parsed("10.0.0.2")}
	other = &reach.Pod{Namespace: "bare", Name: "other", IPs: parsed("10.0.0.3")}
	six   = &reach.Pod{Namespace: "shop", Name: "six", IPs: parsed("fd00::1")}

	cast = world{
		namespaces: []reach.Namespace{{Name: "shop", Labels: map[string]string{"team": "shop"}}, {Name: "bare"}},
		pods:       []*reach.Pod{web, plain, other, six},
	}
)

var (
	passes      = verdict{egress: true, ingress: true}
	onlyEgress  = verdict{egress: true}
	onlyIngress = verdict{ingress: true}
)

// call is a flow between two of the cast, on 80/TCP.
func call(from, to *reach.Pod) reach.Flow {
	return reach.Flow{From: reach.Endpoint{Pod: from}, To: reach.Endpoint{Pod: to}, Port: 80}
}

// Every kind of disagreement that the API server lets arise. Reach is right in all of them;
// where a restatement is named, cyclonus agrees once it is told in other words.
var disagreements = map[string]struct {
	// source is what the documentation says about it.
	source   string
	policies string
	flow     reach.Flow
	reach    verdict
	cyclonus verdict
	restated *restatement
}{
	"NotIn applies a policy to a pod that has not got the key": {
		source: `Labels and Selectors, set-based requirement: "tier notin (frontend, backend)" selects also "all resources with no labels
with the tier key". labels.Requirement.Matches: "The operator is DoesNotExist or NotIn and Labels does not have the Requirement's key."
Cyclonus refers to the same page and reads the contrary.`,
		policies: `
metadata: {namespace: shop}
spec:
  podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [db]}]}
  policyTypes: [Ingress]`,
		flow: call(web, plain), reach: onlyEgress, cyclonus: passes, restated: &notIn,
	},
	"NotIn in a peer's podSelector lets in a pod that has not got the key": {
		source: "The same.",
		policies: `
metadata: {namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress: [{from: [{podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [db]}]}}]}]`,
		flow: call(plain, web), reach: passes, cyclonus: onlyEgress, restated: &notIn,
	},
	"NotIn in a peer's namespaceSelector lets in a namespace that has not got the key": {
		source: "The same.",
		policies: `
metadata: {namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: team, operator: NotIn, values: [ops]}]}}]}]`,
		flow: call(other, web), reach: passes, cyclonus: onlyEgress, restated: &notIn,
	},
	"an empty value in matchLabels does not apply a policy to a pod that has not got the key": {
		source: `LabelSelector.matchLabels: "A single {key,value} in the matchLabels map is equivalent to an element of matchExpressions, whose
key field is "key", the operator is "In", and the values array contains only "value"." labels.Requirement.Matches: "The operator is In,
Labels has the Requirement's key and Labels' value for that key is in Requirement's value set." Cyclonus compares with the
value that Go gives for an absent key, and reads In itself as documented.`,
		policies: `
metadata: {namespace: shop}
spec:
  podSelector: {matchLabels: {app: ""}}
  policyTypes: [Egress]`,
		flow: call(plain, web), reach: passes, cyclonus: onlyIngress, restated: &emptyValue,
	},
	"an empty value in a peer's matchLabels does not let in a pod that has not got the key": {
		source: "The same.",
		policies: `
metadata: {namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress: [{from: [{namespaceSelector: {matchLabels: {team: ""}}}, {podSelector: {matchLabels: {app: ""}}}]}]`,
		flow: call(plain, web), reach: onlyEgress, cyclonus: passes, restated: &emptyValue,
	},
	"a pod reaches itself, whatever policies say": {
		source: `Network Policies: "Other pods that are allowed (exception: a pod cannot block access to itself)". Cyclonus is told labels
and addresses of the ends, and cannot know that they are one pod.`,
		policies: `
metadata: {namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]`,
		flow: call(web, web), reach: passes, cyclonus: verdict{},
	},
	"pods without addresses of one family do not meet in a block": {
		source: `NetworkPolicyPeer.ipBlock speaks of the address of the traffic, and there is none with this address. Nothing is documented
about a connection that cannot be opened; reach takes the answer that opens less.`,
		policies: `
metadata: {namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]`,
		flow: call(web, six), reach: onlyEgress, cyclonus: passes, restated: &noRoute,
	},
}

func TestKnownDisagreements(t *testing.T) {
	t.Parallel()
	for name, tt := range disagreements {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := castWith(t, tt.policies)
			mine, err := ours(w)
			if err != nil {
				t.Fatal(err)
			}
			if got := mine(tt.flow); got != tt.reach {
				t.Errorf("reach says %+v, want %+v by the documentation: %s", got, tt.reach, tt.source)
			}
			if got := theirs(w)(tt.flow); got != tt.cyclonus {
				t.Errorf("cyclonus says %+v, want %+v: if it has changed its mind, this case may go", got, tt.cyclonus)
			}
			if tt.restated == nil {
				return
			}
			if got := theirs(w, *tt.restated)(tt.flow); got != tt.reach {
				t.Errorf("cyclonus says %+v in other words, want %+v", got, tt.reach)
			}
		})
	}
}

// castWith is the cast with policies from YAML documents.
func castWith(t *testing.T, documents string) *world {
	t.Helper()
	w := cast
	for document := range strings.SplitSeq(documents, "\n---") {
		policy := &networkingv1.NetworkPolicy{}
		if err := yaml.UnmarshalStrict([]byte(document), policy); err != nil {
			t.Fatalf("%v in %s", err, document)
		}
		w.policies = append(w.policies, policy)
	}
	return &w
}
