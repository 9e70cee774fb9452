package api

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"

	segv1alpha1 "github.com/segmentation-dev/segmentation-operator/api/v1alpha1"
)

// kubectl get asks the API server for a table, so that its columns are those of the CRD.
func TestKubectlGetAnswersWhetherAProfileIsFine(t *testing.T) {
	create(t, oneTier("fresh-row"))
	profile := oneTier("ready-row")
	create(t, profile)
	profile.Status = segv1alpha1.SegmentationProfileStatus{
		Conditions: []metav1.Condition{condition("Accepted"), condition("Ready")},
		Namespaces: segv1alpha1.NamespaceCounts{Summary: "10/10", Claimed: 10, Ready: 10},
	}
	if err := server.Status().Update(t.Context(), profile); err != nil {
		t.Fatal(err)
	}
	tests := map[string]map[string]any{
		"fresh-row": {
			"Name": "fresh-row", "Ready": nil, "Status": nil, "Namespaces": nil, "Mode": "Enforce",
		},
		"ready-row": {
			"Name": "ready-row", "Ready": "True", "Status": "10 of 10 namespaces are segmented", "Namespaces": "10/10", "Mode": "Enforce",
		},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			row := tableRow(t, name)
			if age, _ := row["Age"].(string); age == "" {
				t.Errorf("the age is %v", row["Age"])
			}
			delete(row, "Age")
			if diff := cmp.Diff(want, row); diff != "" {
				t.Errorf("the row (-want +got):\n%s", diff)
			}
		})
	}
}

// tableRow is the only row of the table of a profile, by column. Every column is one that
// kubectl shows without -o wide, and says in its description what it is.
func tableRow(t *testing.T, name string) map[string]any {
	t.Helper()
	table := getTable(t, name)
	if len(table.Rows) != 1 || len(table.Rows[0].Cells) != len(table.ColumnDefinitions) {
		t.Fatalf("the table has %d rows and %d columns", len(table.Rows), len(table.ColumnDefinitions))
	}
	row := map[string]any{}
	for i, column := range table.ColumnDefinitions {
		if column.Priority != 0 || column.Description == "" {
			t.Errorf("column %s has priority %d and the description %q", column.Name, column.Priority, column.Description)
		}
		row[column.Name] = table.Rows[0].Cells[i]
	}
	return row
}

func getTable(t *testing.T, name string) *metav1.Table {
	t.Helper()
	forGroup := rest.CopyConfig(config)
	forGroup.GroupVersion, forGroup.APIPath = &segv1alpha1.GroupVersion, "/apis"
	forGroup.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	api, err := rest.RESTClientFor(forGroup)
	if err != nil {
		t.Fatal(err)
	}
	content, err := api.Get().Resource("segmentationprofiles").Name(name).
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	table := &metav1.Table{}
	if err := json.Unmarshal(content, table); err != nil {
		t.Fatal(err)
	}
	return table
}
