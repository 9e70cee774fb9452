package chart

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	chartv2 "helm.sh/helm/v4/pkg/chart/v2"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
	"github.com/segmentation-dev/segmentation-operator/test/builders"
)

// TestFromInstallToReinstall is the life of a release, in a namespace with another name than kustomize's.
func TestFromInstallToReinstall(t *testing.T) {
	for name, serverSide := range map[string]bool{"as Helm 4 applies": true, "as Helm 3 merges": false} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, "net-policies", serverSide)
			b.installIsolates()
			b.upgradeBringsTheCRD()
			b.uninstallTakesNothingAway()
			b.reinstallTakesOver()
			b.crdStaysWhenItIsNoLongerInstalled()
		})
	}
}

// installIsolates installs a release of before, whose CRD did not know spec.admission yet.
func (b *bed) installIsolates() {
	b.Helper()
	b.install(before(b), "")
	b.releaseIsSmall()
	b.run()
	reader := builders.MakeTier("web").Names("shop-web", "shop-more").ClusterRoleAccess("view", builders.User("ann")).Obj()
	b.create(builders.MakeNamespace("shop-web").Obj(), builders.MakeProfile("shop").Tier(reader).Strict().Obj())
	b.ready(1)
	if admission := b.profile().Spec.Admission; admission != "" {
		b.Fatalf("the CRD of before knows spec.admission: %s; then the upgrade proves nothing", admission)
	}
}

// before is an older chart.
func before(tb testing.TB) *chartv2.Chart {
	tb.Helper()
	chart := checkout(tb)
	chart.Metadata.Version = "0.0.0-before"
	for _, file := range chart.Files {
		if file.Name != "files/crd.yaml" {
			continue
		}
		crd := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(file.Data, &crd.Object); err != nil {
			tb.Fatal(err)
		}
		versions, _, err := unstructured.NestedSlice(crd.Object, "spec", "versions")
		if err != nil {
			tb.Fatal(err)
		}
		version, _ := versions[0].(map[string]any)
		unstructured.RemoveNestedField(version,
			"schema", "openAPIV3Schema", "properties", "spec", "properties", "admission")
		if err := unstructured.SetNestedSlice(crd.Object, versions, "spec", "versions"); err != nil {
			tb.Fatal(err)
		}
		file.Data = must(yaml.Marshal(crd.Object))(tb)
	}
	return chart
}

// releaseIsSmall: a Secret holds a release, chart and manifest, and no more than a MiB.
func (b *bed) releaseIsSmall() {
	b.Helper()
	var secret corev1.Secret
	b.get(b.namespace, "sh.helm.release.v1."+releaseName+".v1", &secret)
	size := len(secret.Data["release"])
	b.Logf("the Secret of a release has %d KiB", size>>10)
	if size > 512<<10 {
		b.Errorf("the Secret of the release has %d KiB, and 1024 are possible", size>>10)
	}
}

// upgradeBringsTheCRD: Helm does not upgrade what is in crds/, and this is not.
func (b *bed) upgradeBringsTheCRD() {
	b.Helper()
	was := b.kept()
	b.upgrade(checkout(b), `{watchPods: false, replicas: 3, protectedNamespaces: [vault, openshift-*],
		grantable: {clusterRoles: [edit]}, networkPolicy: {enabled: true}, metrics: {dashboard: {enabled: true}}}`)
	if diff := cmp.Diff(was, b.kept()); diff != "" {
		b.Errorf("the upgrade changed what the operator wrote (-before +after):\n%s", diff)
	}
	var manager rbacv1.ClusterRole
	b.get("", "segmentation-operator-manager", &manager)
	for _, rule := range manager.Rules {
		if slices.Contains(rule.Resources, "pods") {
			b.Errorf("the operator may still list pods: %v", rule)
		}
	}
	// Without the right, it would not become ready if it watched pods.
	b.run()
	profile := b.profile()
	profile.Spec.Admission = v1alpha1.AdmissionStrict
	if err := b.admin.Update(b.Context(), profile); err != nil {
		b.Fatal(err)
	}
	b.ready(1)
	if admission := b.profile().Spec.Admission; admission != v1alpha1.AdmissionStrict {
		b.Errorf("the CRD was not upgraded: spec.admission is %q", admission)
	}
	b.ceilingIsFilledIn()
	b.boundaryIsTheOperators()
}

// ceilingIsFilledIn: the control plane owns these rules, and an upgrade must not empty them.
func (b *bed) ceilingIsFilledIn() {
	b.Helper()
	var ceiling rbacv1.ClusterRole
	b.get("", "segmentation-operator-grantable", &ceiling)
	if len(ceiling.Rules) < 5 {
		b.Errorf("the ceiling has %d rules only", len(ceiling.Rules))
	}
}

// boundaryIsTheOperators: the policies know the operator by the release's namespace, and nobody else.
func (b *bed) boundaryIsTheOperators() {
	b.Helper()
	b.eventually("the admission policies", func() string {
		namespace := builders.MakeNamespace("forged").Label(v1alpha1.ProfileLabel, "shop").Obj()
		err := b.admin.Create(b.Context(), namespace, client.DryRunAll)
		if err == nil || !strings.Contains(err.Error(), "segmentation-operator-boundary-labels") {
			return "a forged label was not refused"
		}
		return ""
	})
}

// uninstallTakesNothingAway, with the operator running until its rights are gone.
func (b *bed) uninstallTakesNothingAway() {
	b.Helper()
	was := b.kept()
	if len(was) < 5 {
		b.Fatalf("there is next to nothing to keep: %v", was)
	}
	said := b.uninstall()
	b.stop()
	if !strings.Contains(said, crdName) {
		b.Errorf("Helm does not say that it keeps the CRD: %q", said)
	}
	if diff := cmp.Diff(was, b.kept()); diff != "" {
		b.Errorf("uninstalling changed what should stay (-before +after):\n%s", diff)
	}
	rendered := readObjects(b, must(try(checkout(b), b.namespace, nil))(b).Manifest)
	delete(rendered, "CustomResourceDefinition "+crdName)
	delete(rendered, "ClusterRole segmentation-operator-grantable") // Nobody is bound to it.
	if left := b.gone(rendered); len(left) > 0 {
		b.Errorf("uninstalling left behind:\n%s", strings.Join(left, "\n"))
	}
}

// reinstallTakesOver what is there, and changes nothing until the profile does.
func (b *bed) reinstallTakesOver() {
	b.Helper()
	was := b.kept()
	b.install(checkout(b), "")
	b.run()
	b.create(builders.MakeNamespace("shop-more").Obj())
	b.ready(2)
	now := b.kept()
	for key, version := range was {
		if now[key] != version {
			b.Errorf("%s was %s, and is %s", key, version, now[key])
		}
	}
}

func (b *bed) crdStaysWhenItIsNoLongerInstalled() {
	b.Helper()
	was := b.kept()
	b.upgrade(checkout(b), "crds: {install: false}")
	if diff := cmp.Diff(was, b.kept()); diff != "" {
		b.Errorf("without crds.install (-before +after):\n%s", diff)
	}
	b.upgrade(checkout(b), "")
	if diff := cmp.Diff(was, b.kept()); diff != "" {
		b.Errorf("with crds.install again (-before +after):\n%s", diff)
	}
}
