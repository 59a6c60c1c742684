"""The command line helps, refuses and fails in plain words, without a Kafka anywhere."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from faust.cli.base import cli

from aimesh.commands import register, running
from aimesh.embedded.lock import FolderLock
from aimesh.embedded.ports import free_port
from tests.commands import AIMESH, FAUST, aimesh, environ, invoke

OURS = ("audit", "completion", "config", "dead-letters", "doctor", "errors", "lag", "sandbox",
        "stress", "submit", "task", "tasks", "top", "up")  # fmt: skip
FAUSTS = ("agents", "model", "models", "send", "tables", "worker")
PARTS = ("list", "show", "redrive")
FACTS = ("agents", "audit", "config", "dead-letters", "doctor", "errors", "lag", "models",
         "sandbox", "stress", "submit", "tables", "task", "tasks", "top")  # fmt: skip


@pytest.fixture
def nowhere() -> dict[str, str]:
    """Variables of a mesh that is not there."""
    port = str(free_port())
    return {"KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}", "AIMESH_WEB_PORT": port}


# -- help


def test_the_help_lists_all_commands_and_exit_codes() -> None:
    told = invoke("--help")
    assert told.code == 0
    for name in (*OURS, *FAUSTS):
        assert f"\n  {name} " in told.out
    assert "3 a needed service is not there" in told.out.replace("\n  ", " ")


@pytest.mark.parametrize("name", [*OURS, *FAUSTS])
def test_every_command_has_a_help_with_an_example(name: str) -> None:
    told = invoke(name, "--help")
    assert told.code == 0
    assert f"aimesh {name}" in told.out.split("Examples:")[1]


@pytest.mark.parametrize("name", PARTS)
def test_every_command_for_dead_letters_has_a_help_with_an_example(name: str) -> None:
    assert f"aimesh dead-letters {name}" in invoke("dead-letters", name, "--help").out


@pytest.mark.parametrize("name", FACTS)
def test_every_command_that_prints_facts_takes_json(name: str) -> None:
    assert "--json" in invoke(name, "--help").out


def test_no_line_of_the_list_of_commands_is_cut() -> None:
    assert "..." not in invoke("--help").out.split("Commands:")[1]


def test_the_help_makes_no_application_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['aimesh', '--help']\n"
        "import aimesh.__main__ as m\n"
        "try: m.main()\n"
        "except SystemExit: pass\n"
        "heavy = ('aimesh.wiring', 'aimesh.records', 'httpx', 'rich')\n"
        "print([n for n in heavy if n in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ()
    )
    assert run.stdout.splitlines()[-1] == "[]"


def test_registering_again_changes_nothing() -> None:
    register()
    before = (dict(cli.commands), len(cli.params))
    register()
    assert (dict(cli.commands), len(cli.params)) == before


# -- what users get wrong


@pytest.mark.parametrize(("args", "said"), [
    (("nonsense",), "No such command 'nonsense'"),
    (("submit",), "TEXT"),
    (("submit", " "), "no text"),
    (("submit", "x" * 40000), "more than the 32768"),
    (("stress", "-n", "0"), "-n"),
    (("tasks", "--outcome", "good"), "in_flight"),
    (("audit", "--archive", "x.csv", "--no-archive"), "exclude each other"),
    (("dead-letters", "redrive"), "--all"),
    (("dead-letters", "redrive", "0-0", "--all"), "--all"),
    (("task",), "TASK_ID"),
    (("lag", "--url", "nonsense"), "no address"),
])  # fmt: skip
def test_wrong_usage_ends_with_2_and_says_what_is_wrong(args: tuple[str, ...], said: str) -> None:
    assert said in invoke(*args).failed(2)


def test_a_text_may_come_from_standard_input() -> None:
    assert "no text" in invoke("submit", "-", stdin="\n").failed(2)


@pytest.mark.parametrize("args", [("lag",), ("config",), ("audit",), ("up",), ("submit", "x")])
def test_a_wrong_setting_ends_with_2_and_names_it(args: tuple[str, ...]) -> None:
    told = invoke(*args, env={"AIMESH_PARTITIONS": "many"}).failed(2)
    assert told == "aimesh: AIMESH_PARTITIONS='many' cannot be used: it must be a whole number\n"


@pytest.mark.parametrize(("program", "command"), [
    (AIMESH, "agents"), (AIMESH, "worker"), (FAUST, "agents"), (FAUST, "lag")])  # fmt: skip
async def test_a_wrong_setting_is_told_in_one_line_by_faust_too(
    program: tuple[str, ...], command: str, tmp_path: Path
) -> None:
    told = await aimesh(command, env={"AIMESH_WEB_PORT": "no"}, cwd=tmp_path, program=program)
    assert told.failed(2) == (
        "aimesh: AIMESH_WEB_PORT='no' cannot be used: it must be a whole number\n"
    )


@pytest.mark.parametrize("args", [
    ("audit",), ("dead-letters",), ("dead-letters", "show", "0-0"),
    ("dead-letters", "redrive", "--all"), ("submit", "x"), ("submit", "x", "--wait"),
    ("stress", "--no-follow"),
])  # fmt: skip
def test_without_kafka_a_command_ends_with_3_and_says_what_to_do(
    args: tuple[str, ...], nowhere: dict[str, str]
) -> None:
    told = invoke(*args, env=nowhere).failed(3)
    assert nowhere["KAFKA_BOOTSTRAP_SERVERS"] in told
    assert "aimesh up" in told
    assert "KAFKA_BOOTSTRAP_SERVERS" in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize("args", [("lag",), ("tasks",), ("task", "t"), ("top",), ("errors",)])
def test_without_a_worker_a_command_ends_with_3_and_says_what_to_do(
    args: tuple[str, ...], nowhere: dict[str, str]
) -> None:
    told = invoke(*args, env=nowhere).failed(3)
    assert f"http://127.0.0.1:{nowhere['AIMESH_WEB_PORT']}" in told
    assert "--url" in told
    assert len(told.splitlines()) == 1


# -- Faust's own commands


@pytest.mark.parametrize("program", [AIMESH, FAUST], ids=["aimesh", "faust -A aimesh"])
async def test_agents_of_all_roles_are_listed(program: tuple[str, ...], tmp_path: Path) -> None:
    told = await aimesh("agents", "--json", env={}, cwd=tmp_path, program=program)
    topics = {agent["topic"]: agent["help"] for agent in told.json()}
    for topic in ("ai_topic", "ai_solutions", "ai_verified_solutions", "ai_reviews"):
        assert topics[topic]
    assert not any("partial" in words for words in topics.values())


async def test_tables_of_all_roles_are_listed(tmp_path: Path) -> None:
    told = await aimesh("--json", "tables", env={}, cwd=tmp_path)
    names = {table["name"] for table in told.json()}
    assert {"aimesh-consumer-open", "aimesh-reviewer-open", "aimesh-observer-tasks"} <= names


async def test_records_are_listed(tmp_path: Path) -> None:
    told = await aimesh("models", env={}, cwd=tmp_path)
    assert told.code == 0
    for record in ("Task", "Solution", "Verdict", "Review", "LagSample"):
        assert f" {record} " in told.out


def test_shells_get_their_completion() -> None:
    for shell in ("bash", "zsh", "fish"):
        assert "_AIMESH_COMPLETE" in invoke("completion", shell).out


def test_the_version_names_the_mesh_and_faust() -> None:
    assert "AI-Mesh" in invoke("--version").out
    assert "Faust" in invoke("--version").out


# -- settings


def test_config_tells_where_each_setting_comes_from() -> None:
    env = {
        "KAFKA_BROKER": "broker:9092", "AIMESH_API_TOKEN": "hush", "AIMESH_WEB_PORT": "7000",
        "QDRANT_URL": "http://user:pass@qdrant:6333",
    }  # fmt: skip
    told = invoke("config", "--json", env=env)
    found = {item["variable"]: (item["value"], item["from"]) for item in told.json()["settings"]}
    assert found["KAFKA_BROKER"] == ("broker:9092", "environment")
    assert found["AIMESH_WEB_PORT"] == ("7000", "environment")
    assert found["AIMESH_MODEL"] == ("gemma3:1b", "default")
    assert found["AIMESH_API_TOKEN"] == ("***", "environment")
    assert found["QDRANT_URL"] == ("http://user:***@qdrant:6333", "environment")
    assert "hush" not in told.out
    assert "pass@" not in told.out
    assert told.json()["mesh"]["kafka"] == {"value": "broker:9092", "from": "environment"}


def test_a_secret_from_a_file_is_masked_too(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("hush")
    told = invoke("config", env={"AIMESH_API_TOKEN_FILE": str(tmp_path / "token")})
    assert "hush" not in told.out
    assert [line.split()[1:] for line in told.out.splitlines() if "API_TOKEN_FILE" in line] == [
        ["***", "environment"]
    ]


def test_json_may_be_asked_for_where_faust_takes_it() -> None:
    assert json.loads(invoke("--json", "config").out)["settings"]


def test_commands_find_a_running_up_in_their_data_folder(tmp_path: Path) -> None:
    data, env = tmp_path / "data", {"AIMESH_DATA": str(tmp_path / "data")}
    data.mkdir()
    lock = FolderLock(data / running.LOCK)
    assert asyncio.run(lock.acquire())
    running.note(data, "127.0.0.1:1234", "http://127.0.0.1:5678/")
    mesh = invoke("config", "--json", env=env).json()["mesh"]
    assert mesh["kafka"] == {"value": "127.0.0.1:1234", "from": "aimesh up"}
    assert mesh["web"] == {"value": "http://127.0.0.1:5678", "from": "aimesh up"}
    # what the user says goes first
    other = env | {"KAFKA_BOOTSTRAP_SERVERS": "other:9092", "AIMESH_WEB_PORT": "99"}
    mesh = invoke("config", "--json", env=other).json()["mesh"]
    assert mesh["kafka"]["value"] == "other:9092"
    assert mesh["web"]["value"] == "http://127.0.0.1:99"
    lock.release()
    assert running.find(data) is None  # killed, so its note is worth nothing
    running.forget(data)
    assert not (data / running.FILE).exists()


async def test_the_note_of_one_that_was_killed_is_not_taken_for_its_successors(
    tmp_path: Path,
) -> None:
    killed = {"kafka": "127.0.0.1:1", "web": "http://127.0.0.1:2", "pid": os.getpid() + 1}
    (tmp_path / running.FILE).write_text(json.dumps(killed))
    lock = FolderLock(tmp_path / running.LOCK)
    assert await lock.acquire()
    assert running.find(tmp_path) is None
    running.forget(tmp_path)
    assert (tmp_path / running.FILE).exists()
    lock.release()


# -- what runs by itself


async def test_sandbox_ends_with_0_only_for_what_passed(tmp_path: Path) -> None:
    env = {"AIMESH_DATA": str(tmp_path / "data")}
    passed = await aimesh("sandbox", "-", "--json", env=env, cwd=tmp_path, stdin=b"print(6 * 7)")
    assert passed.json()["verdict"] == "passed"
    assert passed.json()["output"] == "42\n"
    failed = await aimesh("sandbox", "-", env=env, cwd=tmp_path, stdin=b"1 / 0")
    assert failed.code == 1
    assert "ZeroDivisionError" in failed.out


def test_sandbox_tells_that_there_is_no_such_file() -> None:
    assert "nowhere.py: No such file" in invoke("sandbox", "nowhere.py").out
    assert invoke("sandbox", "nowhere.py").code == 2


def test_doctor_tells_each_problem_with_its_remedy(nowhere: dict[str, str], tmp_path: Path) -> None:
    env = {**nowhere, "AIMESH_DATA": str(tmp_path), "OLLAMA_BASE_URL": f"localhost:{free_port()}"}
    told = invoke("doctor", "--json", env=env)
    assert told.code == 1
    found = json.loads(told.out)
    assert not found["ok"]
    checks = {check["name"]: check for check in found["checks"]}
    assert checks["Python"]["ok"]
    assert "KAFKA_BOOTSTRAP_SERVERS" in checks["Kafka"]["remedy"]
    plain = invoke("doctor", env=env).out
    assert "PROBLEM" in plain
    assert "ollama pull" in plain
    assert "\x1b" not in plain


def test_up_tells_that_a_kafka_is_not_there(nowhere: dict[str, str], tmp_path: Path) -> None:
    told = invoke("up", env={**nowhere, "AIMESH_DATA": str(tmp_path / "data")})
    assert told.code == 3
    assert "nothing listens at" in told.out
