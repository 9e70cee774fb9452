package faults

import (
	"context"
	"net/http"
)

// Silence lets watches say nothing until it is called again with false: so it is when an API
// server's watches lag behind its writes, or could not be begun again after it was away. All
// else passes.
func (p *Proxy) Silence(silent bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case silent && p.silence == nil:
		p.silence = make(chan struct{})
	case !silent && p.silence != nil:
		close(p.silence)
		p.silence = nil
	}
}

// Away lets every request end in a broken connection until it is called again with false, as if
// there were no API server. Watches that run already go on.
func (p *Proxy) Away(away bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = away
}

// Refuse lets every write be refused until it is called again with false, as by an API server
// that has just started and does not know yet who may do what.
func (p *Proxy) Refuse(refuse bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = refuse
}

func (p *Proxy) isAway() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.away
}

func (p *Proxy) refuses(r *http.Request) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refuse && r.Method != http.MethodGet && r.Method != http.MethodHead
}

// silenced returns a channel that is closed when watches may speak; nil if they may.
func (p *Proxy) silenced() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.silence
}

// quiet is the answer to a watch. What it is to say waits for the end of a silence.
type quiet struct {
	http.ResponseWriter
	proxy *Proxy
	ctx   context.Context //nolint:containedctx // It is that of one request, as long as its answer.
}

func (q quiet) Write(b []byte) (int, error) {
	if silence := q.proxy.silenced(); silence != nil {
		select {
		case <-silence:
		case <-q.ctx.Done():
			return 0, q.ctx.Err()
		}
	}
	return q.ResponseWriter.Write(b)
}

// Unwrap lets the answer be flushed and its connection be taken over.
func (q quiet) Unwrap() http.ResponseWriter { return q.ResponseWriter }
