#!/usr/bin/env bash
# Measures the operator with that many monitors, in an environment that is already running: memory, and reads per pass at rest.
#   devenv run -- tools/bench-monitors.sh vpc-flow-operator 100
set -euo pipefail

operator=$1
count=$2
resync=${3:-5m}
log=$(mktemp)
# As in the image.
export MALLOC_MMAP_THRESHOLD_=131072 MALLOC_TRIM_THRESHOLD_=131072
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')

rss() { awk '/^VmRSS/ { printf "%.1f MiB", $2 / 1024 }' "/proc/$pid/status"; }
metrics() { curl --silent --fail "http://127.0.0.1:$port/metrics"; }
sum() { awk -v name="$1" 'index($1, name) == 1 { sum += $2 } END { print sum + 0 }'; }
passes() { metrics | sum vpc_flow_operator_reconcile_total; }

# A VPC has room for few flow logs, so each monitor gets its own.
new_vpc() {
    curl --silent --fail "$AWS_ENDPOINT_URL" --data 'Action=CreateVpc&Version=2016-11-15&CidrBlock=10.0.0.0/16' \
        --header "Authorization: AWS4-HMAC-SHA256 Credential=$AWS_ACCESS_KEY_ID/20260101/$AWS_REGION/ec2/aws4_request, SignedHeaders=host, Signature=0" |
        grep -o 'vpc-[0-9a-f]*' | head -1
}

kubectl apply --server-side --filename crds/ > /dev/null
kubectl wait --for=condition=Established crd/vpcflowmonitors.vpcflow.dev > /dev/null
"$operator" run --cluster-name bench --metrics-addr "127.0.0.1:$port" --resync "$resync" 2> "$log" &
pid=$!
trap 'kill "$pid" 2> /dev/null || true' EXIT
until curl --silent --fail "http://127.0.0.1:$port/readyz" > /dev/null; do sleep 0.2; done
echo "memory without monitors: $(rss)"

for number in $(seq "$count"); do
    printf -- '---\napiVersion: vpcflow.dev/v1alpha1\nkind: VpcFlowMonitor\nmetadata: {name: m%s, namespace: default}\nspec: {vpcId: %s}\n' "$number" "$(new_vpc)"
done | kubectl apply --filename - > /dev/null
start=$SECONDS
until kubectl wait --for=condition=Ready vpcflowmonitors --all --timeout=1h > /dev/null; do sleep 1; done
echo "$count monitors Ready after $((SECONDS - start)) s; memory: $(rss)"
metrics | grep '^vpc_flow_operator_aws_throttles_total' || echo "AWS refused nothing because of its rate"

# Since all are Ready, every pass is one at rest.
before=$(metrics)
first=$(sum vpc_flow_operator_reconcile_total <<< "$before")
until (($(passes) >= first + 2 * count)); do sleep 1; done
after=$(metrics)
echo "memory after two resyncs: $(rss)"
echo "reads per pass at rest:"
join <(grep '^vpc_flow_operator_aws_requests_total' <<< "$before" | tr ' ' '_' | sed 's/_\([0-9]*\)$/ \1/' | sort) \
    <(grep '^vpc_flow_operator_aws_requests_total' <<< "$after" | tr ' ' '_' | sed 's/_\([0-9]*\)$/ \1/' | sort) |
    awk -v passes="$(($(sum vpc_flow_operator_reconcile_total <<< "$after") - first))" '
        $3 > $2 { split($1, part, "\""); printf "  %-16s %-34s %.2f\n", part[2], part[4], ($3 - $2) / passes; sum += $3 - $2 }
        END { printf "  %-16s %-34s %.1f\n", "all", "", sum / passes }'
