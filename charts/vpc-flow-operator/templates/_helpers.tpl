{{- define "vpc-flow-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "vpc-flow-operator.fullname" -}}
{{- default (include "vpc-flow-operator.releaseName" (list . (include "vpc-flow-operator.name" .))) .Values.fullnameOverride }}
{{- end }}

{{/* The release's name with another one, unless it is part of it: a list of the root and that. */}}
{{- define "vpc-flow-operator.releaseName" -}}
{{- $release := (index . 0).Release.Name -}}
{{- $name := index . 1 -}}
{{- ternary $release (printf "%s-%s" $release $name) (contains $name $release) | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The namespace of the pods, and of every object without another one. */}}
{{- define "vpc-flow-operator.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride }}
{{- end }}

{{/*
The name of an object in another namespace, or in none: a list of the root and that namespace. Two releases may have one name, in two namespaces.
*/}}
{{- define "vpc-flow-operator.nameIn" -}}
{{- $root := index . 0 -}}
{{- $home := include "vpc-flow-operator.namespace" $root -}}
{{- include "vpc-flow-operator.fullname" $root }}{{ if ne (default "" (index . 1)) $home }}-{{ $home }}{{ end }}
{{- end }}

{{- define "vpc-flow-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "vpc-flow-operator.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "vpc-flow-operator.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "vpc-flow-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with merge (dict) (default dict .Values.commonLabels) (default dict (.Values.global).commonLabels) }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Labels of an object, with more of its own: a list of the root and those. */}}
{{- define "vpc-flow-operator.labelsWith" -}}
{{- $root := index . 0 -}}
{{- merge (dict) (include "vpc-flow-operator.labels" $root | fromYaml) (default dict (index . 1)) | toYaml }}
{{- end }}

{{- define "vpc-flow-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "vpc-flow-operator.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "vpc-flow-operator.image" -}}
{{- $image := .Values.image -}}
{{- with default $image.registry (.Values.global).imageRegistry }}{{ . }}/{{ end }}{{ $image.repository }}:{{ default .Chart.AppVersion $image.tag }}
{{- with $image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/* The value of a name, or else that of `global`: a list of the root and the name. False and 0 are values, "" and null are none. */}}
{{- define "vpc-flow-operator.ownOrGlobal" -}}
{{- $own := get (index . 0).Values (index . 1) -}}
{{- $global := get (default dict (index . 0).Values.global) (index . 1) -}}
{{- $value := ternary $global $own (or (kindIs "invalid" $own) (eq (toString $own) "")) -}}
{{- if not (kindIs "invalid" $value) }}{{ $value }}{{ end }}
{{- end }}

{{/* Those of the parent chart and this one's, a YAML list. */}}
{{- define "vpc-flow-operator.imagePullSecrets" -}}
{{- concat (default list (.Values.global).imagePullSecrets) (default list .Values.imagePullSecrets) | uniq | toYaml }}
{{- end }}

{{/* Replicas that an upgrade under another full name ends share it with those that it starts. */}}
{{- define "vpc-flow-operator.leaseName" -}}
{{- default (include "vpc-flow-operator.releaseName" (list . .Chart.Name)) .Values.leaderElection.name }}
{{- end }}

{{/* The end of a binding: whom it binds. */}}
{{- define "vpc-flow-operator.subjects" -}}
subjects:
  - kind: ServiceAccount
    name: {{ include "vpc-flow-operator.serviceAccountName" . | quote }}
    namespace: {{ include "vpc-flow-operator.namespace" . | quote }}
{{- end }}
