package backpressure

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const (
	text  = "Too many requests, please try again later."
	fault = `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"admission webhook \"w\" denied the request: later",` +
		`"reason":"TooManyRequests","code":429}`
)

// TestUpfront asks an API server that has no room, by client-go.
func TestUpfront(t *testing.T) {
	t.Parallel()
	patch := func(ctx context.Context, c kubernetes.Interface) error {
		_, err := c.CoreV1().Namespaces().Patch(ctx, "one", types.MergePatchType, []byte("{}"), metav1.PatchOptions{})
		return err
	}
	remove := func(ctx context.Context, c kubernetes.Interface) error {
		return c.CoreV1().Namespaces().Delete(ctx, "one", metav1.DeleteOptions{})
	}
	list := func(ctx context.Context, c kubernetes.Interface) error {
		_, err := c.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
		return err
	}
	cases := map[string]struct {
		retry, body string
		ask         func(context.Context, kubernetes.Interface) error
		// once is set if it is not tried again by client-go.
		once, throttled bool
		seconds         int
	}{
		"a write":                      {"7", text, patch, true, true, 7},
		"a deletion":                   {"1", text, remove, true, true, 1},
		"a write without a time":       {"", text, patch, true, true, 0},
		"a time beyond all reason":     {"99999999", text, patch, true, true, 3600},
		"a refusal by a webhook":       {"2", fault, patch, true, false, 2},
		"a read is left to client-go":  {"1", text, list, false, true, 0},
		"what is no Status stays text": {"3", `{"kind":"Pod"}`, patch, true, true, 3},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				if c.retry != "" {
					w.Header().Set("Retry-After", c.retry)
				}
				http.Error(w, c.body, http.StatusTooManyRequests)
			}))
			defer server.Close()
			clients, err := kubernetes.NewForConfig(Upfront(&rest.Config{Host: server.URL, QPS: -1}))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
			defer cancel()
			err = c.ask(ctx, clients)
			if (asked.Load() == 1) != c.once {
				t.Errorf("asked %d times", asked.Load())
			}
			if !c.once {
				return
			}
			if IsThrottled(err) != c.throttled {
				t.Errorf("throttled: %t, by %v", !c.throttled, err)
			}
			if seconds, _ := apierrors.SuggestsClientDelay(err); seconds != c.seconds {
				t.Errorf("to come back after %d s, want %d", seconds, c.seconds)
			}
		})
	}
}

// TestUpfrontPassesWhatItIsNotAbout on as it is.
func TestUpfrontPassesWhatItIsNotAbout(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "gone", http.StatusGone)
	}))
	client, err := rest.HTTPClientFor(Upfront(&rest.Config{Host: server.URL}))
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusGone {
		t.Errorf("got %d", answer.StatusCode)
	}
	server.Close()
	if answer, err = client.Do(request); err == nil {
		_ = answer.Body.Close()
		t.Error("an API server that is gone answers")
	}
}
