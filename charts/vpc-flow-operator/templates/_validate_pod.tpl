{{/* Combinations that Kubernetes accepts, and that do not work. */}}
{{- define "vpc-flow-operator.validatePod" -}}
{{- if and (eq (default "" .Values.dnsPolicy) "ClusterFirstWithHostNet") (not .Values.hostNetwork) }}
{{- fail "dnsPolicy is ClusterFirstWithHostNet and hostNetwork is false: that policy is for pods in the network of their node. Set hostNetwork, or dnsPolicy ClusterFirst." }}
{{- end }}
{{- if and .Values.hostNetwork .Values.networkPolicy.enabled }}
{{- fail "hostNetwork and networkPolicy.enabled are both true: a NetworkPolicy has no effect on pods in the network of their node. Set one of them." }}
{{- end }}
{{- if not (or .Values.automountServiceAccountToken .Values.extraVolumeMounts) }}
{{- fail "automountServiceAccountToken is false and extraVolumeMounts is empty: the operator would have no token for Kubernetes. Mount one with extraVolumes and extraVolumeMounts." }}
{{- end }}
{{- range .Values.rbac.additionalPermissions }}
{{- if and .nonResourceURLs $.Values.watchNamespaces }}
{{- fail "rbac.additionalPermissions has nonResourceURLs, which only a ClusterRole can have: with watchNamespaces there are Roles. Bind a ClusterRole of your own." }}
{{- end }}
{{- end }}
{{- end }}

{{- define "vpc-flow-operator.validateMetrics" -}}
{{- if and .serviceMonitor.enabled .podMonitor.enabled }}
{{- fail "metrics.serviceMonitor.enabled and metrics.podMonitor.enabled are both true: Prometheus would have every metric twice. Enable one of them." }}
{{- end }}
{{- if and .serviceMonitor.enabled (not .service.enabled) }}
{{- fail "metrics.serviceMonitor needs metrics.service.enabled, because it finds the pods through the Service: enable it, or metrics.podMonitor instead." }}
{{- end }}
{{- end }}
