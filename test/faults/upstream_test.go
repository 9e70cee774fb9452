package faults_test

import (
	"net/http"
	"testing"

	"github.com/segmentation-dev/segmentation-operator/test/faults"
)

func TestLeasesAreLeftAloneIfAskedFor(t *testing.T) {
	t.Parallel()
	proxy, client, host := through(t, newUpstream(t), faults.Rate(1), faults.ExemptLeases())
	for range 20 {
		response, err := request(t, client, http.MethodPut, host+"/apis/coordination.k8s.io/v1/namespaces/x/leases/y")
		noError(t, err)
		if response.code != http.StatusOK {
			t.Errorf("got %d", response.code)
		}
	}
	if got := proxy.Counts(); len(got) > 0 {
		t.Errorf("faults %v", got)
	}
}

func TestAnAPIServerThatIsAwayIsABrokenConnection(t *testing.T) {
	t.Parallel()
	u := newUpstream(t)
	_, client, host := through(t, u, faults.Rate(0))
	u.Close()
	if _, err := request(t, client, http.MethodPost, host+"/x"); err == nil {
		t.Error("no error")
	}
}
