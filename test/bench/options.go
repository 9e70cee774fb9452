package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// measureName names what is measured.
type measureName string

const (
	convergence measureName = "convergence"
	change      measureName = "change"
	drift       measureName = "drift"
	restart     measureName = "restart"
	idle        measureName = "idle"
	arrival     measureName = "arrival"
	compile     measureName = "compile"
)

// allMeasures are all of them; memory is a part of restart and convergence.
func allMeasures() measures {
	return measures{convergence, arrival, change, drift, restart, idle, compile}
}

type measures []measureName

func (m measures) has(name measureName) bool { return slices.Contains(m, name) }

func (m measures) onlyCompile() bool { return len(m) == 1 && m[0] == compile }

// options are what the command line says.
type options struct {
	namespaces []int
	rounds     int
	arrivals   int
	idle       time.Duration
	measures   measures
	flags      []string
	keep       string
}

func parseOptions(args []string, stdout io.Writer) (options, error) {
	o := options{measures: allMeasures()}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	namespaces := flags.String("namespaces", "100,1000,5000", "how many namespaces the profile has, a `list`")
	only := flags.String("only", "", "what is measured, a `list` of "+o.measures.String()+"; left out, all")
	operator := flags.String("operator-flags", "", "`flags` for the operator, beside those that it always gets")
	flags.IntVar(&o.rounds, "rounds", 3, "how often ours and the plain client are measured, by turns")
	flags.IntVar(&o.arrivals, "arrivals", 200, "how many namespaces arrive one by one")
	flags.DurationVar(&o.idle, "idle", time.Minute, "how long the operator is watched while nothing happens")
	flags.StringVar(&o.keep, "logs", "", "an existing `directory` to keep the logs of all processes in")
	switch err := flags.Parse(args); {
	case err == flag.ErrHelp: //nolint:errorlint // As the package documents.
		flags.SetOutput(stdout)
		flags.PrintDefaults()
		return o, err
	case err != nil:
		return o, err
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q: there are flags only", flags.Arg(0))
	}
	o.flags = strings.Fields(*operator)
	err := o.read(*namespaces, *only)
	if err == nil {
		err = o.check()
	}
	return o, err
}

// read reads the lists.
func (o *options) read(namespaces, only string) error {
	for text := range strings.SplitSeq(namespaces, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < smallest {
			return fmt.Errorf("--namespaces has %q: give numbers of at least %d, with commas between", text, smallest)
		}
		o.namespaces = append(o.namespaces, n)
	}
	if only == "" {
		return nil
	}
	o.measures = nil
	for text := range strings.SplitSeq(only, ",") {
		name := measureName(strings.TrimSpace(text))
		if !allMeasures().has(name) {
			return fmt.Errorf("--only has %q: give some of %s", text, allMeasures())
		}
		o.measures = append(o.measures, name)
	}
	return nil
}

func (o *options) check() error {
	switch {
	case o.rounds < 1:
		return fmt.Errorf("--rounds is %d: give at least 1", o.rounds)
	case o.arrivals < blocks:
		return fmt.Errorf("--arrivals is %d: give at least %d", o.arrivals, blocks)
	case o.idle < time.Second:
		return fmt.Errorf("--idle is %s: give at least 1s", o.idle)
	default:
		return nil
	}
}

// String lists them.
func (m measures) String() string {
	texts := make([]string, 0, len(m))
	for _, name := range m {
		texts = append(texts, string(name))
	}
	return strings.Join(texts, ", ")
}
