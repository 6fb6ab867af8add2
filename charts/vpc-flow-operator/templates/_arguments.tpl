{{/* Arguments of the container, a YAML list. */}}
{{- define "vpc-flow-operator.arguments" -}}
- run
{{- if .Values.leaderElection.enabled }}
- --leader-elect
- --leader-elect-namespace={{ include "vpc-flow-operator.namespace" . }}
- --leader-elect-name={{ include "vpc-flow-operator.leaseName" . }}
- --leader-elect-lease-duration={{ .Values.leaderElection.leaseDuration }}
- --leader-elect-renew-deadline={{ .Values.leaderElection.renewDeadline }}
- --leader-elect-retry-period={{ .Values.leaderElection.retryPeriod }}
{{- end }}
{{- with .Values.clusterName }}
- --cluster-name={{ . }}
{{- end }}
{{- with .Values.aws.region }}
- --region={{ . }}
{{- end }}
{{- range .Values.watchNamespaces }}
- --watch-namespace={{ . }}
{{- end }}
{{- if .Values.fleets.enabled }}
- --fleets
{{- end }}
{{- range .Values.allowedRoles }}
- {{ printf "--allowed-role=%s" . | quote }}
{{- end }}
{{- range .Values.allowedSubscriptionRoles }}
- {{ printf "--allowed-subscription-role=%s" . | quote }}
{{- end }}
{{- range .Values.allowedAdoptions }}
- {{ printf "--allowed-adoption=%s" . | quote }}
{{- end }}
{{- with .Values.permissionsBoundaryArn }}
- --permissions-boundary-arn={{ . }}
{{- end }}
{{- with .Values.detectorArchitecture }}
- --detector-architecture={{ . }}
{{- end }}
- --default-deletion-policy={{ .Values.defaultDeletionPolicy }}
- --resync={{ .Values.resync }}
- --alarm-interval={{ .Values.alarmInterval }}
- --concurrency={{ .Values.concurrency }}
- {{ printf "--metrics-addr=%s:%v" .Values.metrics.bindAddress .Values.metrics.port | quote }}
- --log-format={{ .Values.logFormat }}
{{- range .Values.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end }}

{{/* Environment of the container, a YAML list. */}}
{{- define "vpc-flow-operator.environment" -}}
- name: RUST_LOG
  value: {{ include "vpc-flow-operator.logFilter" . | quote }}
{{- with .Values.aws.endpointUrl }}
- name: AWS_ENDPOINT_URL
  value: {{ . | quote }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}
