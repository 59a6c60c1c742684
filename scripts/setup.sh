#!/bin/sh
# A kind cluster with the mesh in it. Safe to run again: what is there already stays.
#   scripts/setup.sh            make the cluster, build and load the image, apply, wait
#   scripts/setup.sh --delete   delete the cluster, after asking
# It installs nothing on this machine: it says what is missing, and where that is found.
set -eu

cluster=aimesh
context=kind-$cluster
namespace=telemetry
cd "$(dirname "$0")/.."
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' aimesh/version.py)
image=aimesh:$version

say() { printf '\033[1m%s\033[0m\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }
k() { kubectl --context "$context" --namespace "$namespace" "$@"; }

check_tools() {
    missing=""
    for tool in docker kind kubectl; do
        command -v "$tool" > /dev/null || missing="$missing $tool"
    done
    [ -z "$missing" ] || fail "missing:$missing. Install what is missing and run this again:
  docker   https://docs.docker.com/engine/install/
  kind     https://kind.sigs.k8s.io/docs/user/quick-start/#installation
  kubectl  https://kubernetes.io/docs/tasks/tools/"
    docker info > /dev/null 2>&1 || fail "docker is installed, but its engine does not answer: start it and run this again."
}

has_cluster() { kind get clusters 2> /dev/null | grep -qx "$cluster"; }

delete() {
    has_cluster || { say "there is no cluster $cluster"; return; }
    printf 'Delete the cluster %s with everything in it, Kafka and the archive too? [y/N] ' "$cluster"
    read -r answer || answer=""
    case $answer in
        y | Y | yes) kind delete cluster --name "$cluster" ;;
        *) say "nothing was deleted" ;;
    esac
}

make_cluster() {
    if has_cluster; then
        say "cluster $cluster is there"
    else
        say "making the cluster $cluster"
        kind create cluster --config k8s/kind/cluster.yaml --wait 120s
    fi
}

load_image() {
    say "building $image"
    docker build --quiet --file docker/Dockerfile --tag "$image" \
        --build-arg VERSION="$version" \
        --build-arg REVISION="$(git rev-parse --short HEAD 2> /dev/null || echo unknown)" . > /dev/null
    say "loading it into the cluster"
    kind load docker-image "$image" --name "$cluster"
}

apply() {
    say "applying k8s/kind"
    kubectl --context "$context" apply --kustomize k8s/kind
    if kubectl --context "$context" get crd scaledobjects.keda.sh > /dev/null 2>&1; then
        kubectl --context "$context" apply --kustomize k8s/scaling
    else
        say "KEDA is not in the cluster, so consumers are not scaled by lag (https://keda.sh/docs/deploy/);"
        say "by hand: kubectl -n $namespace scale deployment/consumer-agent --replicas=3"
    fi
    # the same tag may be another image than before
    k rollout restart deployment --selector app.kubernetes.io/part-of=aimesh > /dev/null
}

wait_for() {
    # $1: what, $2: at most so many seconds
    say "waiting for $1"
    k rollout status "$1" --timeout "$2s" || {
        k get pods
        fail "$1 is not ready after $2 s. Look at: kubectl -n $namespace describe $1; kubectl -n $namespace logs $1"
    }
}

wait_for_all() {
    wait_for statefulset/kafka 300
    for deployment in $(k get deployment --selector app.kubernetes.io/part-of=aimesh --output name); do
        wait_for "$deployment" 300
    done
    say "topics (the workers make them):"
    k exec kafka-0 -- /opt/kafka/bin/kafka-topics.sh --bootstrap-server localhost:9092 --list
    if k wait --for=condition=complete job/ollama-models --timeout=5s > /dev/null 2>&1; then
        say "the models are there"
    else
        say "the models are still being pulled; tasks wait for them: kubectl -n $namespace logs -f job/ollama-models"
    fi
}

case "${1:-}" in
    --delete) check_tools; delete; exit ;;
    "") ;;
    *) fail "usage: scripts/setup.sh [--delete]" ;;
esac
check_tools
make_cluster
load_image
apply
wait_for_all
say "ready: kubectl -n $namespace port-forward service/telemetry-api 8080:8080"
say "then:  http://localhost:8080/"
