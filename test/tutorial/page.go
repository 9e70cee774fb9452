package tutorial

import (
	"regexp"
	"strings"
)

// Step is a block of commands of the page, and what they are to print.
type Step struct {
	// Commands are what a reader types.
	Commands string
	// Shown is what the page shows that they print; empty if it shows nothing.
	Shown string
}

// Steps are the blocks of a page that are fenced as sh, each with the plain block after it, if that is next.
func Steps(page string) []Step {
	var out []Step
	var block *strings.Builder
	language, followsCommands := "", false
	for line := range strings.Lines(page) {
		fence, isFence := strings.CutPrefix(strings.TrimRight(line, "\n"), "```")
		switch {
		case isFence && block == nil:
			block, language = &strings.Builder{}, fence
		case isFence:
			switch {
			case language == "sh":
				out = append(out, Step{Commands: block.String()})
			case language == "" && followsCommands:
				out[len(out)-1].Shown = block.String()
			}
			followsCommands, block = language == "sh", nil
		case block != nil:
			block.WriteString(line)
		case strings.TrimSpace(line) != "":
			followsCommands = false
		}
	}
	return out
}

// Matches tells whether an output is as shown: three dots stand for lines, or for a part of a line, and blanks for any
// number of them.
func Matches(shown, printed string) bool {
	var pattern strings.Builder
	pattern.WriteString(`\A`)
	for line := range strings.Lines(strings.TrimSpace(shown) + "\n") {
		if strings.TrimSpace(line) == "..." {
			pattern.WriteString(`(?:.*\n)*?`)
			continue
		}
		for i, part := range strings.Split(strings.TrimSpace(line), "...") {
			if i > 0 {
				pattern.WriteString(`.*`)
			}
			words := strings.Fields(part)
			for j := range words {
				words[j] = regexp.QuoteMeta(words[j])
			}
			if strings.HasPrefix(part, " ") {
				pattern.WriteString(` *`)
			}
			pattern.WriteString(strings.Join(words, ` +`))
			if strings.HasSuffix(part, " ") {
				pattern.WriteString(` *`)
			}
		}
		pattern.WriteString(` *\n`)
	}
	pattern.WriteString(`\z`)
	var bare strings.Builder
	for line := range strings.Lines(strings.TrimSpace(printed) + "\n") {
		bare.WriteString(strings.TrimSpace(line) + "\n")
	}
	return regexp.MustCompile(pattern.String()).MatchString(bare.String())
}
