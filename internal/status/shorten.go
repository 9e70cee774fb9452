package status

import "strings"

// Shorten cuts a text that has more than most bytes, never inside a character, and says so
// with three dots.
func Shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + " ..."
}
