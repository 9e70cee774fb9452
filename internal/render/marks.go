package render

import "maps"

// SameOwn tells whether labels or annotations that an object has are those that it should have, as far as they are the
// operator's.
func SameOwn(have, want map[string]string) bool {
	for key, value := range want {
		if has, ok := have[key]; !ok || has != value {
			return false
		}
	}
	for key := range have {
		if _, wanted := want[key]; !wanted && IsOwnKey(key) {
			return false
		}
	}
	return true
}

// Overlaid joins the labels or annotations that others have put on an object with those that it should have.
func Overlaid(have, want map[string]string) map[string]string {
	out := make(map[string]string, len(have)+len(want))
	for key, value := range have {
		if !IsOwnKey(key) {
			out[key] = value
		}
	}
	maps.Copy(out, want)
	return out
}
