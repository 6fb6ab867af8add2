{{- define "vpc-flow-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "vpc-flow-operator.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := include "vpc-flow-operator.name" . }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "vpc-flow-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "vpc-flow-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "vpc-flow-operator.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "vpc-flow-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Labels of an object, with more of its own: a list of the root and those. */}}
{{- define "vpc-flow-operator.labelsWith" -}}
{{- $root := index . 0 -}}
{{- merge (dict) (include "vpc-flow-operator.labels" $root | fromYaml) (index . 1) | toYaml }}
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
{{- with $image.registry }}{{ . }}/{{ end }}{{ $image.repository }}:{{ default .Chart.AppVersion $image.tag }}
{{- with $image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/* Those of the parent chart and this one's, a YAML list. */}}
{{- define "vpc-flow-operator.imagePullSecrets" -}}
{{- concat (default list (.Values.global).imagePullSecrets) .Values.imagePullSecrets | uniq | toYaml }}
{{- end }}

{{- define "vpc-flow-operator.leaseName" -}}
{{- default (include "vpc-flow-operator.fullname" .) .Values.leaderElection.name }}
{{- end }}

{{/* The end of a binding: whom it binds. */}}
{{- define "vpc-flow-operator.subjects" -}}
subjects:
  - kind: ServiceAccount
    name: {{ include "vpc-flow-operator.serviceAccountName" . }}
    namespace: {{ .Release.Namespace }}
{{- end }}
