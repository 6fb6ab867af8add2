#!/usr/bin/env bash
# Shows a fleet and an overview over three accounts and two regions, in an environment that is already running. A step fails if the result that it shows is missing.
#   devenv run -- tools/demo-fleet/demo.sh OPERATOR PYTHON PICTURE
set -euo pipefail

cd "$(dirname "$0")/../.."
operator=$1
python=$2
picture=$3
here=123456789012
payments=444455556666
shop=777788889999
far=us-east-1
near=eu-west-1
folder=$(mktemp -d)
pids=()
trap '[[ ${#pids[@]} -eq 0 ]] || kill "${pids[@]}" 2> /dev/null || true; rm -rf "$folder"' EXIT

steps=0
step() { steps=$((steps + 1)); printf '\n\033[1m%d. %s\033[0m\n' "$steps" "$1"; }
fail() { printf 'demo-fleet: %s\n' "$1" >&2; exit 1; }
kubectl() { "$KUBECTL" --namespace network "$@"; }
# aws ACCOUNT REGION SERVICE OPERATION JSON
aws() {
    AWS_ACCESS_KEY_ID=$1 AWS_REGION=$2 AWS_DEFAULT_REGION=$2 "$python" -B emulator/aws.py "$3" "$4" --cli-input-json "$5"
}
# vpc ACCOUNT REGION: a new VPC with the tag of the selector
vpc() {
    local tags='[{"ResourceType": "vpc", "Tags": [{"Key": "env", "Value": "prod"}]}]'
    aws "$1" "$2" ec2 create-vpc "{\"CidrBlock\": \"10.0.0.0/16\", \"TagSpecifications\": $tags}" | grep -o 'vpc-[0-9a-f]\{17\}' | head -n 1
}
traffic() {
    curl --silent --fail --show-error "$AWS_ENDPOINT_URL/_devenv/traffic" --header 'Content-Type: application/json' --data \
        "{\"account\": \"$1\", \"region\": \"$2\", \"vpcId\": \"$3\", \"scenario\": \"$4\", \"minutes\": 10}" > /dev/null
}
# fleet SPEC-LINES: applies the fleet with this template
fleet() {
    kubectl apply --server-side --force-conflicts --filename - << EOF
apiVersion: vpcflow.dev/v1alpha1
kind: VpcFlowFleet
metadata: {name: prod}
spec:
  places:
    - {name: shared, regions: [$near]}
    - {name: payments, regions: [$near, $far], assumeRole: {roleArn: "arn:aws:iam::$payments:role/vpc-flow-operator"}}
    - {name: shop, regions: [$far], assumeRole: {roleArn: "arn:aws:iam::$shop:role/vpc-flow-operator"}}
  selector: {matchTags: {env: prod}}
  template:
    spec: {deletionPolicy: Delete, $1}
  rollout: {waves: [1, 100%], soakSeconds: 1}
  discoverySeconds: 60
EOF
}
until_fleet() { kubectl wait --timeout=3m "--for=jsonpath=$1" vff/prod > /dev/null || { kubectl get vff,vfm --output wide; fail "the fleet is not so: $1"; }; }

step "Three accounts, two regions, four VPCs with the tag env=prod, and a role of the operator in each of the two other accounts"
trust="{\\\"Version\\\": \\\"2012-10-17\\\", \\\"Statement\\\": [{\\\"Effect\\\": \\\"Allow\\\", \\\"Principal\\\": {\\\"AWS\\\": \\\"arn:aws:iam::$here:root\\\"}, \\\"Action\\\": [\\\"sts:AssumeRole\\\", \\\"sts:TagSession\\\"]}]}"
for account in $payments $shop; do
    aws "$account" $near iam create-role "{\"RoleName\": \"vpc-flow-operator\", \"AssumeRolePolicyDocument\": \"$trust\"}" > /dev/null
done
quiet=("$here $near $(vpc $here $near)" "$payments $near $(vpc $payments $near)" "$shop $far $(vpc $shop $far)")
attacked=$(vpc $payments $far)

step "The operator starts, with fleets and overviews"
"$KUBECTL" apply --server-side --filename crds/ > /dev/null
for kind in monitors fleets overviews; do
    "$KUBECTL" wait --for=condition=Established "crd/vpcflow$kind.vpcflow.dev" > /dev/null
done
"$KUBECTL" create namespace network > /dev/null
port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$operator" run --cluster-name demo --fleets --metrics-addr "127.0.0.1:$port" 2> "$folder/operator.log" \
    --allowed-role "network=arn:aws:iam::$payments:role/vpc-flow-operator" --allowed-role "network=arn:aws:iam::$shop:role/vpc-flow-operator" &
pids+=($!)
until curl --silent --fail "http://127.0.0.1:$port/readyz" > /dev/null; do
    kill -0 "${pids[0]}" 2> /dev/null || { cat "$folder/operator.log" >&2; fail "the operator has ended"; }
done

step "One object: a monitor for each of the VPCs"
fleet 'trafficType: ALL'
until_fleet '{.status.monitors.ready}=4'
kubectl wait --for=condition=Ready --timeout=2m vff/prod
kubectl get vff,vfm

step "A new VPC in the shop: the next search finds it, and it gets its monitor"
vpc $shop $far
kubectl annotate vff/prod "vpcflow.dev/reconcile-requested-at=$(date +%s)" > /dev/null
until_fleet '{.status.monitors.ready}=5'
kubectl get vff/prod

step "A template with a mistake: a subscription with a role that the operator may not hand to SNS. The first wave is one monitor, and the change goes no further"
stream="{protocol: firehose, endpoint: \"arn:aws:firehose:$near:$here:deliverystream/alarms\", subscriptionRoleArn: \"arn:aws:iam::$here:role/alarms\"}"
fleet "trafficType: ALL, notifications: {subscriptions: [$stream]}"
until_fleet '{.status.conditions[?(@.type=="Stalled")].status}=True'
kubectl get vff/prod --output wide
[[ $(kubectl get vff/prod --output 'jsonpath={.status.monitors.updated}') == 1 ]] || fail "the change has reached more than one monitor"

step "The template is mended: the wave goes on, and then all others get it"
fleet 'trafficType: ALL, aggregationInterval: 600'
until_fleet '{.status.monitors.updated}=5'
kubectl wait --for=condition=Ready --timeout=3m vff/prod
kubectl get vff/prod

step "One dashboard and one topic for all of them: an overview, with a queue that subscribes to its topic"
queue=arn:aws:sqs:$near:$here:alarms
policy="{\\\"Statement\\\": [{\\\"Effect\\\": \\\"Allow\\\", \\\"Principal\\\": {\\\"Service\\\": \\\"sns.amazonaws.com\\\"}, \\\"Action\\\": \\\"sqs:SendMessage\\\", \\\"Resource\\\": \\\"$queue\\\"}]}"
url=$(aws $here $near sqs create-queue "{\"QueueName\": \"alarms\", \"Attributes\": {\"Policy\": \"$policy\"}}" | grep -o 'http[^"]*')
kubectl apply --server-side --filename - << EOF
apiVersion: vpcflow.dev/v1alpha1
kind: VpcFlowOverview
metadata: {name: prod}
spec:
  monitorSelector: {matchLabels: {vpcflow.dev/fleet: prod}}
  alerts: {subscriptions: [{protocol: sqs, endpoint: "$queue"}]}
EOF
kubectl wait --timeout=2m --for=jsonpath='{.status.monitors.ready}=5' vfo/prod > /dev/null
kubectl wait --timeout=2m --for=condition=Ready vfo/prod
kubectl get vfo/prod
kubectl get vfo/prod --output 'jsonpath={range .status.places[*]}{.accountId} {.region}: {.monitors} monitors, {.rules} rules{"\n"}{end}'

step "An attack in the account payments, in $far: its alarm arrives in the queue in $near"
for place in "${quiet[@]}"; do
    read -r account region id <<< "$place"
    traffic "$account" "$region" "$id" normal
done
traffic $payments $far "$attacked" attack
"$python" -B tools/demo-fleet/received.py "$here" "$near" "$url" "$payments" "$far"

step "The dashboard of the overview, drawn from the body and the metrics that CloudWatch has"
mkdir -p "$(dirname "$picture")"
"$python" -B tools/demo-fleet/dashboard.py "$here" "$near" "$picture"

step "All of it in a tree"
"$operator" status --namespace network

step "The overview goes, then the fleet with its monitors: nothing is left in any account"
kubectl delete vfo/prod
kubectl delete vff/prod
# The garbage collector of a cluster does this; the environment has none.
kubectl delete vfm --all --timeout=3m
for place in "$here $near" "$payments $near" "$payments $far" "$shop $far"; do
    read -r account region <<< "$place"
    left=$(curl --silent --fail "$AWS_ENDPOINT_URL/_devenv/inventory?account=$account&region=$region" | grep -o 'vfm-[a-z0-9-]*' | sort -u || true)
    [[ -z $left ]] || fail "left in $account $region: $left"
done
echo "nothing is left"
