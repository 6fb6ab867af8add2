{{/* The filter of the log in the syntax of RUST_LOG. Words for levels that other programs have become those of RUST_LOG. */}}
{{- define "vpc-flow-operator.logFilter" -}}
{{- $filter := toString .Values.logLevel }}
{{- $filter = regexReplaceAll "\\bwarning\\b" $filter "warn" }}
{{- $filter = regexReplaceAll "\\b(fatal|panic)\\b" $filter "error" }}
{{- /* A filter of spans may have commas and words of its own. */}}
{{- if not (contains "[" $filter) }}
{{- range splitList "," $filter }}
{{- $level := splitList "=" . | last | trim | lower }}
{{- if not (has $level (list "off" "error" "warn" "info" "debug" "trace")) }}
{{- fail (printf "logLevel has `%s`, which is not a level: set off, error, warn, info, debug or trace, or levels by part, such as info,kube=warn." $level) }}
{{- end }}
{{- end }}
{{- end }}
{{- $filter }}
{{- end }}
