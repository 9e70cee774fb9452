package operator

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/internal/cli"
	"github.com/segmentation-dev/segmentation-operator/internal/offline"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
	"github.com/segmentation-dev/segmentation-operator/test/cluster"
)

// readKinds are the kinds that the command line reads, as rules name them.
func readKinds() map[offline.Kind][2]string {
	return map[offline.Kind][2]string{
		offline.Profiles: {"segmentation.dev", "segmentationprofiles"}, offline.Namespaces: {"", "namespaces"},
		offline.Services: {"", "services"}, offline.EndpointSlices: {"discovery.k8s.io", "endpointslices"}, offline.Nodes: {"", "nodes"},
		offline.ServiceCIDRs: {"networking.k8s.io", "servicecidrs"}, offline.Policies: {"networking.k8s.io", "networkpolicies"},
		offline.Roles: {"rbac.authorization.k8s.io", "roles"}, offline.RoleBindings: {"rbac.authorization.k8s.io", "rolebindings"},
		offline.ClusterRoles: {"rbac.authorization.k8s.io", "clusterroles"}, offline.Pods: {"", "pods"},
		offline.ClusterPolicies: {"policy.networking.k8s.io", "clusternetworkpolicies"},
	}
}

// reader is a user who may get and list all that the command line reads but one kind, if one is given. It returns a
// kubeconfig.
func (w *world) reader(name string, without offline.Kind) string {
	w.t.Helper()
	name = w.ns(name)
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}}
	for kind, of := range readKinds() {
		if kind != without {
			role.Rules = append(role.Rules, rbacv1.PolicyRule{APIGroups: of[:1], Resources: of[1:], Verbs: []string{"get", "list"}})
		}
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: name}},
	}
	w.put(role)
	w.put(binding)
	config, err := env.cluster.UserConfig(name)
	w.Expect(err).NotTo(HaveOccurred())
	file := filepath.Join(w.t.TempDir(), "kubeconfig")
	w.Expect(cluster.WriteKubeconfig(file, config)).To(Succeed())
	return file
}

// put creates an object, and deletes it when the test ends.
func (w *world) put(obj client.Object) {
	w.t.Helper()
	w.Expect(env.admin.Create(w.ctx(), obj)).To(Succeed())
	w.root.Cleanup(func() { _ = env.admin.Delete(context.Background(), obj) })
}

// answer is what came of a command.
type answer struct {
	code     int
	out, err string
}

// ask runs a command of the command line with a kubeconfig.
func (w *world) ask(kubeconfig, command string) answer {
	streams, _, out, errOut := genericiooptions.NewTestIOStreams()
	code := cli.Run(w.ctx(), append(strings.Fields(command), "--kubeconfig", kubeconfig), streams, "test")
	return answer{code, out.String(), errOut.String()}
}

// watched is a cluster in which there is something to be told: who calls whom, and what others wrote. It returns a file
// with the profile as it is to be.
func (w *world) watched() (file string) {
	w.t.Helper()
	w.namespace("w1", "web")
	w.namespace("a1", "api")
	w.namespace("a2", "api")
	p := w.create(w.discovering().Obj())
	w.settled(p, 3)
	w.put(builders.MakeNamespace(w.ns("new")).Obj())
	port := networkingv1.NetworkPolicyPort{Port: new(intstr.FromInt32(2345))}
	w.put(builders.MakeNetworkPolicy(w.ns("a1"), "debug").
		Ingress(networkingv1.NetworkPolicyIngressRule{Ports: []networkingv1.NetworkPolicyPort{port}}).Obj())
	w.put(&rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.ns("a1"), Name: "debug"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "edit"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "mallory"}},
	})
	for namespace, isOnHost := range map[string]bool{"w1": false, "a1": false, "a2": true} {
		w.put(&corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: w.ns(namespace), Name: "pod"},
			Spec:       corev1.PodSpec{HostNetwork: isOnHost, Containers: []corev1.Container{{Name: "main", Image: "main"}}},
		})
	}
	changed := p.DeepCopy()
	changed.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("SegmentationProfile"))
	changed.ObjectMeta, changed.Status = metav1.ObjectMeta{Name: p.Name}, v1alpha1.SegmentationProfileStatus{}
	changed.Spec.Dependencies[0].Ports[0].Port = new(intstr.FromInt32(9091))
	raw, err := yaml.Marshal(changed)
	w.Expect(err).NotTo(HaveOccurred())
	file = filepath.Join(w.t.TempDir(), "changed.yaml")
	w.Expect(os.WriteFile(file, raw, 0o600)).To(Succeed())
	return file
}

// TestReadingIsAllThatTheCommandLineNeeds asks as a user who may get and list, and as an admin: the answers are the same.
func TestReadingIsAllThatTheCommandLineNeeds(t *testing.T) {
	w := newWorld(t)
	file := w.watched()
	admin := filepath.Join(t.TempDir(), "kubeconfig")
	w.Expect(cluster.WriteKubeconfig(admin, env.cluster.AdminConfig())).To(Succeed())
	reader := w.reader("reader", "")
	start, err := env.cluster.Audit().Now(w.ctx())
	w.Expect(err).NotTo(HaveOccurred())
	can := "can ns/" + w.ns("w1") + " pod/" + w.ns("a1") + "/pod:"
	for command, code := range map[string]int{
		"render --cluster -f " + file: cli.ExitDone, "plan -f " + file: cli.ExitFound, "plan -o json -f " + file: cli.ExitFound,
		can + "9090": cli.ExitDone, can + "9091": cli.ExitFound, "map": cli.ExitDone, "map -o html": cli.ExitDone,
		"audit": cli.ExitFound, "audit -o json": cli.ExitFound, "audit -o sarif": cli.ExitFound,
		w.suggest(): cli.ExitDone, w.suggest() + " -o json": cli.ExitDone,
	} {
		w.run(command, func(w *world) {
			want := w.ask(admin, command)
			w.Expect(want.code).To(Equal(code), want.err)
			w.Expect(want.out).NotTo(BeEmpty())
			w.same(command, reader, admin)
		})
	}
	w.run("a plan says which pods it concerns", func(w *world) {
		w.Expect(w.ask(reader, "plan -f "+file).out).To(ContainSubstring("concerns 1 pod to 1 pod: %s/pod to %s/pod", w.ns("w1"), w.ns("a1")))
	})
	w.run("nothing but reading is asked for", func(w *world) {
		events, err := env.cluster.Audit().Since(w.ctx(), start)
		w.Expect(err).NotTo(HaveOccurred())
		count := 0
		for i := range events {
			if events[i].User == w.ns("reader") {
				count++
				w.Expect(events[i].Verb).To(BeElementOf("get", "list"), events[i].String())
			}
		}
		w.Expect(count).To(BeNumerically(">", 40))
	})
}

// same expects that two users are told the same: at some moment, as namespaces of other tests may be on their way out.
func (w *world) same(command, one, other string) {
	w.t.Helper()
	w.Eventually(func() (string, error) {
		got, want := w.ask(one, command), w.ask(other, command)
		if got != want {
			return gocmp.Diff(want, got, gocmp.AllowUnexported(answer{})), nil
		}
		return "", nil
	}, soon, tick).Should(BeEmpty())
}

// suggest is a command that suggests a profile for what no profile has yet.
func (w *world) suggest() string {
	return "suggest -l kubernetes.io/metadata.name=" + w.ns("new")
}

// refusals says for each kind which commands end in a mistake without it, and which tell that they left it out.
func refusals() map[offline.Kind]struct{ fail, tell []string } {
	all := []string{"render", "plan", "can", "map", "audit", "suggest"}
	declaring := []string{"render", "plan", "map", "audit"}
	looking := append([]string{"suggest"}, declaring...)
	asking := append([]string{"can"}, looking...)
	return map[offline.Kind]struct{ fail, tell []string }{
		offline.Profiles:       {[]string{"plan", "map", "render", "audit"}, []string{"can", "suggest"}},
		offline.Namespaces:     {all, nil},
		offline.Services:       {nil, asking},
		offline.EndpointSlices: {nil, looking},
		offline.Nodes:          {nil, looking},
		offline.ServiceCIDRs:   {nil, looking},
		offline.Policies:       {[]string{"can"}, []string{"plan", "map", "audit", "suggest"}},
		offline.Roles:          {nil, []string{"audit"}},
		offline.RoleBindings:   {nil, []string{"audit"}},
		offline.ClusterRoles:   {nil, declaring},
		offline.Pods:           {nil, all},
	}
}

// TestTheCommandLineSaysWhatItMayNotRead asks as users who may not read one kind each.
func TestTheCommandLineSaysWhatItMayNotRead(t *testing.T) {
	w := newWorld(t)
	file := w.watched()
	can := "can ns/" + w.ns("w1") + " ns/" + w.ns("a1") + ":9090"
	commands := []string{
		"render --cluster -f " + file, can, can + " -o yaml", "plan -f " + file, "plan -o markdown -f " + file, "plan -o json -f " + file,
		"map", "map -o dot", "map -o svg", "map -o html", "audit", "audit -o json", "audit -o sarif",
		w.suggest(), w.suggest() + " -o json",
	}
	complete := w.reader("complete", "")
	every := w.audited(complete)
	w.Expect(every).NotTo(BeEmpty())
	for kind, want := range refusals() {
		kubeconfig := w.reader("no-"+strings.ToLower(string(kind)), kind)
		for _, command := range commands {
			name, _, _ := strings.Cut(command, " ")
			w.run(fmt.Sprintf("%s without %s", command, kind), func(w *world) {
				got := w.ask(kubeconfig, command)
				switch {
				case slices.Contains(want.fail, name):
					w.Expect(got.code).To(Equal(cli.ExitFailed))
					w.Expect(got.err).To(HavePrefix("error: reading " + string(kind) + " of the cluster: "))
					w.Expect(got.out).To(BeEmpty())
				case slices.Contains(want.tell, name):
					w.Expect(got.code).NotTo(Equal(cli.ExitFailed), got.err)
					w.Expect(got.err).To(HavePrefix("not read, and left out: " + string(kind) + ": "))
					w.Expect(got.out).To(ContainSubstring(string(kind) + ": "))
				default:
					w.same(command, kubeconfig, complete)
				}
			})
		}
		if !slices.Contains(want.fail, "audit") {
			w.run(fmt.Sprintf("audit without %s finds nothing that is not so", kind), func(w *world) {
				w.Expect(every).To(ContainElements(w.audited(kubeconfig)))
			})
		}
	}
	w.run("a pod that may not be read is not said to be absent", func(w *world) {
		kubeconfig := w.reader("podless", offline.Pods)
		got := w.ask(kubeconfig, "can pod/"+w.ns("w1")+"/pod ns/"+w.ns("a1")+":9090")
		w.Expect(got.code).To(Equal(cli.ExitFailed))
		w.Expect(got.err).To(ContainSubstring("error: pods may not be read"))
	})
}

// audited is what an audit finds in the test's own namespaces: those of other tests may be on their way out.
func (w *world) audited(kubeconfig string) []offline.Found {
	w.t.Helper()
	got := w.ask(kubeconfig, "audit -o json")
	w.Expect(got.code).NotTo(Equal(cli.ExitFailed), got.err)
	var out struct{ Found []offline.Found }
	w.Expect(json.Unmarshal([]byte(got.out), &out)).To(Succeed())
	return slices.DeleteFunc(out.Found, func(f offline.Found) bool {
		return !strings.HasPrefix(cmp.Or(f.Namespace, f.Name), w.ns(""))
	})
}
