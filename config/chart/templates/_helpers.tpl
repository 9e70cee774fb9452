{{/*
The objects of one of the files in files/, as a JSON array: what kustomize builds from the directory of the same name in
config/ (make generate). Namespace and account of the operator are those of the release.
  include "segmentation-operator.objects" (list $ "rbac") | fromJsonArray
*/}}
{{- define "segmentation-operator.objects" -}}
{{- $root := index . 0 }}
{{- $text := $root.Files.Get (printf "files/%s.yaml" (index . 1)) | replace "segmentation-system" $root.Release.Namespace }}
{{- $objects := list }}
{{- range regexSplit "(?m)^---$" $text -1 }}
{{- $objects = append $objects (fromYaml .) }}
{{- end }}
{{- toJson $objects }}
{{- end }}

{{/*
An object as YAML, with the labels that all have. None is app.kubernetes.io/managed-by: by that the operator knows what it
may change and delete. Helm adds that label itself, and says "Helm".
  include "segmentation-operator.object" (list $ .)
*/}}
{{- define "segmentation-operator.object" -}}
{{- $root := index . 0 }}
{{- $object := index . 1 }}
{{- $labels := dict
    "app.kubernetes.io/name" "segmentation-operator"
    "app.kubernetes.io/part-of" "segmentation-operator"
    "app.kubernetes.io/version" ($root.Chart.AppVersion | replace "+" "_" | trunc 63)
    "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") }}
{{- $_ := set $object.metadata "labels" (merge (dict) ($object.metadata.labels | default dict) $labels $root.Values.commonLabels) }}
---
{{ toYaml $object }}
{{- end }}

{{/*
Namespaces that no profile may claim, but for the operator's own, as a JSON array. The first ones are the operator's
default, which the chart's users add to.
*/}}
{{- define "segmentation-operator.protected" -}}
{{- concat (list "kube-system" "kube-public" "kube-node-lease") .Values.protectedNamespaces | uniq | toJson }}
{{- end }}

{{- define "segmentation-operator.image" -}}
{{- with .Values.image }}
{{- if .digest }}
{{- printf "%s@%s" .repository .digest }}
{{- else }}
{{- printf "%s:%s" .repository (.tag | default $.Chart.AppVersion) }}
{{- end }}
{{- end }}
{{- end }}
