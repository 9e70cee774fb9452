package api

import (
	"os"
	"testing"
)

// go test takes the result of an earlier run if nothing changed that a test looked at, and it
// does not see what TestMain looks at. The resource definition is looked at here, so that a
// change of it counts.
func TestTheResourceDefinitionIsAnInput(t *testing.T) {
	info, err := os.Stat("../../../config/crd/bases/segmentation.dev_segmentationprofiles.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() == 0 {
		t.Error("it is empty")
	}
}
