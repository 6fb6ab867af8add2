{{/* What values.schema.json cannot tell. */}}
{{- define "vpc-flow-operator.validate" -}}
{{- include "vpc-flow-operator.validateNames" . }}
{{- if and (gt (int .Values.replicaCount) 1) (not .Values.leaderElection.enabled) }}
{{- fail "replicaCount is more than 1 and leaderElection.enabled is false: several replicas would work at once. Enable leader election, or run one." }}
{{- end }}
{{- with .Values.strategy }}
{{- if and (ne (default "" .type) "Recreate") (not $.Values.leaderElection.enabled) }}
{{- fail "leaderElection.enabled is false and strategy.type is not Recreate: a rollout would have two operators at work. Enable leader election, or set no strategy." }}
{{- end }}
{{- if and (eq (default "" .type) "Recreate") .rollingUpdate }}
{{- fail "strategy.rollingUpdate is set and strategy.type is Recreate: Kubernetes takes it with RollingUpdate only." }}
{{- end }}
{{- end }}
{{- include "vpc-flow-operator.validatePod" . }}
{{- include "vpc-flow-operator.validateMetrics" .Values.metrics }}
{{- include "vpc-flow-operator.validateTimes" . }}
{{- include "vpc-flow-operator.validateExtras" . }}
{{- with .Values.podDisruptionBudget }}
{{- if not (or (kindIs "invalid" .minAvailable) (kindIs "invalid" .maxUnavailable)) }}
{{- fail "podDisruptionBudget.minAvailable and podDisruptionBudget.maxUnavailable are both set: Kubernetes takes one of them." }}
{{- end }}
{{- end }}
{{- $seen := dict }}
{{- range .Values.monitors }}
{{- $namespace := default (include "vpc-flow-operator.namespace" $) .namespace }}
{{- if and $.Values.watchNamespaces (not (has $namespace $.Values.watchNamespaces)) }}
{{- fail (printf "monitor %s is in namespace %s, which watchNamespaces does not list: no operator would reconcile it." .name $namespace) }}
{{- end }}
{{- $key := printf "%s/%s" $namespace .name }}
{{- if hasKey $seen $key }}
{{- fail (printf "monitors has %s twice." $key) }}
{{- end }}
{{- $_ := set $seen $key true }}
{{- end }}
{{- if and .Values.monitors .Values.crds.enabled (include "vpc-flow-operator.crdIsMissing" .) }}
{{- fail "monitors cannot be created before their CustomResourceDefinition exists: install without `monitors` first, then add them by an upgrade." }}
{{- end }}
{{- end }}

{{/* Not empty if a cluster is there to ask, and has no such kind yet. Helm refuses a release with objects of unknown kinds as a whole. */}}
{{- define "vpc-flow-operator.crdIsMissing" -}}
{{- if lookup "v1" "Namespace" "" "kube-system" }}
{{- if not (lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" "vpcflowmonitors.vpcflow.dev") }}missing{{ end }}
{{- end }}
{{- end }}
