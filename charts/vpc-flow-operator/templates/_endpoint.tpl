{{/* The endpoint of a ServiceMonitor or PodMonitor: a list of its values and their path. */}}
{{- define "vpc-flow-operator.endpoint" -}}
{{- $settings := index . 0 }}
{{- $path := index . 1 }}
{{- $more := default dict $settings.endpointAdditionalProperties }}
{{- $endpoint := dict "port" "http" "path" "/metrics" "honorLabels" $settings.honorLabels "interval" $settings.interval }}
{{- range $key := list "scrapeTimeout" "scheme" "tlsConfig" "relabelings" "metricRelabelings" }}
{{- with get $settings $key }}
{{- $_ := set $endpoint $key . }}
{{- end }}
{{- end }}
{{- range $key := list "honorLabels" "interval" "scrapeTimeout" "scheme" "tlsConfig" "relabelings" "metricRelabelings" }}
{{- if hasKey $more $key }}
{{- fail (printf "%s.endpointAdditionalProperties has %s: set %s.%s instead." $path $key $path $key) }}
{{- end }}
{{- end }}
{{- /* The Prometheus operator prefers `port` to both. */}}
{{- if or (hasKey $more "targetPort") (hasKey $more "portNumber") }}
{{- $_ := unset $endpoint "port" }}
{{- end }}
{{- mergeOverwrite $endpoint $more | toYaml }}
{{- end }}
