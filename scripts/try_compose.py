#!/usr/bin/env python3
"""Try docker-compose.yml with podman and runc, where there is no Docker engine.

    podman build --isolation=chroot --network=host --format docker \\
        -f docker/Dockerfile -t aimesh:0.1.0 .
    python scripts/try_compose.py --tasks 60

Starts each of our own services as the compose file describes it (image, user, rights, volumes,
limits), but on this machine's network: Kafka is the embedded one, the model is the rehearsal, and
there is no memory. Then: a burst of tasks, consumer-agent scaled up and down again while it is
worked off, the audit, and an orderly stop. What could not be done as described is told.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from aimesh.embedded.kafka import EmbeddedKafka
from aimesh.embedded.ports import free_port
from aimesh.embedded.rehearsal import RehearsalServer

ROOT = Path(__file__).parents[1]
READY_SECONDS = 180.0
STOP_SECONDS = 40
# kept from the container: limits of the machine may be lower than podman's defaults
ENGINE = ("podman", "--runtime", "runc", "--cgroup-manager=cgroupfs")
ULIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096")
_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


class Failure(Exception):
    """Something did not hold."""


def say(text: str) -> None:
    """Tell what happens, with the time."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def filled(text: str) -> str:
    """Put the environment's variables, or their defaults, into a text as compose does."""
    return _VARIABLE.sub(lambda found: os.environ.get(found[1]) or found[2] or "", text)


async def run(*command: str, check: bool = True) -> tuple[int, str]:
    """Run a command; return its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    printed, _ = await process.communicate()
    text = printed.decode(errors="replace")
    code = process.returncode or 0
    if check and code:
        raise Failure(f"{' '.join(command)} ended with {code}:\n{text[-3000:]}")
    return code, text


def flags_of(service: Mapping[str, Any], project: str) -> list[str]:
    """Return podman's flags for what a service of the compose file asks for."""
    flags = ["--init"] if service.get("init") else []
    flags += ["--read-only", "--read-only-tmpfs=false"] if service.get("read_only") else []
    flags += [part for name in service.get("cap_drop", []) for part in ("--cap-drop", name)]
    for option in service.get("security_opt", []):
        flags += ["--security-opt", option.replace(":true", "")]
    flags += [part for mount in service.get("tmpfs", []) for part in ("--tmpfs", mount)]
    for volume in service.get("volumes", []):
        # a named volume is this try's own
        flags += ["--volume", f"{project}-{volume}" if ":" in volume else volume]
    for key, flag in (("pids_limit", "--pids-limit"), ("mem_limit", "--memory")):
        flags += [flag, str(service[key])] if key in service else []
    return flags


class Stack:
    """The containers of this try."""

    def __init__(self, services: Mapping[str, Any], overrides: Mapping[str, str]) -> None:
        self.services = {n: s for n, s in services.items() if s["image"].startswith("aimesh:")}
        self.overrides = overrides
        self.project = f"try{os.getpid()}"
        self.running: dict[str, str] = {}

    async def start(self, service: str) -> str:
        """Start one container of a service; return its name."""
        described = self.services[service]
        number = sum(1 for of in self.running.values() if of == service) + 1
        name = f"{self.project}-{service}-{number}"
        environment = {k: filled(str(v)) for k, v in described["environment"].items()}
        # one network for all: each replica needs a port of its own, and none is for other machines
        environment |= {"AIMESH_WEB_PORT": str(free_port()), "AIMESH_WEB_BIND": "127.0.0.1"}
        environment |= self.overrides
        variables = [part for k, v in environment.items() for part in ("--env", f"{k}={v}")]
        command = [*ENGINE, "run", "--detach", "--network=host", "--name", name, *ULIMITS]
        await run(
            *command, *flags_of(described, self.project), *variables,
            filled(described["image"]), *described.get("command", []),
        )  # fmt: skip
        self.running[name] = service
        return name

    async def healthy(self, *names: str) -> None:
        """Wait until the image's own health check passes in these containers."""
        deadline = time.monotonic() + READY_SECONDS
        waiting, told = {name for name in names if self.is_asked(name)}, ""
        while waiting:
            for name in sorted(waiting):
                code, told = await run(*ENGINE, "healthcheck", "run", name, check=False)
                if code == 0:
                    waiting.discard(name)
            ended = [name for name in waiting if "is not running" in told]
            if ended or (waiting and time.monotonic() > deadline):
                _, log = await run(*ENGINE, "logs", "--tail", "30", min(waiting), check=False)
                raise Failure(f"not healthy: {sorted(waiting)}; {told}\n{log}")
            await asyncio.sleep(0.5)

    def is_asked(self, name: str) -> bool:
        """Tell whether a container has a health check."""
        check = self.services[self.running[name]].get("healthcheck", {})
        return not check.get("disable")

    async def inside(self, service: str, *command: str, check: bool = True) -> tuple[int, str]:
        """Run a command in the first container of a service."""
        name = next(name for name, of in self.running.items() if of == service)
        return await run(*ENGINE, "exec", name, *command, check=check)

    async def stop(self, *names: str) -> None:
        """Stop containers with SIGTERM; they must end by themselves, and well."""
        await asyncio.gather(
            *(run(*ENGINE, "stop", "--time", str(STOP_SECONDS), name) for name in names)
        )
        for name in names:
            _, code = await run(*ENGINE, "inspect", "--format", "{{.State.ExitCode}}", name)
            del self.running[name]
            if code.strip() != "0":
                _, log = await run(*ENGINE, "logs", "--tail", "20", name, check=False)
                raise Failure(f"{name} ended with {code.strip()}:\n{log}")

    async def remove(self) -> None:
        """Leave nothing behind."""
        _, names = await run(*ENGINE, "ps", "-aq", "--filter", f"name=^{self.project}-")
        if names.split():
            await run(*ENGINE, "rm", "--force", "--volumes", *names.split(), check=False)
        _, volumes = await run(*ENGINE, "volume", "ls", "-q", "--filter", f"name={self.project}")
        if volumes.split():
            await run(*ENGINE, "volume", "rm", *volumes.split(), check=False)


async def hops(stack: Stack) -> dict[str, dict[str, Any]]:
    """Return what is known of each hop, by role."""
    _, text = await stack.inside("dashboard", "aimesh", "lag", "--json")
    return {hop["role"]: hop for hop in json.loads(text)["hops"]}


async def members(stack: Stack) -> dict[str, int]:
    """Return how many workers each hop has."""
    return {role: hop["members"] for role, hop in (await hops(stack)).items()}


async def lag(stack: Stack) -> int:
    """Return how many tasks wait for a consumer."""
    return int((await hops(stack))["consumer"]["lag"])


async def until_members(stack: Stack, wanted: int) -> None:
    """Wait until the consumers' group has so many members."""
    deadline, found = time.monotonic() + 60, {}
    while time.monotonic() < deadline:
        found = await members(stack)
        if found.get("consumer") == wanted:
            return say(f"members: {found}")
        await asyncio.sleep(1)
    raise Failure(f"consumer-agent should have {wanted} members: {found}")


async def audited(stack: Stack, tasks: int) -> dict[str, Any]:
    """Wait until all tasks are reviewed, and return the audit."""
    deadline = time.monotonic() + 60 + 4 * tasks
    report: dict[str, Any] = {}
    while time.monotonic() < deadline:
        code, text = await stack.inside(
            "persistence-agent", "aimesh", "audit", "--json", check=False
        )
        report = json.loads(text[text.index("{") :]) if "{" in text else {"said": text}
        if code == 0 and report.get("tasks_in", 0) >= tasks and not report.get("in_flight"):
            return report
        await asyncio.sleep(5)
    raise Failure(f"the audit does not balance: {report}")


async def until_samples_talk(stack: Stack) -> None:
    """Wait until messages are seen in the sample agents' queues."""
    names = [name for name in stack.services if name.startswith("sample-")]
    wanted = {f"agent-queue-{name.removeprefix('sample-')}" for name in names}
    deadline, found = time.monotonic() + 60, set[str]()
    while time.monotonic() < deadline:
        _, text = await stack.inside("dashboard", "aimesh", "state", "--json")
        found = {queue["name"] for queue in json.loads(text)["queues"]}
        if wanted <= found:
            return say(f"queues with messages: {', '.join(sorted(found))}")
        await asyncio.sleep(1)
    raise Failure(f"nothing in {wanted - found}; there is in {found}")


async def trial(stack: Stack, tasks: int, workers: int) -> None:
    """Start, stress, scale up and down, audit and stop."""
    begun = time.monotonic()
    names = [await stack.start(service) for service in stack.services]
    await stack.healthy(*names)
    say(f"{len(names)} services are healthy after {time.monotonic() - begun:.1f} s")
    _, text = await stack.inside(
        "sandbox-agent", "sh", "-c", "echo 'print(6*7)' | aimesh sandbox - --json"
    )
    verdict = json.loads(text)
    say(f"sandbox: {verdict['verdict']}, layers {', '.join(verdict['isolation'])}")
    await stack.inside("dashboard", "aimesh", "crew", "What is a heap, and how is one written?")
    say("the crew has answered a question")
    await until_samples_talk(stack)
    await stack.inside("dashboard", "aimesh", "stress", "-n", str(tasks), "--bare", "--no-follow")
    say(f"{tasks} bare tasks are in")
    more = [await stack.start("consumer-agent") for _ in range(workers - 1)]
    await stack.healthy(*more)
    await until_members(stack, workers)
    say(f"{await lag(stack)} tasks are waiting")
    await stack.stop(*more[1:])
    left = await lag(stack)
    say(f"{len(more[1:])} of them stopped in order, with {left} tasks waiting")
    await until_members(stack, workers - len(more[1:]))
    report = await audited(stack, tasks)
    facts = {k: report[k] for k in ("tasks_in", "reviewed", "dead_lettered", "in_flight", "rows")}
    say(f"audit: balanced, {facts}")
    begun = time.monotonic()
    await stack.stop(*stack.running)
    say(f"all stopped with exit code 0 in {time.monotonic() - begun:.1f} s")


async def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=60)
    parser.add_argument("--workers", type=int, default=3, help="of consumer-agent")
    parser.add_argument("--latency", type=float, default=1.0, help="of the model, in seconds")
    options = parser.parse_args()
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    with tempfile.TemporaryDirectory() as folder:
        async with (
            EmbeddedKafka(Path(folder), free_port()) as kafka,
            RehearsalServer(latency=options.latency) as model,
        ):
            overrides = {
                "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
                "OLLAMA_BASE_URL": model.url,
                "AIMESH_MEMORY": "false",
                "AIMESH_PRODUCER_INTERVAL": "86400",
                # one call at a time each, so that more workers make a difference
                "AIMESH_LLM_CONCURRENCY": "1",
            }
            stack = Stack(services, overrides)
            try:
                await trial(stack, options.tasks, options.workers)
            except Failure as exc:
                print(f"FAILED: {exc}", file=sys.stderr)
                return 1
            finally:
                await stack.remove()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
