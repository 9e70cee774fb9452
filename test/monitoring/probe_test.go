package monitoring

import (
	"os"
	"testing"
)

func repository(t *testing.T) string { return "../.." }

func TestProbe(t *testing.T) {
	o := startOperator(t)
	m := &memory{}
	o.live(t, m)
	text, err := o.metrics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile("/tmp/operator.metrics", text, 0o644)
}
