#!/usr/bin/env bash
# The demo in a kind cluster: the image, the chart, AWS emulated in the cluster, and the quickstart brought to Ready. `kind.sh down` ends it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

cluster=vpc-flow-operator context=kind-vpc-flow-operator
operator=vpc-flow-operator:kind emulator=vpc-flow-operator-emulator:kind

say() { printf '\n== %s\n' "$*"; }
kube() { kubectl --context "$context" "$@"; }
# aws SERVICE OPERATION JSON: asks the emulator from inside of its pod.
aws() {
    kube exec --namespace aws deployment/emulator -- env AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_ACCESS_KEY_ID=123456789012 \
        AWS_SECRET_ACCESS_KEY=emulator AWS_DEFAULT_REGION=eu-west-1 python aws.py "$1" "$2" --cli-input-json "$3"
}

for tool in docker kind kubectl helm; do
    command -v "$tool" >/dev/null || {
        echo "missing: $tool. Without Docker, \`make demo\` shows the same." >&2
        exit 1
    }
done
if [ "${1:-up}" = down ]; then
    exec kind delete cluster --name "$cluster"
fi

say "Building the images (the first time takes as long as the SDKs take)"
docker build --tag "$operator" .
docker build --tag "$emulator" --file tools/kind/emulator.Dockerfile emulator

say "A cluster"
kind get clusters | grep -qx "$cluster" || kind create cluster --config kind-config.yaml --wait 2m
kind load docker-image --name "$cluster" "$operator" "$emulator"

say "AWS, emulated"
kube apply -f tools/kind/emulator.yaml
kube rollout status --namespace aws deployment/emulator --timeout 2m

say "The operator"
# The function runs on the emulator's own processor.
architecture=$(kube get nodes -o jsonpath='{.items[0].status.nodeInfo.architecture}')
[ "$architecture" = arm64 ] || architecture=x86_64
helm upgrade vpc-flow-operator charts/vpc-flow-operator --install --kube-context "$context" --namespace vpc-flow-system \
    --create-namespace --values tools/kind/values.yaml --set "detectorArchitecture=$architecture" --wait --timeout 2m

say "A VPC, and its monitor"
vpc=$(aws ec2 create-vpc '{"CidrBlock": "10.20.0.0/16"}' | sed -n 's/.*"VpcId": "\(vpc-[0-9a-f]*\)".*/\1/p')
sed "s/vpc-[0-9a-f]*/$vpc/" examples/quickstart.yaml | kube apply -f -
kube wait vpcflowmonitor/quickstart --for condition=Ready --timeout 5m
kube get vpcflowmonitors -o wide
kube get events --field-selector involvedObject.kind=VpcFlowMonitor

say "It stays up for exploring: kubectl --context $context describe vfm quickstart. \`tools/kind/kind.sh down\` ends it."
