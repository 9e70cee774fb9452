package chart

import (
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	chartv2 "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"

	"github.com/segmentation-dev/segmentation-operator/test/deploy"
)

// TestLint does what "helm lint --strict" does.
func TestLint(t *testing.T) {
	version := must(common.ParseKubeVersion(oldest))(t)
	for name, values := range map[string]string{"with nothing set": "", "with all parts": everything} {
		t.Run(name, func(t *testing.T) {
			result := lint.RunAll(repository(t, "config", "chart"), parse(t, values), deploy.Namespace, lint.WithKubeVersion(version))
			for _, message := range result.Messages {
				if message.Severity >= support.WarningSev {
					t.Error(message)
				}
			}
		})
	}
}

// TestAnotherChartMayDependOnIt: Helm adds values that the schema must not refuse.
func TestAnotherChartMayDependOnIt(t *testing.T) {
	platform := &chartv2.Chart{Metadata: &chartv2.Metadata{
		APIVersion: chartv2.APIVersionV2, Name: "platform", Version: "1.0.0",
		Dependencies: []*chartv2.Dependency{
			{Name: "segmentation-operator", Version: "0.0.0", Condition: "segmentation-operator.enabled"},
		},
	}}
	platform.AddDependency(checkout(t))
	values := parse(t, `{global: {region: north}, segmentation-operator: {enabled: true, replicas: 3}}`)
	got := readObjects(t, must(try(platform, deploy.Namespace, values))(t).Manifest)
	if n := replicas(got); n != 3 {
		t.Errorf("the Deployment has %d replicas", n)
	}
}

func replicas(objs objects) int64 {
	spec, _ := objs["Deployment "+deploy.Namespace+" segmentation-operator"].Object["spec"].(map[string]any)
	n, _ := spec["replicas"].(float64)
	return int64(n)
}
