package assets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	// probeTimeout bounds the small requests that come before a download: a machine
	// without a network must not wait long to be told so.
	probeTimeout = 3 * time.Second
	// probeLimit bounds what is read of a probe's answer.
	probeLimit = 16 << 20
)

// probed is the answer to a probe.
type probed struct {
	body string
	err  error
}

// probe gets a small file, and so finds out whether the file beside it can be
// had. It asks once for each file.
func (d *Downloader) probe(ctx context.Context, url string) (string, error) {
	if d.probed == nil {
		d.probed = map[string]probed{}
	}
	answer, known := d.probed[url]
	if !known {
		answer.body, answer.err = probe(ctx, url)
		d.probed[url] = answer
	}
	return answer.body, answer.err
}

func probe(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	response, err := get(ctx, url)
	if err != nil {
		return "", unavailable("prebuilt binaries cannot be downloaded from %s (%v)", host(url), cause(err))
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return "", unavailable("%s is not there (%s)", url, response.Status)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, probeLimit))
	if err != nil {
		return "", unavailable("prebuilt binaries cannot be downloaded from %s (%v)", host(url), cause(err))
	}
	return string(body), nil
}

// cause returns why a request failed in as few words as possible.
func cause(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer in %s", probeTimeout)
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
