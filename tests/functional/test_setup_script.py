"""scripts/setup.sh against stand-ins for docker, kind and kubectl that note how they are called."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/setup.sh"
# what the script needs besides: a stand-in's folder is all that it gets to see otherwise
TOOLS = ("sh", "sed", "grep", "dirname", "git")

KIND = """
case "$1 $2" in
    "get clusters") cat "$STATE" 2> /dev/null ;;
    "create cluster") echo aimesh > "$STATE" ;;
    "delete cluster") rm "$STATE" ;;
esac
"""
KUBECTL = """
case "$*" in
    *"get crd"*) exit 1 ;;
    *"get deployment"*) echo deployment.apps/consumer-agent ;;
esac
"""


class Machine:
    """A PATH with stand-ins, and what was asked of them."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.notes = folder / "notes"
        self.state = folder / "clusters"
        for tool in TOOLS:
            found = subprocess.run(["which", tool], capture_output=True, text=True, check=True)
            (self.bin / tool).symlink_to(found.stdout.strip())
        (self.bin / "cat").symlink_to("/bin/cat")
        (self.bin / "rm").symlink_to("/bin/rm")

    def has(self, tool: str, body: str = "") -> None:
        """Put a stand-in there."""
        path = self.bin / tool
        path.write_text(f'#!/bin/sh\necho "{tool} $*" >> "$NOTES"\n{body}\n')
        path.chmod(0o755)

    def run(self, *arguments: str, answer: str = "") -> subprocess.CompletedProcess[str]:
        """Run the script and return how it went."""
        environ = {"PATH": str(self.bin), "NOTES": str(self.notes), "STATE": str(self.state)}
        return subprocess.run(
            ["/bin/sh", str(SCRIPT), *arguments],
            env=environ, input=answer, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def calls(self, beginning: str) -> list[str]:
        """Return the calls that begin so."""
        return [line for line in self.notes.read_text().splitlines() if line.startswith(beginning)]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.has("docker")
    made.has("kind", KIND)
    made.has("kubectl", KUBECTL)
    return made


def test_what_is_missing_is_told_and_nothing_is_installed(tmp_path: Path) -> None:
    bare = Machine(tmp_path)
    bare.has("docker")
    run = bare.run()
    assert run.returncode == 1
    assert "missing: kind kubectl" in run.stderr
    assert not bare.notes.exists()


def test_an_engine_that_is_not_started_is_told(machine: Machine) -> None:
    machine.has("docker", "exit 1")
    run = machine.run()
    assert run.returncode == 1
    assert "engine does not answer" in run.stderr


def test_it_makes_the_cluster_once_and_can_be_run_again(machine: Machine) -> None:
    first, second = machine.run(), machine.run()
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert len(machine.calls("kind create cluster")) == 1
    assert len(machine.calls("kind load docker-image aimesh:")) == 2
    applied = machine.calls("kubectl --context kind-aimesh apply --kustomize k8s/kind")
    assert len(applied) == 2
    assert "port-forward service/telemetry-api 8080:8080" in second.stdout
    assert not machine.calls("kind delete")


def test_every_call_of_kubectl_names_the_clusters_own_context(machine: Machine) -> None:
    machine.run()
    calls = machine.calls("kubectl")
    assert calls
    assert all(call.startswith("kubectl --context kind-aimesh ") for call in calls)


@pytest.mark.parametrize(("answer", "deleted"), [("y\n", True), ("n\n", False), ("", False)])
def test_it_asks_before_it_deletes(machine: Machine, answer: str, deleted: bool) -> None:
    machine.run()
    run = machine.run("--delete", answer=answer)
    assert run.returncode == 0
    assert "with everything in it" in run.stdout
    assert bool(machine.calls("kind delete")) is deleted


def test_a_worker_that_does_not_get_ready_is_named(machine: Machine) -> None:
    machine.has("kubectl", KUBECTL.replace("esac", '    *"status deployment"*) exit 1 ;;\nesac'))
    run = machine.run()
    assert run.returncode == 1
    assert "deployment.apps/consumer-agent is not ready" in run.stderr
