package audit

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of the parts of a message, in bytes but for maxVerbs and maxPeers.
const (
	// maxMessage is less than what a finding and an event take.
	maxMessage = 511
	// maxName is the longest name that Kubernetes promises to take.
	maxName = 253
	// maxShortName is what is left of names where they would make the message too long.
	maxShortName = 60
	maxExcess    = 160
	maxWord      = 63
	maxPeer      = 80
	maxShortPeer = 45
	// maxPeers is how many peers a message names.
	maxPeers = 3
	maxVerbs = 8
)

// grant is what a message is about.
type grant struct {
	binding string
	role    role
	// subjects counts who gets something undeclared; first is the first of them, and what is what
	// they get.
	subjects int
	first    subject
	what     string
}

func (g *grant) add(s subject, what string) {
	if g.subjects == 0 {
		g.first, g.what = s, what
	}
	g.subjects++
}

func (g *grant) message() string {
	text := g.withNames(maxName)
	if len(text) > maxMessage {
		text = g.withNames(maxShortName)
	}
	return text
}

func (g *grant) withNames(most int) string {
	others := ""
	if g.subjects > 1 {
		others = " and " + count(g.subjects-1, "more subject")
	}
	return fmt.Sprintf("RoleBinding %s gives %s %s%s %s by %s %s, which the profile does not declare; "+
		"remove it, or declare the access in the profile",
		clip(g.binding, most), g.first.kind, clip(g.first.name, most), others, g.what, g.role.kind, clip(g.role.name, most))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// clip takes out the middle of what is too long: names often differ at their ends. What cannot be
// printed is quoted: tenants choose these names, and people read them in a terminal.
func clip(text string, most int) string {
	if text == "" || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		text = strconv.Quote(text)
	}
	if len(text) <= most {
		return text
	}
	half := (most - len("...")) / 2
	return strings.ToValidUTF8(text[:half]+"..."+text[len(text)-half:], "")
}
