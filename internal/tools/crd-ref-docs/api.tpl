{{- /* The template of docs/api.md. The renderer looks for gvList; the others are parts of it. */ -}}
{{- define "gvList" -}}
<!-- Generated from the Go types in api/ by "make generate": change those. -->

# API reference
{{ range $gv := . }}
{{ trim $gv.Doc }}

API version: `{{ $gv.GroupVersionString }}`. The same texts are in every cluster that has the operator:
`kubectl explain segprof.spec.tiers`. It begins with the resource; the types of its fields follow by name.
{{ range $gv.SortedTypes }}{{ if .GVK }}{{ template "type" . }}{{ end }}{{ end }}
{{- range $gv.SortedTypes }}{{ if not .GVK }}{{ template "type" . }}{{ end }}{{ end }}
{{- end }}
{{- end -}}

{{- define "type" }}
{{- if markdownShouldRenderType . }}
## {{ .Name }}

{{ .Doc }}
{{- if .IsAlias }}

A {{ markdownRenderTypeLink .UnderlyingType }}.{{ template "limits" (dict "prefix" " " "of" .Validation "all" true) }}
{{- end }}
{{- with index .Markers "kubebuilder:validation:XValidation" }}

Rules:
{{ range . }}
- {{ .Message }}
{{- end }}
{{- end }}
{{- if .EnumValues }}

| Value | Meaning |
| --- | --- |
{{- range .EnumValues }}
| `{{ .Name }}` | {{ markdownRenderFieldDoc .Doc | trimSuffix "<br />" }} |
{{- end }}
{{- end }}
{{- if .Members }}

| Field | Description |
| --- | --- |
{{- if .GVK }}
| `apiVersion` | `{{ .GVK.Group }}/{{ .GVK.Version }}` |
| `kind` | `{{ .GVK.Kind }}` |
{{- end }}
{{- range .Members }}
| `{{ .Name }}`<br />{{ markdownRenderType .Type }}{{ if has "Required: {}" .Validation }}<br />required{{ end }} | {{ template "member" . }} |
{{- end }}
{{- end }}
{{- if .References }}

Used in: {{ range $i, $type := .SortedReferences }}{{ if $i }}, {{ end }}{{ markdownRenderTypeLink $type }}{{ end }}.
{{- end }}
{{ end }}
{{- end -}}

{{- /* Rules and limits of a type that has a section stand there, and not at every field of that type. */ -}}
{{- define "member" -}}
{{- $own := or .Type.IsBasic .Type.KeyType -}}
{{ markdownRenderFieldDoc .Doc }}
{{- with .Default }}<br />Default: `{{ . }}`.{{ end }}
{{- if $own }}
{{- with index .Markers "kubebuilder:validation:XValidation" }}{{ range . }}<br />Rule: {{ markdownRenderFieldDoc .Message }}.{{ end }}{{ end }}
{{- end }}
{{- template "limits" (dict "prefix" "<br />" "of" .Validation "all" $own) }}
{{- end -}}

{{- define "limits" -}}
{{- $all := .all -}}
{{- $limits := list -}}
{{- range .of }}
{{- if or (hasPrefix "MaxItems" .) (hasPrefix "MinItems" .) (and $all (regexMatch "^(items:)?(Max|Min|Pattern)" .)) }}{{ $limits = append $limits . }}{{ end }}
{{- end -}}
{{- if $limits }}{{ .prefix }}{{ range $i, $limit := $limits }}{{ if $i }}, {{ end }}{{ markdownRenderFieldDoc $limit }}{{ end }}.{{ end }}
{{- end -}}
