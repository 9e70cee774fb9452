package faults

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/cert"
)

// Proxy is a running proxy.
type Proxy struct {
	settings  settings
	authority []byte
	address   string
	server    *http.Server
	upstream  http.RoundTripper
	reverse   *httputil.ReverseProxy

	mu       sync.Mutex
	random   *rand.Rand
	rate     float64
	requests int
	counts   map[Kind]int
	// silence is there while watches say nothing, and closed when that is over.
	silence chan struct{}
	// away is set while nothing passes, and refuse while no write does; throttle while writes are put off.
	away, refuse, throttle bool
}

// Start starts a proxy in front of the API server of a configuration, of which nothing is
// used but the address and the authority: each client brings its own credentials, which must
// not be a certificate.
func Start(upstream *rest.Config, options ...Option) (*Proxy, error) {
	s := settings{
		rate: defaultRate, stall: defaultStall, watchLife: defaultWatchLife,
		exempt:  func(*http.Request) bool { return false },
		observe: func(*http.Response) {},
	}
	for _, option := range options {
		option(&s)
	}
	target, _, err := rest.DefaultServerUrlFor(upstream)
	if err != nil {
		return nil, fmt.Errorf("reading the API server's address: %w", err)
	}
	p := &Proxy{settings: s, rate: s.rate, counts: map[Kind]int{}}
	p.random = rand.New(rand.NewPCG(s.seed, 0)) //nolint:gosec // Made to be repeated, not to be secret.
	if err := p.connect(upstream, target); err != nil {
		return nil, err
	}
	if err := p.listen(); err != nil {
		return nil, err
	}
	return p, nil
}

// connect prepares the side of the API server.
func (p *Proxy) connect(upstream *rest.Config, target *url.URL) error {
	anonymous := rest.AnonymousClientConfig(upstream)
	// Watches and writes of HTTP/2 would share a connection, and its fate.
	anonymous.NextProtos = []string{"http/1.1"}
	transport, err := rest.TransportFor(anonymous)
	if err != nil {
		return fmt.Errorf("connecting to the API server: %w", err)
	}
	p.upstream = transport
	p.reverse = &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
		},
		ModifyResponse: func(r *http.Response) error {
			p.settings.observe(r)
			return nil
		},
		// Watches are a stream of events, each to be seen at once.
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0),
		// An API server that is away shows as a broken connection, as it would without a proxy.
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { reset(w) },
	}
	return nil
}

// listen begins to serve, by a certificate of its own.
func (p *Proxy) listen() error {
	loopback := net.IPv4(127, 0, 0, 1)
	certificate, key, err := cert.GenerateSelfSignedCertKey(loopback.String(), []net.IP{loopback}, nil)
	if err != nil {
		return fmt.Errorf("making a certificate: %w", err)
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return fmt.Errorf("reading the certificate that was made: %w", err)
	}
	listener, err := tls.Listen("tcp", net.JoinHostPort(loopback.String(), "0"), &tls.Config{
		Certificates: []tls.Certificate{pair}, NextProtos: []string{"http/1.1"},
	})
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	p.authority, p.address = certificate, listener.Addr().String()
	p.server = &http.Server{Handler: p, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute}
	go func() { _ = p.server.Serve(listener) }() // It ends with Close.
	return nil
}

// Config returns a configuration by which a client goes through the proxy. It has the
// credentials of the one that is given.
func (p *Proxy) Config(of *rest.Config) *rest.Config {
	through := rest.CopyConfig(of)
	through.Host = "https://" + p.address
	through.TLSClientConfig = rest.TLSClientConfig{CAData: p.authority}
	return through
}

// SetRate changes the part of requests that meet a fault; with 0, watches are not cut either.
func (p *Proxy) SetRate(rate float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rate = rate
}

// Requests is how many requests came.
func (p *Proxy) Requests() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests
}

// Counts is how many faults of each kind were injected.
func (p *Proxy) Counts() map[Kind]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.counts)
}

// Close ends the proxy and all connections through it.
func (p *Proxy) Close() error {
	if err := p.server.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("closing the proxy: %w", err)
	}
	return nil
}

// choose decides what happens to a request: which fault, if any, and when a watch is cut.
func (p *Proxy) choose(r *http.Request) (fault Kind, life time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests++
	if p.rate == 0 || p.settings.exempt(r) {
		return "", 0
	}
	if p.random.Float64() < p.rate {
		kinds := possible(r)
		fault = kinds[p.random.IntN(len(kinds))]
		p.counts[fault]++
	}
	if isWatch(r) && p.settings.watchLife > 0 {
		life = time.Duration(1 + p.random.Int64N(int64(p.settings.watchLife)))
	}
	return fault, life
}

func (p *Proxy) count(fault Kind) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts[fault]++
}

// wait waits as long as a stall, unless the client gives up.
func (p *Proxy) wait(ctx context.Context) {
	timer := time.NewTimer(p.settings.stall)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
