package cli

import (
	"io"
	"os"

	"golang.org/x/term"
)

// colour is how a text stands out on a terminal.
type colour string

const (
	green  colour = "32"
	red    colour = "31"
	yellow colour = "33"
	bold   colour = "1"
)

// painter paints, unless it is the zero one.
type painter struct{ isOn bool }

// newPainter paints for a terminal, unless its user asks for no colours: https://no-color.org.
func newPainter(out io.Writer) painter {
	file, isFile := out.(*os.File)
	return painter{isFile && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(file.Fd()))}
}

func (p painter) paint(c colour, text string) string {
	if !p.isOn || c == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// signColour is the colour of a line by the sign that it begins with.
func signColour(line string) colour {
	switch {
	case line == "":
		return ""
	case line[0] == '+':
		return green
	case line[0] == '-':
		return red
	case line[0] == '!':
		return yellow
	default:
		return ""
	}
}
