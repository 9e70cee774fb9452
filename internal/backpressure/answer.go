package backpressure

import (
	"regexp"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// IsThrottled tells whether the API server had no room for a request, and did not carry it out. It is not so
// if an admission webhook answered 429: that is a refusal by somebody else of this one object, who may go on
// with it for ever, and others must not wait for that as they do for an API server.
func IsThrottled(err error) bool {
	return apierrors.IsTooManyRequests(err) && !webhook.MatchString(err.Error())
}

// webhook is how the API server begins what an admission webhook said:
// k8s.io/apiserver/pkg/admission/plugin/webhook/errors/statuserror.go.
var webhook = regexp.MustCompile(`admission webhook "[^"]*" denied the request`)

// after is when the API server wants to be asked again; zero if it does not say.
func after(err error) time.Duration {
	seconds, _ := apierrors.SuggestsClientDelay(err)
	return time.Duration(seconds) * time.Second
}
