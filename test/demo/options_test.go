package main

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOptions(t *testing.T) {
	got, err := parseOptions([]string{"--once", "--timeout=1m", "--logs", "logs"})
	if err != nil {
		t.Fatal(err)
	}
	want := options{
		once: true, timeout: time.Minute, logs: "logs",
		operator: "bin/operator", install: "-", samples: "config/samples",
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(options{})); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	if _, err := parseOptions([]string{"--help"}); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("--help gives the error %v, want %v", err, flag.ErrHelp)
	}
}

func TestUsageHasEveryFlag(t *testing.T) {
	text := usage()
	bindOptions(&options{}).VisitAll(func(f *flag.Flag) {
		if !strings.Contains(text, "--"+f.Name) {
			t.Errorf("--%s is not in the usage:\n%s", f.Name, text)
		}
	})
}

// What is wrong is said in one sentence, before anything is started.
func TestWrongUse(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.yaml")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		args []string
		code int
		want string
	}{
		"unknown flag":         {[]string{"--nope"}, exitUsage, "flag provided but not defined: -nope; see --help"},
		"bad value":            {[]string{"--timeout=x"}, exitUsage, `invalid value "x"`},
		"no time":              {[]string{"--timeout=0s"}, exitUsage, "--timeout must be more than nothing"},
		"argument":             {[]string{"once"}, exitUsage, `unexpected argument "once"`},
		"no operator":          {[]string{"--operator=" + dir}, exitFailed, "there is no operator at"},
		"no logs":              {[]string{"--operator=" + self, "--logs=" + empty}, exitFailed, "is not an existing directory"},
		"nothing to install":   {[]string{"--operator=" + self, "--install=" + empty}, exitFailed, "there is no CustomResourceDefinition"},
		"no file to install":   {[]string{"--operator=" + self, "--install=" + dir + "/x"}, exitFailed, "no such file"},
		"no directory of logs": {[]string{"--operator=" + self, "--logs=" + dir + "/x"}, exitFailed, "is not an existing directory"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			var stderr bytes.Buffer
			if code := run(tc.args, os.Stdout, &stderr); code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			if got := stderr.String(); !strings.Contains(got, tc.want) || strings.Count(got, "\n") != 1 {
				t.Errorf("stderr is %q, want one line with %q", got, tc.want)
			}
			if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
				t.Errorf("%d files left behind (%v)", len(left), err)
			}
		})
	}
}
