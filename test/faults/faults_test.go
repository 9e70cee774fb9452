package faults_test

import (
	"bufio"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/segmentation-dev/segmentation-operator/test/faults"
)

// upstream is an API server that remembers what it was asked.
type upstream struct {
	*httptest.Server

	mu   sync.Mutex
	seen []string
}

func newUpstream(t *testing.T) *upstream {
	t.Helper()
	u := &upstream{}
	u.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		u.mu.Lock()
		u.seen = append(u.seen, strings.Join([]string{
			r.Method, r.URL.RequestURI(), r.Header.Get("Authorization"), r.Header.Get("Impersonate-User"), string(body),
		}, " "))
		u.mu.Unlock()
		if r.URL.Query().Get("watch") == "true" {
			watch(w, r)
			return
		}
		fmt.Fprint(w, "answer")
	}))
	t.Cleanup(u.Close)
	return u
}

// watch sends an event a tick, for ever.
func watch(w http.ResponseWriter, r *http.Request) {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		fmt.Fprintln(w, "event")
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
			return
		case <-ticker.C:
		}
	}
}

func (u *upstream) requests() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.seen
}

func (u *upstream) config() *rest.Config {
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: u.Certificate().Raw})
	return &rest.Config{Host: u.URL, TLSClientConfig: rest.TLSClientConfig{CAData: authority}}
}

// through starts a proxy and returns a client that goes through it.
func through(t *testing.T, u *upstream, options ...faults.Option) (*faults.Proxy, *http.Client, string) {
	t.Helper()
	proxy, err := faults.Start(u.config(), options...)
	noError(t, err)
	t.Cleanup(func() { noError(t, proxy.Close()) })
	config := u.config()
	config.BearerToken = "secret"
	config.Impersonate.UserName = "granter"
	config = proxy.Config(config)
	client, err := rest.HTTPClientFor(config)
	noError(t, err)
	return proxy, client, config.Host
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// request sends a request; what is answered is closed when the test ends.
func request(t *testing.T, client *http.Client, method, url string) (*answer, error) {
	t.Helper()
	var body io.Reader = strings.NewReader("body")
	if method == http.MethodGet {
		// As watches have none. With one, net/http's server was seen to end the request now and then
		// (Go 1.26.8), and the watch with it.
		body = http.NoBody
	}
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	noError(t, err)
	response, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return &answer{response.StatusCode, response.Header, response.Body}, nil
}

type answer struct {
	code   int
	header http.Header
	body   io.Reader
}

func TestWithoutFaultsEverythingPasses(t *testing.T) {
	t.Parallel()
	u := newUpstream(t)
	proxy, client, host := through(t, u, faults.Rate(0))
	response, err := request(t, client, http.MethodPatch, host+"/api/v1/namespaces/a?fieldManager=x")
	noError(t, err)
	body, err := io.ReadAll(response.body)
	noError(t, err)
	if got := string(body); got != "answer" || response.code != http.StatusOK {
		t.Errorf("got %d %q", response.code, got)
	}
	want := []string{"PATCH /api/v1/namespaces/a?fieldManager=x Bearer secret granter body"}
	if diff := cmp.Diff(want, u.requests()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if proxy.Requests() != 1 || len(proxy.Counts()) != 0 {
		t.Errorf("%d requests, faults %v", proxy.Requests(), proxy.Counts())
	}
}

// outcome is what a client gets, and whether the API server was asked.
type outcome struct {
	code    int
	reason  metav1.StatusReason
	retry   string
	reset   bool
	arrived bool
}

func observe(t *testing.T, u *upstream, client *http.Client, method, url string) outcome {
	t.Helper()
	before := len(u.requests())
	response, err := request(t, client, method, url)
	o := outcome{arrived: len(u.requests()) > before}
	if err != nil {
		o.reset = errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) || strings.Contains(err.Error(), "reset")
		if !o.reset {
			t.Errorf("an error that is no reset: %v", err)
		}
		return o
	}
	o.code, o.retry = response.code, response.header.Get("Retry-After")
	if o.code == http.StatusOK {
		return o
	}
	var status metav1.Status
	noError(t, json.NewDecoder(response.body).Decode(&status))
	if int(status.Code) != o.code || status.Kind != "Status" || status.APIVersion != "v1" || status.Status != metav1.StatusFailure {
		t.Errorf("answer %d has the status %+v", o.code, status)
	}
	if (status.Details != nil && status.Details.RetryAfterSeconds == 1) != (o.retry == "1") {
		t.Errorf("Retry-After is %q, in the status %+v", o.retry, status.Details)
	}
	o.reason = status.Reason
	return o
}

func TestEveryFaultLooksAsItShould(t *testing.T) {
	t.Parallel()
	common := map[outcome]bool{
		{code: 429, reason: metav1.StatusReasonTooManyRequests, retry: "1"}: true,
		{code: 500, reason: metav1.StatusReasonInternalError}:               true,
		{reset: true}:              true,
		{code: 200, arrived: true}: true, // Stalled.
	}
	cases := map[string]struct {
		method, path string
		others       []outcome
	}{
		"a read":  {http.MethodGet, "/api/v1/namespaces", []outcome{{reset: true, arrived: true}}},
		"a watch": {http.MethodGet, "/api/v1/namespaces?watch=true", []outcome{{code: 410, reason: metav1.StatusReasonExpired}}},
		"a write": {http.MethodPost, "/api/v1/namespaces", []outcome{{reset: true, arrived: true}, {code: 409, reason: metav1.StatusReasonConflict}}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUpstream(t)
			proxy, client, host := through(t, u, faults.Rate(1), faults.StallFor(time.Millisecond))
			// A client tries again by itself where it knows that nothing has happened.
			client.Transport = once{client.Transport}
			want := maps.Clone(common)
			for _, o := range c.others {
				want[o] = true
			}
			got := map[outcome]bool{}
			for range 100 {
				got[observe(t, u, client, c.method, host+c.path)] = true
			}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(outcome{})); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
			if proxy.Requests() != 100 || sum(proxy.Counts())-proxy.Counts()[faults.CutWatch] != 100 {
				t.Errorf("%d requests, faults %v", proxy.Requests(), proxy.Counts())
			}
		})
	}
}

// once makes each request by a connection of its own, which http.Transport does not try again.
type once struct{ http.RoundTripper }

func (o once) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Close = true
	return o.RoundTripper.RoundTrip(r)
}

func sum(counts map[faults.Kind]int) int {
	n := 0
	for _, count := range counts {
		n += count
	}
	return n
}

func TestWatchesStreamAndAreCut(t *testing.T) {
	t.Parallel()
	u := newUpstream(t)
	proxy, client, host := through(t, u, faults.Rate(1e-9), faults.WatchLife(300*time.Millisecond))
	for range 5 {
		response, err := request(t, client, http.MethodGet, host+"/api/v1/pods?watch=true")
		if err != nil {
			continue // Cut before the first event.
		}
		begin := time.Now()
		lines := bufio.NewScanner(response.body)
		for lines.Scan() {
		}
		if lines.Err() == nil {
			t.Error("a cut watch ended as if it were over")
		}
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("a watch lasted %s", took)
		}
	}
	// It is counted when the client has seen it already.
	for deadline := time.Now().Add(10 * time.Second); proxy.Counts()[faults.CutWatch] != 5; {
		if time.Now().After(deadline) {
			t.Fatalf("faults %v, want 5 cut watches", proxy.Counts())
		}
		time.Sleep(time.Millisecond) //nolint:forbidigo // There is nothing to wait for but the count.
	}
}

func TestEventsAreSeenAtOnce(t *testing.T) {
	t.Parallel()
	_, client, host := through(t, newUpstream(t), faults.Rate(0), faults.WatchLife(100*time.Millisecond))
	response, err := request(t, client, http.MethodGet, host+"/api/v1/pods?watch=true")
	noError(t, err)
	lines := bufio.NewScanner(response.body)
	// More than 100 ms of them: with a rate of 0 nothing is cut.
	for range 20 {
		if !lines.Scan() {
			t.Fatal("the watch ended: ", lines.Err())
		}
	}
}

func TestRateAndSeed(t *testing.T) {
	t.Parallel()
	counts := func(seed uint64) map[faults.Kind]int {
		proxy, client, host := through(t, newUpstream(t), faults.Seed(seed), faults.StallFor(0))
		for range 400 {
			if response, err := request(t, client, http.MethodPost, host+"/x"); err == nil {
				_, _ = io.ReadAll(response.body) // So that the connection is used again.
			}
		}
		return proxy.Counts()
	}
	first := counts(1)
	if n := sum(first); n < 20 || n > 70 {
		t.Errorf("%d faults in 400 requests, want about 40", n)
	}
	if diff := cmp.Diff(first, counts(1)); diff != "" {
		t.Errorf("the same seed makes other choices (-first +second):\n%s", diff)
	}
	if cmp.Equal(first, counts(2)) {
		t.Error("another seed makes the same choices")
	}
}
