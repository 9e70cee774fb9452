package faults

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ServeHTTP lets a request pass, or not.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.isAway() {
		reset(w)
		return
	}
	if p.refuses(r) {
		answer(w, http.StatusForbidden, metav1.StatusReasonForbidden,
			`things "x" is forbidden: User "u" cannot patch resource "things" in API group "" at the cluster scope`)
		return
	}
	if p.throttles(r) {
		throttled(w)
		return
	}
	fault, life := p.choose(r)
	switch fault {
	case Conflict:
		answer(w, http.StatusConflict, metav1.StatusReasonConflict, "the object has been modified; please try again")
	case TooManyRequests:
		w.Header().Set("Retry-After", "1")
		answer(w, http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests, "too many requests, please try again later")
	case ServerError:
		answer(w, http.StatusInternalServerError, metav1.StatusReasonInternalError, "an injected error")
	case Gone:
		answer(w, http.StatusGone, metav1.StatusReasonExpired, "too old resource version")
	case ResetBefore:
		reset(w)
	case ResetAfter:
		p.reverse.ServeHTTP(unheard{header: http.Header{}}, r)
		reset(w)
	case Stall:
		p.wait(r.Context())
		p.pass(w, r, life)
	default:
		p.pass(w, r, life)
	}
}

// pass hands a request on, and cuts it off after a time if it is a watch.
func (p *Proxy) pass(w http.ResponseWriter, r *http.Request, life time.Duration) {
	if isWatch(r) {
		w = quiet{ResponseWriter: w, proxy: p, ctx: r.Context()}
	}
	if life == 0 {
		p.reverse.ServeHTTP(w, r)
		return
	}
	cut := errors.New("cut")
	// No deadline: who reads one may end the watch just before it has passed.
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	defer time.AfterFunc(life, func() { cancel(cut) }).Stop()
	defer func() {
		if errors.Is(context.Cause(ctx), cut) {
			p.count(CutWatch)
		}
	}()
	p.reverse.ServeHTTP(w, r.WithContext(ctx))
	if errors.Is(context.Cause(ctx), cut) {
		// The API server may have heard of it first, and have ended the watch properly: that is no cut.
		panic(http.ErrAbortHandler)
	}
}

// answer answers as the API server does.
func answer(w http.ResponseWriter, code int, reason metav1.StatusReason, message string) {
	status := metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
		Status:   metav1.StatusFailure, Reason: reason, Message: message, Code: int32(code),
	}
	if after, err := strconv.ParseInt(w.Header().Get("Retry-After"), 10, 32); err == nil {
		status.Details = &metav1.StatusDetails{RetryAfterSeconds: int32(after)}
	}
	body, err := json.Marshal(status)
	if err != nil {
		panic(err) // Texts and numbers cannot fail to marshal.
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(body) // A client that is gone needs no answer.
}

// reset resets the client's connection, so that it gets no answer at all.
func reset(w http.ResponseWriter) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		return // Nobody hears the answer anyway.
	}
	connection, _, err := hijacker.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // Which closes the connection.
	}
	if secured, ok := connection.(interface{ NetConn() net.Conn }); ok {
		connection = secured.NetConn()
	}
	if tcp, ok := connection.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // It only makes the end less gentle.
	}
	_ = connection.Close()
}

// unheard takes an answer that nobody gets.
type unheard struct {
	header http.Header
}

func (u unheard) Header() http.Header         { return u.header }
func (u unheard) Write(b []byte) (int, error) { return io.Discard.Write(b) }
func (unheard) WriteHeader(int)               {}
