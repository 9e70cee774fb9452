package render_test

import (
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/reach"
	"github.com/segmentation-dev/segmentation-operator/internal/render"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// recipe is one of the collection ahmetb/kubernetes-network-policy-recipes.
type recipe struct {
	// outside is the reason why no profile says what the recipe says; empty if one does: then
	// it is in docs/recipes.md.
	outside string
	// policy is the recipe's own policy, as a spec. Its namespace is default.
	policy string
	// says is what the recipe is about: flows on port 80, and whether they pass.
	says map[string]said
	// closed chooses the pods that the recipe closes in one direction; empty for all.
	closed map[string]string
	// egress is set if that direction is egress.
	egress bool
}

type said struct {
	from, to string
	port     int32
	passes   bool
}

// Pods are named for their namespace and labels: see recipeEnds.
func recipes() map[string]recipe {
	web := map[string]string{"app": "web"}
	foo := map[string]string{"app": "foo"}
	return map[string]recipe{
		"01": {
			policy: `{podSelector: {matchLabels: {app: web}}, ingress: []}`,
			closed: web,
			says: map[string]said{
				"a pod of the namespace":     {"default/", "default/app=web", 80, false},
				"a pod of another namespace": {"dev/", "default/app=web", 80, false},
				"a client outside":           {"203.0.113.1", "default/app=web", 80, false},
				"another application":        {"default/", "default/app=other", 80, true},
			},
		},
		"02": {
			policy: `{podSelector: {matchLabels: {app: bookstore, role: api}}, ingress: [{from: [{podSelector: {matchLabels: {app: bookstore}}}]}]}`,
			closed: map[string]string{"app": "bookstore", "role": "api"},
			says: map[string]said{
				"the frontend of the bookstore": {"default/app=bookstore,role=search", "default/app=bookstore,role=api", 80, true},
				"another pod":                   {"default/", "default/app=bookstore,role=api", 80, false},
				"a bookstore elsewhere":         {"dev/app=bookstore,role=api", "default/app=bookstore,role=api", 80, false},
			},
		},
		"02a": {
			policy: `{podSelector: {matchLabels: {app: web}}, ingress: [{}]}`,
			closed: web,
			says: map[string]said{
				"a pod of the namespace":     {"default/", "default/app=web", 80, true},
				"a pod of another namespace": {"dev/", "default/app=web", 8000, true},
				"a client outside":           {"203.0.113.1", "default/app=web", 80, true},
			},
		},
		"03": {
			policy: `{podSelector: {}, ingress: []}`,
			says: map[string]said{
				"a pod of the namespace":     {"default/", "default/app=web", 80, false},
				"a pod of another namespace": {"prod/", "default/", 80, false},
				"a client outside":           {"203.0.113.1", "default/app=web", 80, false},
			},
		},
		"04": {
			policy: `{podSelector: {matchLabels: }, ingress: [{from: [{podSelector: {}}]}]}`,
			says: map[string]said{
				"a pod of the namespace":     {"default/", "default/app=web", 80, true},
				"a pod of another namespace": {"dev/", "default/app=web", 80, false},
				"a client outside":           {"203.0.113.1", "default/app=web", 80, false},
			},
		},
		"05": {
			policy: `{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{namespaceSelector: {}}]}]}`,
			closed: web,
			says: map[string]said{
				"a pod of the namespace":     {"default/", "default/app=web", 80, true},
				"a pod of another namespace": {"dev/", "default/app=web", 80, true},
				"a client outside":           {"203.0.113.1", "default/app=web", 80, false},
			},
		},
		"06": {
			policy: `{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{namespaceSelector: {matchLabels: {purpose: production}}}]}]}`,
			closed: web,
			says: map[string]said{
				"a pod of production":    {"prod/", "default/app=web", 80, true},
				"a pod of testing":       {"dev/", "default/app=web", 80, false},
				"a pod of the namespace": {"default/", "default/app=web", 80, false},
			},
		},
		"07": {
			policy: `{podSelector: {matchLabels: {app: web}}, ingress: [{from: [
				{namespaceSelector: {matchLabels: {team: operations}}, podSelector: {matchLabels: {type: monitoring}}}]}]}`,
			closed: web,
			says: map[string]said{
				"both labels":                       {"other/type=monitoring", "default/app=web", 80, true},
				"the pod's label in the wrong team": {"default/type=monitoring", "default/app=web", 80, false},
				"another pod of the team":           {"other/", "default/app=web", 80, false},
				"neither label":                     {"default/", "default/app=web", 80, false},
			},
		},
		"08": {
			policy: `{podSelector: {matchLabels: {app: web}}, ingress: [{}]}`,
			closed: web,
			says: map[string]said{
				"a client outside":           {"203.0.113.1", "default/app=web", 80, true},
				"a client outside, IPv6":     {"2001:db8::1", "default/app=web", 80, true},
				"a pod of another namespace": {"dev/", "default/app=web", 80, true},
			},
		},
		"09": {
			policy: `{podSelector: {matchLabels: {app: apiserver}}, ingress: [{ports: [{port: 5000}], from: [{podSelector: {matchLabels: {role: monitoring}}}]}]}`,
			closed: map[string]string{"app": "apiserver"},
			says: map[string]said{
				"monitoring on its port":       {"default/role=monitoring", "default/app=apiserver", 5000, true},
				"monitoring on another port":   {"default/role=monitoring", "default/app=apiserver", 8000, false},
				"another pod on that port":     {"default/", "default/app=apiserver", 5000, false},
				"monitoring of somewhere else": {"dev/role=monitoring", "default/app=apiserver", 5000, false},
			},
		},
		"10": {
			policy: `{podSelector: {matchLabels: {app: bookstore, role: db}}, ingress: [{from: [
				{podSelector: {matchLabels: {app: bookstore, role: search}}}, {podSelector: {matchLabels: {app: bookstore, role: api}}},
				{podSelector: {matchLabels: {app: inventory, role: web}}}]}]}`,
			closed: map[string]string{"app": "bookstore", "role": "db"},
			says: map[string]said{
				"search":      {"default/app=bookstore,role=search", "default/app=bookstore,role=db", 6379, true},
				"api":         {"default/app=bookstore,role=api", "default/app=bookstore,role=db", 6379, true},
				"catalog":     {"default/app=inventory,role=web", "default/app=bookstore,role=db", 6379, true},
				"another pod": {"default/app=other", "default/app=bookstore,role=db", 6379, false},
			},
		},
		"11": {
			policy: `{podSelector: {matchLabels: {app: foo}}, policyTypes: [Egress], egress: []}`,
			closed: foo,
			egress: true,
			says: map[string]said{
				"to an application":             {"default/app=foo", "default/app=web", 80, false},
				"to outside":                    {"default/app=foo", "203.0.113.1", 80, false},
				"to resolve names":              {"default/app=foo", "kube-system/k8s-app=kube-dns", 53, false},
				"another one, to resolve names": {"default/app=other", "kube-system/k8s-app=kube-dns", 53, true},
			},
		},
		"12": {
			policy: `{podSelector: {}, policyTypes: [Egress], egress: []}`,
			egress: true,
			says: map[string]said{
				"to an application": {"default/", "default/app=web", 80, false},
				"to outside":        {"default/app=foo", "203.0.113.1", 80, false},
				"to resolve names":  {"default/", "kube-system/k8s-app=kube-dns", 53, false},
			},
		},
		"14": {
			// As the recipe's text has it; its manifest allows name resolution alone.
			policy: `{podSelector: {matchLabels: {app: foo}}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {}}]}]}`,
			closed: foo,
			egress: true,
			says: map[string]said{
				"to a pod elsewhere": {"default/app=foo", "dev/", 80, true},
				"to resolve names":   {"default/app=foo", "kube-system/k8s-app=kube-dns", 53, true},
				"to outside":         {"default/app=foo", "203.0.113.1", 80, false},
				"to outside, IPv6":   {"default/app=foo", "2001:db8::1", 443, false},
			},
		},
	}
}

const recipesPage = "../../docs/recipes.md"

func TestRecipes(t *testing.T) {
	t.Parallel()
	page := readPage(t)
	for number, r := range recipes() {
		t.Run(number, func(t *testing.T) {
			t.Parallel()
			if r.outside != "" {
				t.Skipf("outside a tier model: %s", r.outside)
			}
			own := recipeCluster(t, nil, r.policyObject(t))
			declared := page.spec(t, number)
			profile := profileCluster(t, declared)
			declared.Dependencies = append(declared.Dependencies, r.leftOpen()...)
			inFull := profileCluster(t, declared)

			ends := recipeEnds()
			for name, s := range r.says {
				flow := reach.Flow{From: ends[s.from], To: ends[s.to], Protocol: corev1.ProtocolTCP, Port: s.port}
				for judge, cluster := range map[string]*reach.Cluster{"recipe": own, "profile": profile, "profile in full": inFull} {
					if got := cluster.Allowed(flow).Allowed(); got != s.passes {
						t.Errorf("%s, by the %s: %s passes: %v, want %v", name, judge, text(flow), got, s.passes)
					}
				}
			}
			for _, flow := range recipeFlows() {
				want := own.Allowed(flow).Allowed()
				if profile.Allowed(flow).Allowed() && !want {
					t.Errorf("%s passes by the profile, and not by the recipe", text(flow))
				}
				if got := inFull.Allowed(flow).Allowed(); got != want {
					t.Errorf("%s passes by the profile in full: %v, by the recipe: %v", text(flow), got, want)
				}
			}
		})
	}
}

// The page's counts and its table are those of the tests.
func TestThePageOfRecipesCountsThem(t *testing.T) {
	t.Parallel()
	page := readPage(t)
	expressed := 0
	wantRows := map[string]string{}
	for number, r := range recipes() {
		wantRows[number] = "no"
		if r.outside == "" {
			wantRows[number] = "yes"
			expressed++
		}
	}
	gotRows := map[string]string{}
	for _, row := range regexp.MustCompile(`(?m)^\| \[(\w+)\]\(#(\w+)\) [^|]+ \| (yes|no) \| [^|]+ \|$`).FindAllStringSubmatch(string(page), -1) {
		gotRows[row[1]] = row[3]
		if row[1] != row[2] {
			t.Errorf("the row of %s leads to %s", row[1], row[2])
		}
	}
	if diff := cmp.Diff(wantRows, gotRows); diff != "" {
		t.Errorf("rows of the table (-want +got):\n%s", diff)
	}
	if want := fmt.Sprintf("%d of %d are expressed as a profile", expressed, len(wantRows)); !strings.Contains(string(page), want) {
		t.Errorf("the page does not say %q", want)
	}
}

// What the page shows as left open is what the tests leave open.
func TestThePageOfRecipesShowsWhatIsLeftOpen(t *testing.T) {
	t.Parallel()
	shown := map[string]v1alpha1.Dependency{}
	for _, d := range readPage(t).fragment(t, "open").Dependencies {
		shown[string(d.Name)] = d
	}
	tested := map[string]v1alpha1.Dependency{}
	for _, d := range recipes()["06"].leftOpen() {
		d.Name = v1alpha1.Name(strings.TrimSuffix(string(d.Name), "-app"))
		tested[string(d.Name)] = d
	}
	if diff := cmp.Diff(tested, shown); diff != "" {
		t.Errorf("left open by recipe 06 (-tested +shown):\n%s", diff)
	}
}

// recipesDocument is the page's text.
type recipesDocument string

func readPage(t *testing.T) recipesDocument {
	t.Helper()
	raw, err := os.ReadFile(recipesPage)
	if err != nil {
		t.Fatal(err)
	}
	return recipesDocument(raw)
}

// fragment is the YAML under a heading.
func (d recipesDocument) fragment(t *testing.T, heading string) v1alpha1.SegmentationProfileSpec {
	t.Helper()
	_, rest, found := strings.Cut(string(d), "\n### "+heading+"\n")
	_, rest, begins := strings.Cut(rest, "\n```yaml\n")
	source, _, ends := strings.Cut(rest, "\n```\n")
	if !found || !begins || !ends {
		t.Fatalf("the page has no YAML under the heading %s", heading)
	}
	var spec v1alpha1.SegmentationProfileSpec
	if err := yaml.UnmarshalStrict([]byte(source), &spec); err != nil {
		t.Fatalf("under %s: %v", heading, err)
	}
	return spec
}

// spec is the YAML of a recipe, with the common part.
func (d recipesDocument) spec(t *testing.T, number string) v1alpha1.SegmentationProfileSpec {
	t.Helper()
	common, own := d.fragment(t, "common"), d.fragment(t, number)
	if own.Tiers == nil {
		own.Tiers = common.Tiers
	}
	own.Peers = append(own.Peers, common.Peers...)
	return own
}

func (r recipe) policyObject(t *testing.T) *networkingv1.NetworkPolicy {
	t.Helper()
	policy := builders.MakeNetworkPolicy("default", "recipe").Obj()
	if err := yaml.UnmarshalStrict([]byte(r.policy), &policy.Spec); err != nil {
		t.Fatal(err)
	}
	return policy
}

// leftOpen declares what the recipe is not about: one direction of all pods, and the other
// of those that it does not close. A pod is not one of app=a,role=b if it is not of app=a,
// or not of role=b.
func (r recipe) leftOpen() []v1alpha1.Dependency {
	out := []v1alpha1.Dependency{r.open("to", "cluster", "", nil), r.open("to", "world", "", nil)}
	if r.egress {
		out = []v1alpha1.Dependency{r.open("from", "cluster", "", nil), r.open("from", "world", "", nil)}
	}
	for key, value := range r.closed {
		others := builders.LabelSelector(nil, builders.NotIn(key, value))
		if r.egress {
			out = append(out, r.open("to", "cluster", "-"+key, others), r.open("to", "world", "-"+key, others))
		} else {
			out = append(out, r.open("from", "cluster", "-"+key, others), r.open("from", "world", "-"+key, others))
		}
	}
	return out
}

func (recipe) open(direction, peer, suffix string, pods *v1alpha1.LabelSelector) v1alpha1.Dependency {
	d := builders.MakeDependency(direction + "-" + peer + suffix)
	if direction == "to" {
		out := d.FromTier("app").ToPeer(peer).Obj()
		out.From.Pods = pods
		return out
	}
	out := d.FromPeer(peer).ToTier("app").Obj()
	out.To.Pods = pods
	return out
}

func profileCluster(t *testing.T, spec v1alpha1.SegmentationProfileSpec) *reach.Cluster {
	t.Helper()
	objects := mustRender(t, builders.MakeProfile("recipe").Spec(spec).Obj())
	return recipeCluster(t, render.MembershipLabels("recipe", "app"), objects["app"].In("default").Policies...)
}

func recipeCluster(t *testing.T, membership map[string]string, policies ...*networkingv1.NetworkPolicy) *reach.Cluster {
	t.Helper()
	cluster, err := reach.New([]reach.Namespace{
		{Name: "default", Labels: membership},
		{Name: "prod", Labels: map[string]string{"purpose": "production"}},
		{Name: "dev", Labels: map[string]string{"purpose": "testing"}},
		{Name: "other", Labels: map[string]string{"team": "operations"}},
		{Name: "kube-system"},
	}, policies)
	if err != nil {
		t.Fatal(err)
	}
	return cluster
}

// recipeEnds are the pods of all recipes, by namespace and labels, and addresses outside.
func recipeEnds() map[string]reach.Endpoint {
	pods := map[string][]string{
		"default": {
			"", "app=web", "app=other", "app=foo", "app=apiserver", "role=monitoring", "type=monitoring", "role=api", "app=inventory,role=web",
			"app=bookstore,role=api", "app=bookstore,role=search", "app=bookstore,role=db", "app=inventory,role=db",
		},
		"prod":        {"", "app=web"},
		"dev":         {"", "role=monitoring", "app=bookstore,role=api"},
		"other":       {"", "type=monitoring"},
		"kube-system": {"", "k8s-app=kube-dns"},
	}
	out := map[string]reach.Endpoint{}
	for namespace, of := range pods {
		for _, labels := range of {
			pod := &reach.Pod{
				Namespace: namespace, Name: "pod-" + labels, Labels: map[string]string{},
				IPs: []netip.Addr{netip.AddrFrom4([4]byte{10, byte(len(namespace)), 0, byte(len(out))})},
			}
			for label := range strings.SplitSeq(labels, ",") {
				if key, value, found := strings.Cut(label, "="); found {
					pod.Labels[key] = value
				}
			}
			out[namespace+"/"+labels] = reach.Endpoint{Pod: pod}
		}
	}
	for _, ip := range []string{"203.0.113.1", "2001:db8::1"} {
		out[ip] = reach.Endpoint{IP: netip.MustParseAddr(ip)}
	}
	return out
}

// recipeFlows are all flows between the ends, both ways.
func recipeFlows() []reach.Flow {
	ends := recipeEnds()
	out := make([]reach.Flow, 0, 6*len(ends)*len(ends))
	for _, from := range ends {
		for _, to := range ends {
			for _, port := range []int32{53, 80, 5000, 6379, 8000} {
				out = append(out, reach.Flow{From: from, To: to, Protocol: corev1.ProtocolTCP, Port: port})
			}
			out = append(out, reach.Flow{From: from, To: to, Protocol: corev1.ProtocolUDP, Port: 53})
		}
	}
	return out
}
