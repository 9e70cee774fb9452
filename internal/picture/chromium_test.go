package picture_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// requireChromium is the variable that makes it a failure that there is no Chromium, and keepScreenshots the one that
// names a directory in which pictures of the page are left for a person to look at.
const (
	requireChromium = "REQUIRE_CHROMIUM"
	keepScreenshots = "KEEP_SCREENSHOTS"
)

// browser is a Chromium that is spoken to through a pipe: https://chromedevtools.github.io/devtools-protocol/
type browser struct {
	t       *testing.T
	to      *os.File
	from    *bufio.Reader
	session string
	id      int
	// noted are the events that have come: requests, exceptions and what the console was told.
	noted []string
}

type message struct {
	ID        int             `json:"id,omitempty"`
	SessionID string          `json:"sessionId,omitempty"`
	Method    string          `json:"method,omitempty"`
	Params    any             `json:"params,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	Error     json.RawMessage `json:"error,omitempty"`
}

// openPage opens a page in a headless Chromium of its own.
func openPage(t *testing.T, page string) *browser {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			program = path
			break
		}
	}
	if program == "" {
		if os.Getenv(requireChromium) != "" {
			t.Fatalf("there is no Chromium, and %s is set", requireChromium)
		}
		t.Skipf("there is no Chromium: the page was not tried in a browser; install one, and set %s to have its absence fail", requireChromium)
	}
	file := filepath.Join(t.TempDir(), "map.html")
	if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t}
	b.start(program)
	var target struct{ TargetID, SessionID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &target)
	b.session = target.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		b.call(domain+".enable", nil, nil)
	}
	b.call("Page.navigate", map[string]any{"url": "file://" + file}, nil)
	b.until(`document.readyState === "complete" && document.getElementById("search") !== null`)
	return b
}

func (b *browser) start(program string) {
	b.t.Helper()
	hear, say, err := os.Pipe()
	if err != nil {
		b.t.Fatal(err)
	}
	listen, answer, err := os.Pipe()
	if err != nil {
		b.t.Fatal(err)
	}
	profile, err := os.MkdirTemp("", "chromium") // Chromium may write to it still when the test ends, which t.TempDir does not forgive.
	if err != nil {
		b.t.Fatal(err)
	}
	cmd := exec.Command(program, //nolint:noctx // It ends by itself, as below; the context of the test ends before.
		"--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
		"--disable-background-networking", "--hide-scrollbars", "--remote-debugging-pipe", "--user-data-dir="+profile)
	cmd.ExtraFiles = []*os.File{hear, answer}
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	_, _ = hear.Close(), answer.Close()
	b.to, b.from = say, bufio.NewReader(listen)
	_ = listen.SetReadDeadline(time.Now().Add(2 * time.Minute))
	b.t.Cleanup(func() {
		_ = say.Close() // It ends when nobody speaks to it any more.
		late := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		late.Stop()
		_ = listen.Close()
		_ = os.RemoveAll(profile)
	})
}

// call calls a method, and takes note of the events that come before its answer.
func (b *browser) call(method string, params, result any) {
	b.t.Helper()
	b.id++
	raw, err := json.Marshal(message{ID: b.id, SessionID: b.session, Method: method, Params: params})
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.to.Write(append(raw, 0)); err != nil {
		b.t.Fatal(err)
	}
	for {
		answer, err := b.from.ReadBytes(0)
		if err != nil {
			b.t.Fatalf("%s: Chromium says no more: %v", method, err)
		}
		answer = bytes.TrimRight(answer, "\x00")
		var m message
		if err := json.Unmarshal(answer, &m); err != nil {
			b.t.Fatal(err)
		}
		switch {
		case m.ID != b.id:
			b.noted = append(b.noted, string(answer))
		case len(m.Error) > 0:
			b.t.Fatalf("%s: %s", method, m.Error)
		case result != nil:
			if err := json.Unmarshal(m.Result, result); err != nil {
				b.t.Fatal(err)
			}
			return
		default:
			return
		}
	}
}

// eval is what an expression is in the page.
func eval[T any](b *browser, expression string) T {
	b.t.Helper()
	var out struct {
		Result           struct{ Value T }
		ExceptionDetails json.RawMessage
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true}, &out)
	if len(out.ExceptionDetails) > 0 {
		b.t.Fatalf("%s: %s", expression, out.ExceptionDetails)
	}
	return out.Result.Value
}

// until waits until an expression is true.
func (b *browser) until(expression string) {
	b.t.Helper()
	for range 600 {
		if eval[bool](b, expression) {
			return
		}
		select {
		case <-b.t.Context().Done():
			b.t.Fatal(b.t.Context().Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
	b.t.Fatal("waited in vain for " + expression)
}

// press presses a key; one of one letter types it.
func (b *browser) press(key string) {
	b.t.Helper()
	codes := map[string]int{"Escape": 27, "Enter": 13, "Tab": 9, "ArrowDown": 40, "ArrowUp": 38}
	down := map[string]any{"type": "keyDown", "key": key, "windowsVirtualKeyCode": codes[key]}
	if len(key) == 1 {
		down["text"] = key
	}
	b.call("Input.dispatchKeyEvent", down, nil)
	b.call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "windowsVirtualKeyCode": codes[key]}, nil)
}

// wear looks at the page in a size and in a colour scheme.
func (b *browser) wear(width, height int, scheme string) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride",
		map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}, nil)
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": scheme}}}, nil)
}

// screenshot is the page as a person would see it.
func (b *browser) screenshot(name string) []byte {
	b.t.Helper()
	var shot struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true}, &shot)
	raw, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		b.t.Fatal(err)
	}
	if dir := os.Getenv(keepScreenshots); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name+".png"), raw, 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
	return raw
}

// complaints are requests to anywhere, exceptions and what the page's own policy stopped.
func (b *browser) complaints() error {
	b.t.Helper()
	eval[string](b, `""`) // What was noted before comes first.
	var errs []error
	for _, n := range b.noted {
		var m struct {
			Method string
			Params struct {
				Request struct{ URL string }
			}
		}
		if err := json.Unmarshal([]byte(n), &m); err != nil {
			return err
		}
		isElsewhere := m.Method == "Network.requestWillBeSent" && !strings.HasPrefix(m.Params.Request.URL, "file:") &&
			!strings.HasPrefix(m.Params.Request.URL, "about:")
		if isElsewhere || m.Method == "Runtime.exceptionThrown" || m.Method == "Log.entryAdded" || m.Method == "Runtime.consoleAPICalled" {
			errs = append(errs, fmt.Errorf("the page does what it should not: %s", n))
		}
	}
	return errors.Join(errs...)
}
