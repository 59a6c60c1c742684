"""Where code cannot be held it is not run, and why is said in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aimesh.errors import SandboxRefusedError
from aimesh.services.sandbox import Layers, Limits, Sandbox, machine, probe, probing
from tests.sandboxing import opened


@pytest.fixture(autouse=True)
def afresh() -> Iterator[None]:
    probing.forget()
    yield
    probing.forget()


def test_an_unknown_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "architecture", lambda: "")
    with pytest.raises(SandboxRefusedError, match="x86_64 and aarch64") as refusal:
        probe("auto")
    assert "AIMESH_SANDBOX=unsafe" in str(refusal.value)


def test_no_filter_is_refused_even_with_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "has_seccomp", lambda: False)
    with pytest.raises(SandboxRefusedError, match="seccomp"):
        probe("auto")


def test_no_landlock_is_refused_where_there_are_no_namespaces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(machine, "landlock_version", lambda: 0)
    with pytest.raises(SandboxRefusedError, match="Landlock is missing"):
        probe("strict")


async def test_namespaces_do_where_there_is_no_landlock(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with opened(tmp_path, "auto"):
        pass  # skips where namespaces cannot be had
    probing.forget()
    monkeypatch.setattr(machine, "landlock_version", lambda: 0)
    layers = probe("auto", tmp_path)
    assert layers.safe
    assert layers.names[:4] == ("rlimits", "no_new_privs", "seccomp", "namespaces")


def test_what_could_not_be_had_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(layers: Layers, _workshop: object) -> str:
        return "unshare: Operation not permitted" if layers.namespaces else ""

    monkeypatch.setattr(probing, "_try", refuse)
    layers = probe("auto")
    assert layers.safe
    assert not layers.namespaces
    assert any("unshare: Operation not permitted" in sentence for sentence in layers.missing)
    assert "unshare: Operation not permitted" in layers.describe()


def test_nothing_that_works_is_refused_with_every_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "_try", lambda layers, _: f"no {layers.names[-1]}")
    with pytest.raises(SandboxRefusedError) as refusal:
        probe("auto")
    assert "no namespaces" in str(refusal.value)
    assert "no seccomp" in str(refusal.value)


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(SandboxRefusedError, match="AIMESH_SANDBOX='off' is not known"):
        probe("off")


def test_a_refused_machine_makes_no_sandbox(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(machine, "architecture", lambda: "")
    with pytest.raises(SandboxRefusedError):
        Sandbox(Limits(), scratch=tmp_path / "scratch")
    assert not (tmp_path / "scratch").exists()


async def test_unsafe_runs_and_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path, "unsafe") as sandbox:
        outcome = await sandbox.run("import os; print(os.getpid() > 0)")
        assert outcome.success
        assert outcome.isolation == ("rlimits",)
        assert not sandbox.layers.safe
        assert sandbox.layers.describe().startswith("UNSAFE")


async def test_a_layer_that_fails_means_that_nothing_is_run(tmp_path: Path) -> None:
    """The process says what failed; the code, which would leave a file, was not reached."""
    async with opened(tmp_path, "strict") as sandbox:
        facts = sandbox._launcher._template.facts
        for broken in (
            {"rlimits": [(9, (-1).to_bytes(8, "little", signed=True) * 2), (99, bytes(16))]},
            {"filter": (facts["filter"][0], b"\x06\0\0\0\0\0\0", facts["filter"][2])},
            {"filter": (-1, *facts["filter"][1:])},
        ):
            sandbox._launcher._template = replace(
                sandbox._launcher._template, facts={**facts, **broken}
            )
            outcome = await sandbox.run("print('reached')")
            assert outcome.verdict == "sandbox_error", broken
            assert "reached" not in outcome.output
            assert outcome.error.startswith("nothing was run: ")


async def test_landlock_that_fails_means_that_nothing_is_run(tmp_path: Path) -> None:
    async with opened(tmp_path, "strict") as sandbox:
        sandbox._launcher._template = replace(
            sandbox._launcher._template, landlock_calls=(445, 445, 446)
        )
        outcome = await sandbox.run("print('reached')")
    assert outcome.verdict == "sandbox_error"
    assert "landlock_create_ruleset" in outcome.error


async def test_namespaces_that_fail_mean_that_nothing_is_run(tmp_path: Path) -> None:
    async with opened(tmp_path, "auto") as sandbox:
        before = sandbox._launcher._template
        plan = before.facts["namespaces"]
        for broken, word in (
            ({"flags": 1 << 62}, "unshare"),
            ({"root": "/nonexistent"}, "mount"),
            ({"calls": (0xFFFF, plan["calls"][1])}, "mount_setattr"),
            ({"calls": (plan["calls"][0], 0xFFFF)}, "pivot_root"),
            ({"size": "size=nonsense"}, "mount"),
        ):
            facts = {**before.facts, "namespaces": {**plan, **broken}}
            sandbox._launcher._template = replace(before, facts=facts)
            outcome = await sandbox.run("print('reached')")
            assert outcome.verdict == "sandbox_error", broken
            assert word in outcome.error
