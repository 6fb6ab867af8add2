{{/* What `vpc-flow-operator run` itself would refuse, in a pod that then never starts. */}}
{{- define "vpc-flow-operator.validateTimes" -}}
{{- if lt (include "vpc-flow-operator.milliseconds" .Values.resync | atoi) 1000 }}
{{- fail "resync is less than 1s." }}
{{- end }}
{{- if lt (include "vpc-flow-operator.milliseconds" .Values.alarmInterval | atoi) 1000 }}
{{- fail "alarmInterval is less than 1s." }}
{{- end }}
{{- if .Values.leaderElection.enabled }}
{{- $lease := include "vpc-flow-operator.milliseconds" .Values.leaderElection.leaseDuration | atoi }}
{{- $renew := include "vpc-flow-operator.milliseconds" .Values.leaderElection.renewDeadline | atoi }}
{{- $retry := include "vpc-flow-operator.milliseconds" .Values.leaderElection.retryPeriod | atoi }}
{{- if or (lt $lease 1000) (mod $lease 1000) (gt (div $lease 1000) 2147483647) }}
{{- fail "leaderElection.leaseDuration must be whole seconds, at least 1s: the Lease stores no others." }}
{{- end }}
{{- if ge $renew $lease }}
{{- fail "leaderElection.renewDeadline must be shorter than leaderElection.leaseDuration: a leader gives up before others take over." }}
{{- end }}
{{- if or (lt $retry 1) (gt (mul 2 $retry) $renew) }}
{{- fail "leaderElection.retryPeriod must be more than 0s and at most half of leaderElection.renewDeadline: one lost request must not cost the Lease." }}
{{- end }}
{{- end }}
{{- end }}

{{- define "vpc-flow-operator.milliseconds" -}}
{{- $units := dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 "d" 86400000 }}
{{- $total := 0 }}
{{- range regexFindAll "[0-9]+[a-z]+" . -1 }}
{{- $unit := regexFind "[a-z]+" . }}
{{- $total = add $total (mul (trimSuffix $unit . | atoi) (index $units $unit)) }}
{{- end }}
{{- $total }}
{{- end }}

{{/* An argument or variable that is there twice is refused by the program or Kubernetes, or silently has no effect. */}}
{{- define "vpc-flow-operator.validateExtras" -}}
{{- $flags := include "vpc-flow-operator.flags" . | fromYaml }}
{{- $variables := dict "RUST_LOG" "logLevel" "AWS_ENDPOINT_URL" "aws.endpointUrl" }}
{{- range $flag, $value := $flags }}
{{- $_ := set $variables ($flag | trimPrefix "--" | replace "-" "_" | upper) $value }}
{{- end }}
{{- range .Values.extraArgs }}
{{- $flag := splitList "=" . | first }}
{{- with index $flags $flag }}
{{- fail (printf "extraArgs has %s: set %s instead." $flag .) }}
{{- end }}
{{- if and $.Values.detectorArchitecture (eq $flag "--detector-package") }}
{{- fail "extraArgs has --detector-package: that goes without detectorArchitecture." }}
{{- end }}
{{- end }}
{{- range $variable := .Values.extraEnv }}
{{- with index $variables $variable.name }}
{{- fail (printf "extraEnv has %s: set %s instead." $variable.name .) }}
{{- end }}
{{- end }}
{{- end }}

{{/* The value that is for each flag. */}}
{{- define "vpc-flow-operator.flags" -}}
--leader-elect: leaderElection.enabled
--leader-elect-namespace: leaderElection.enabled
--leader-elect-name: leaderElection.name
--leader-elect-lease-duration: leaderElection.leaseDuration
--leader-elect-renew-deadline: leaderElection.renewDeadline
--leader-elect-retry-period: leaderElection.retryPeriod
--cluster-name: clusterName
--region: aws.region
--watch-namespace: watchNamespaces
--fleets: fleets.enabled
--allowed-role: allowedRoles
--allowed-subscription-role: allowedSubscriptionRoles
--allowed-adoption: allowedAdoptions
--permissions-boundary-arn: permissionsBoundaryArn
--detector-architecture: detectorArchitecture
--default-deletion-policy: defaultDeletionPolicy
--resync: resync
--alarm-interval: alarmInterval
--concurrency: concurrency
--metrics-addr: metrics.bindAddress and metrics.port
--log-format: logFormat
{{- end }}
