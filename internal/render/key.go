package render

import "encoding/json"

// Key is a text by which parts of policies are told apart: peers, ports, selectors. Marshalling sorts
// the keys of maps, so equal parts have equal texts.
func Key(part any) string {
	key, err := json.Marshal(part)
	if err != nil {
		// Strings, numbers, and maps and slices of them cannot fail to marshal.
		panic(err)
	}
	return string(key)
}
