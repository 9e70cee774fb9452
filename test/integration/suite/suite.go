// Package suite is what the packages of integration tests have in common.
package suite

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// Main is the TestMain of a package whose tests need a control plane. It runs them by the function
// given, which returns the exit code of testing.M, and ends the process. With -short it runs none.
func Main(run func() (code int, err error)) {
	flag.Parse()
	if testing.Short() {
		fmt.Println("skipped: these tests need a control plane, which -short leaves out; run make test")
		return
	}
	code, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
