#!/bin/sh
# Tries the corpus of attacks on the sandbox inside a container that has lost all its rights:
# all capabilities dropped, no new privileges, a read-only root, as root and as another user.
#
#   scripts/sandbox_in_container.sh build   makes the image, once (needs the network)
#   scripts/sandbox_in_container.sh run [SET...]   tries the corpus in it, on these sets of layers
#   scripts/sandbox_in_container.sh ready   tells by its exit code whether "run" can work
#
# Needs Debian's podman, runc and debootstrap, and root.
set -eu

image=localhost/aimesh-sandbox
here=$(cd "$(dirname "$0")/.." && pwd)
export HOME="${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}"

missing() {
    for tool in podman runc; do
        command -v "$tool" > /dev/null || { echo "$tool is not installed"; return; }
    done
    [ "$(id -u)" = 0 ] || { echo "only root can make these containers"; return; }
    podman image exists "$image" 2> /dev/null ||
        echo "the image is not there: run scripts/sandbox_in_container.sh build"
}

build() {
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
    debootstrap --variant=minbase --include=python3,libpython3-stdlib,tzdata "$suite" "$folder/root"
    tar -C "$folder/root" -c . | podman import - "$image"
}

try() { # USER SET
    echo "== as $1: $2"
    podman --runtime runc --cgroup-manager=cgroupfs run --rm --network=host \
        --ulimit nofile=1024:1024 --ulimit nproc=4096:4096 \
        --cap-drop=ALL --security-opt no-new-privileges --read-only \
        --tmpfs /tmp:rw,size=256m,mode=1777 --user "$1" \
        --volume "$here:/code:ro" --workdir /code --env PYTHONPATH=/code --env PYTHONDONTWRITEBYTECODE=1 \
        "$image" python3 -m tests.escape.in_container "$2"
}

[ $# -gt 0 ] || set -- help
case "$1" in
    build) build ;;
    ready)
        why=$(missing)
        [ -z "$why" ] || { echo "$why"; exit 3; }
        ;;
    run)
        why=$(missing)
        [ -z "$why" ] || { echo "$why"; exit 3; }
        status=0
        shift
        [ $# -gt 0 ] || set -- strict namespaces
        for user in 0:0 1000:1000; do
            for set in "$@"; do
                try "$user" "$set" || status=1
            done
        done
        exit $status
        ;;
    *)
        sed -n '2,10s/^# \{0,1\}//p' "$0"
        exit 2
        ;;
esac
