package chart

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// difference says in lines, sorted, what is different in objects: objects that came (+) and went (-), and fields that
// did, or have another value now.
func difference(before, after objects) []string {
	var out []string
	for key := range before {
		if after[key] == nil {
			out = append(out, "- "+key)
		}
	}
	for key, obj := range after {
		if before[key] == nil {
			out = append(out, "+ "+key)
			continue
		}
		for _, line := range fieldDifference(fields(before[key].Object), fields(obj.Object)) {
			out = append(out, key+": "+line)
		}
	}
	slices.Sort(out)
	return out
}

func fieldDifference(before, after map[string]string) []string {
	var out []string
	for path := range before {
		if _, is := after[path]; !is {
			out = append(out, path+" is gone")
		}
	}
	for path, value := range after {
		if was, is := before[path]; !is || was != value {
			out = append(out, path+" = "+value)
		}
	}
	return out
}

// fields are the values in an object, each with the path to it. What is empty counts as a value.
func fields(value any) map[string]string {
	out := map[string]string{}
	collect(value, "", out)
	return out
}

func collect(value any, path string, out map[string]string) {
	switch v := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			collect(v[name], strings.TrimPrefix(path+"."+name, "."), out)
		}
		if len(v) > 0 {
			return
		}
	case []any:
		for i, item := range v {
			collect(item, fmt.Sprintf("%s[%d]", path, i), out)
		}
		if len(v) > 0 {
			return
		}
	}
	text, err := json.Marshal(value)
	if err != nil {
		text = fmt.Append(nil, value)
	}
	out[path] = strings.Trim(string(text), `"`)
}
