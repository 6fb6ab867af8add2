{{/* Names of values in other charts, such as cert-manager's and external-dns', and the names in this one. values.schema.json lets them through. */}}
{{- define "vpc-flow-operator.otherNames" -}}
annotations: deploymentAnnotations or podAnnotations
args: extraArgs
containerSecurityContext: securityContext, and podSecurityContext for the pod,
deploymentStrategy: strategy
env: extraEnv
envFrom: extraEnvFrom
extraDeploy: extraObjects
extraInitContainers: initContainers
extraManifests: extraObjects
grafanaDashboard: metrics.dashboard
http_proxy: HTTP_PROXY in extraEnv
https_proxy: HTTPS_PROXY in extraEnv
imageNamespace: image.repository
imageRegistry: image.registry
installCRDs: crds.enabled
interval: resync
labels: commonLabels
namespace: namespaceOverride
namespaced: watchNamespaces
no_proxy: NO_PROXY in extraEnv
pdb: podDisruptionBudget
podDnsConfig: dnsConfig
podDnsPolicy: dnsPolicy
podMonitor: metrics.podMonitor
prometheus: metrics.serviceMonitor, metrics.podMonitor or metrics.prometheusRule
prometheusRule: metrics.prometheusRule
region: aws.region
replicas: replicaCount
service: metrics.service
serviceAccountName: serviceAccount.name
serviceAnnotations: metrics.service.annotations
serviceIPFamilies: metrics.service.ipFamilies
serviceIPFamilyPolicy: metrics.service.ipFamilyPolicy
serviceLabels: metrics.service.labels
serviceMonitor: metrics.serviceMonitor
sidecars: extraContainers
sourceNamespace: watchNamespaces
updateStrategy: strategy
volumeMounts: extraVolumeMounts
volumes: extraVolumes
watchNamespace: watchNamespaces
crds.create: crds.enabled
crds.install: crds.enabled
global.leaderElection: leaderElection
global.logLevel: logLevel
global.rbac: rbac
image.name: image.repository
image.pullSecrets: imagePullSecrets
leaderElection.leaseName: leaderElection.name
leaderElection.namespace: namespaceOverride, which moves the Lease with the pods,
livenessProbe.enabled: livenessProbe (null removes it)
metrics.enabled: metrics.service.enabled
metrics.podMonitor.additionalLabels: metrics.podMonitor.labels
metrics.podMonitor.bearerTokenFile: metrics.podMonitor.endpointAdditionalProperties.authorization
metrics.podMonitor.prometheusInstance: metrics.podMonitor.labels.prometheus
metrics.podMonitor.targetLabels: metrics.podMonitor.podTargetLabels
metrics.podmonitor: metrics.podMonitor
metrics.prometheusRule.additionalLabels: metrics.prometheusRule.labels
metrics.prometheusRule.rules: metrics.prometheusRule.additionalRules
metrics.serviceMonitor.additionalLabels: metrics.serviceMonitor.labels
metrics.serviceMonitor.bearerTokenFile: metrics.serviceMonitor.endpointAdditionalProperties.bearerTokenFile
metrics.serviceMonitor.prometheusInstance: metrics.serviceMonitor.labels.prometheus
metrics.servicemonitor: metrics.serviceMonitor
rbac.additionalRules: rbac.additionalPermissions
rbac.aggregateClusterRoles: rbac.aggregateToView and rbac.aggregateToEdit
readinessProbe.enabled: readinessProbe (null removes it)
{{- end }}

{{/* Reports all at once. In a parent chart, other keys of `global` are those of its other charts. */}}
{{- define "vpc-flow-operator.validateNames" -}}
{{- $problems := list }}
{{- range $other, $ours := include "vpc-flow-operator.otherNames" . | fromYaml }}
{{- $value := $.Values }}
{{- range $key := splitList "." $other }}
{{- $value = ternary $value dict (kindIs "map" $value) }}
{{- $value = ternary (get $value $key) "" (hasKey $value $key) }}
{{- end }}
{{- $unset := or (kindIs "invalid" $value) (eq (toString $value) "") }}
{{- if not (or $unset (and (hasPrefix "global." $other) (not $.Chart.IsRoot))) }}
{{- $problems = append $problems (printf "%s is not a value of this chart: set %s instead." $other $ours) }}
{{- end }}
{{- end }}
{{- if .Chart.IsRoot }}
{{- /* Rancher adds the last two to every chart. */}}
{{- $known := list "commonLabels" "hostUsers" "imagePullSecrets" "imageRegistry" "nodeSelector" "priorityClassName" "revisionHistoryLimit" "runtimeClassName" "cattle" "systemDefaultRegistry" }}
{{- range $key, $_ := omit (default dict .Values.global) "leaderElection" "logLevel" "rbac" }}
{{- if not (has $key $known) }}
{{- $problems = append $problems (printf "global.%s has no effect in this chart: remove it." $key) }}
{{- end }}
{{- end }}
{{- end }}
{{- with $problems }}
{{- fail (join "\n" .) }}
{{- end }}
{{- end }}
