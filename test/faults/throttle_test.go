package faults_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/segmentation-dev/segmentation-operator/test/faults"
)

// TestThrottledWritesArePutOff and reads are not, nor what is exempt. What passes is observed.
func TestThrottledWritesArePutOff(t *testing.T) {
	t.Parallel()
	var passed []string
	proxy, client, host := through(t, newUpstream(t), faults.Rate(0), faults.ExemptLeases(),
		faults.Observe(func(r *http.Response) { passed = append(passed, r.Request.Method) }))
	lease := "/apis/coordination.k8s.io/v1/namespaces/x/leases/y"
	codes := func() []int {
		var out []int
		for _, r := range [][2]string{{http.MethodPatch, "/x"}, {http.MethodGet, "/x"}, {http.MethodPut, lease}} {
			response, err := request(t, client, r[0], host+r[1])
			noError(t, err)
			if response.code == http.StatusTooManyRequests && response.header.Get("Retry-After") != "1" {
				t.Error("it does not say when to come back")
			}
			out = append(out, response.code)
		}
		return out
	}
	proxy.Throttle(true)
	if diff := cmp.Diff([]int{429, 200, 200}, codes()); diff != "" {
		t.Errorf("throttled (-want +got):\n%s", diff)
	}
	proxy.Throttle(false)
	if diff := cmp.Diff([]int{200, 200, 200}, codes()); diff != "" {
		t.Errorf("afterwards (-want +got):\n%s", diff)
	}
	if proxy.Requests() != 6 || proxy.Counts()[faults.TooManyRequests] != 1 {
		t.Errorf("%d requests, faults %v", proxy.Requests(), proxy.Counts())
	}
	if diff := cmp.Diff([]string{"GET", "PUT", "PATCH", "GET", "PUT"}, passed); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
}
