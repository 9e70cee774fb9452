package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
)

// options are what the command line says.
type options struct {
	once     bool
	timeout  time.Duration
	logs     string
	operator string
	install  string
	samples  string
}

// bindOptions makes the flags.
func bindOptions(o *options) *flag.FlagSet {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // one sentence says what is wrong, and --help the rest
	flags.BoolVar(&o.once, "once", false, "end after telling, instead of staying up until Ctrl-C")
	flags.DurationVar(&o.timeout, "timeout", 3*time.Minute, "how long any one step may take")
	flags.StringVar(&o.logs, "logs", "", "an existing `directory` to keep the logs of all processes in")
	flags.StringVar(&o.operator, "operator", "bin/operator", "the operator's `binary`")
	flags.StringVar(&o.install, "install", "-", "the `file` to install, which kustomize makes of config/default; - is standard input")
	flags.StringVar(&o.samples, "samples", "config/samples", "the `directory` with namespaces.yaml and shop.yaml")
	return flags
}

func parseOptions(args []string) (options, error) {
	var o options
	flags := bindOptions(&o)
	switch err := flags.Parse(args); {
	case err != nil:
		return options{}, err
	case flags.NArg() > 0:
		return options{}, fmt.Errorf("unexpected argument %q: there are flags only", flags.Arg(0))
	case o.timeout <= 0:
		return options{}, errors.New("--timeout must be more than nothing, such as 3m")
	}
	return o, nil
}

// usage is the text of --help.
func usage() string {
	var b strings.Builder
	b.WriteString(`See the segmentation operator work, on a real API server on this machine:

  make demo                         stays up for kubectl, until Ctrl-C
  make demo ARGS=--once             ends after telling; exit code 0 if all was as expected
  make demo ARGS="--once --logs=."  and keeps the logs of all processes

Nothing outside of this machine is touched. When it ends, nothing is left running, and no files.

Flags:
`)
	flags := bindOptions(&options{})
	flags.VisitAll(func(f *flag.Flag) {
		placeholder, text := flag.UnquoteUsage(f)
		name := "--" + f.Name
		if placeholder != "" {
			name += " " + placeholder
		}
		if f.DefValue != "" && f.DefValue != "false" {
			text += fmt.Sprintf(" (default %s)", strings.TrimSuffix(f.DefValue, "0s"))
		}
		fmt.Fprintf(&b, "  %-22s %s\n", name, text)
	})
	b.WriteString(`
The control plane is where KUBEBUILDER_ASSETS says; make demo sees to that. Colours go away with NO_COLOR.
`)
	return b.String()
}
