{{/* What the operator uses in every namespace that it watches. */}}
{{- define "vpc-flow-operator.rules" -}}
- apiGroups: [vpcflow.dev]
  resources: [vpcflowmonitors]
  verbs: [get, list, watch, patch]
- apiGroups: [vpcflow.dev]
  resources: [vpcflowmonitors/status]
  verbs: [patch]
{{- if .Values.fleets.enabled }}
# A fleet's monitors. Their owner references need the right on finalizers where OwnerReferencesPermissionEnforcement is on.
- apiGroups: [vpcflow.dev]
  resources: [vpcflowmonitors]
  verbs: [create, delete]
- apiGroups: [vpcflow.dev]
  resources: [vpcflowfleets]
  verbs: [get, list, watch]
- apiGroups: [vpcflow.dev]
  resources: [vpcflowfleets/status]
  verbs: [patch]
- apiGroups: [vpcflow.dev]
  resources: [vpcflowfleets/finalizers]
  verbs: [update]
# An overview has a finalizer, which is set by a patch.
- apiGroups: [vpcflow.dev]
  resources: [vpcflowoverviews]
  verbs: [get, list, watch, patch]
- apiGroups: [vpcflow.dev]
  resources: [vpcflowoverviews/status]
  verbs: [patch]
{{- end }}
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- with .Values.rbac.additionalPermissions }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The UID of kube-system names the cluster where clusterName does not. */}}
{{- define "vpc-flow-operator.clusterNameRule" -}}
- apiGroups: [""]
  resources: [namespaces]
  resourceNames: [kube-system]
  verbs: [get]
{{- end }}
