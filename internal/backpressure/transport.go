package backpressure

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// Upfront returns a configuration whose writes are told at once that the API server has no room for them.
//
// client-go would try them again inside the request, ten times, each after as long as the API server asks for:
// up to 32 seconds. For all that time the write would count as under way, so that a change of profiles had to
// wait for it; one of the workers would sleep, and with a few throttled namespaces all of them, while others
// have nothing to write or would be let in; and it would end by its deadline, after which nobody knew whether it
// was made. Whoever writes knows better what to do meanwhile, and what is still worth writing then.
//
// Reads are left to client-go: who lists and watches has nothing else to do, and nobody waits for it.
func Upfront(config *rest.Config) *rest.Config {
	out := rest.CopyConfig(config)
	out.Wrap(func(next http.RoundTripper) http.RoundTripper { return upfront{next} })
	return out
}

type upfront struct{ next http.RoundTripper }

// RoundTrip makes of an answer that client-go would act upon one that it hands up. It still is a 429, so
// that metrics count it as what it is.
func (u upfront) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := u.next.RoundTrip(request)
	if err != nil || answer.StatusCode != http.StatusTooManyRequests || isRead(request) {
		return answer, err
	}
	if seconds, ok := retryAfter(answer); ok {
		return handUp(answer, seconds)
	}
	return answer, nil // client-go would not try it again either.
}

// WrappedRoundTripper is how client-go finds what is below.
func (u upfront) WrappedRoundTripper() http.RoundTripper { return u.next }

// retryAfter is when the API server asks to come back, in seconds.
func retryAfter(answer *http.Response) (seconds int, ok bool) {
	seconds, err := strconv.Atoi(answer.Header.Get("Retry-After"))
	return seconds, err == nil
}

func isRead(request *http.Request) bool {
	return request.Method == http.MethodGet || request.Method == http.MethodHead
}

// maxText is how much is read of an answer in words.
const maxText = 64 << 10

// handUp moves the time to come back from the header, by which client-go goes, to the Status. What the API
// server said stays, since IsThrottled goes by it.
func handUp(answer *http.Response, seconds int) (*http.Response, error) {
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxText))
	if err != nil {
		return nil, err
	}
	if err := answer.Body.Close(); err != nil {
		return nil, err
	}
	status := statusOf(text)
	status.Details.RetryAfterSeconds = int32(max(0, min(seconds, maxSeconds)))
	body, err := json.Marshal(status)
	if err != nil {
		return nil, err
	}
	answer.Header.Del("Retry-After")
	answer.Header.Set("Content-Type", "application/json")
	answer.Header.Del("Content-Encoding")
	answer.Header.Set("Content-Length", strconv.Itoa(len(body)))
	answer.ContentLength, answer.Body = int64(len(body)), io.NopCloser(bytes.NewReader(body))
	return answer, nil
}

// maxSeconds keeps nonsense out of the time to come back: it is an hour.
const maxSeconds = 3600

// statusOf is the Status that an answer consists of, or one with its text: priority and fairness answers with a
// text, admission with a Status.
func statusOf(text []byte) *metav1.Status {
	var said metav1.Status
	if json.Unmarshal(text, &said) != nil || said.Kind != "Status" || said.Reason != metav1.StatusReasonTooManyRequests {
		said = apierrors.NewTooManyRequests(string(bytes.TrimSpace(text)), 0).ErrStatus
	}
	said.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
	if said.Details == nil {
		said.Details = &metav1.StatusDetails{}
	}
	return &said
}
