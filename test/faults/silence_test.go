package faults_test

import (
	"bufio"
	"net/http"
	"testing"
	"time"

	"github.com/segmentation-dev/segmentation-operator/test/faults"
)

// TestSilence holds back what a watch says, and nothing of it is lost.
func TestSilence(t *testing.T) {
	t.Parallel()
	proxy, client, host := through(t, newUpstream(t), faults.Rate(0))
	response, err := request(t, client, http.MethodGet, host+"/api/v1/pods?watch=true")
	noError(t, err)
	lines := bufio.NewScanner(response.body)
	if !lines.Scan() {
		t.Fatal("the watch ended: ", lines.Err())
	}
	proxy.Silence(true)
	heard := make(chan int)
	go func() {
		n := 0
		for range 20 {
			if lines.Scan() {
				n++
			}
		}
		heard <- n
	}()
	if other, err := request(t, client, http.MethodGet, host+"/api/v1/pods"); err != nil || other.code != http.StatusOK {
		t.Errorf("what is not a watch does not pass: %v", err)
	}
	select {
	case <-heard:
		t.Error("a watch was not silent")
	case <-time.After(600 * time.Millisecond): // Twenty events take 400 ms.
	}
	proxy.Silence(false)
	if n := <-heard; n != 20 {
		t.Errorf("after the silence there were %d events, want 20", n)
	}
}

// TestAwayAndRefusing lets nothing pass, and then no write.
func TestAwayAndRefusing(t *testing.T) {
	t.Parallel()
	proxy, client, host := through(t, newUpstream(t), faults.Rate(0))
	proxy.Away(true)
	if _, err := request(t, client, http.MethodGet, host+"/api/v1/pods"); err == nil {
		t.Error("a request passed to an API server that is away")
	}
	proxy.Away(false)
	proxy.Refuse(true)
	for method, want := range map[string]int{http.MethodGet: http.StatusOK, http.MethodPatch: http.StatusForbidden} {
		got, err := request(t, client, method, host+"/api/v1/pods")
		noError(t, err)
		if got.code != want {
			t.Errorf("%s is answered with %d, want %d", method, got.code, want)
		}
	}
}
