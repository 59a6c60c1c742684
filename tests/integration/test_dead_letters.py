"""Dead letters can be looked at and sent back, each once, from the command line and the API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from aiokafka import TopicPartition
from aiokafka.structs import RecordMetadata

from aimesh import dead_letters, topics
from aimesh.core.telemetry import queue_topic
from aimesh.errors import UnavailableError
from aimesh.services.dead_letters import DeadLetters, NoSuchDeadLetterError
from aimesh.services.reading import Brokers, connected
from aimesh.settings import Settings
from aimesh.topics import DAY, Layout
from aimesh.views.dead_letters import routes
from aimesh.views.problems import problems
from tests.commands import Told, invoke
from tests.crafting import CraftedMesh, crafted_mesh

pytestmark = pytest.mark.asyncio(loop_scope="session")

POISON = b"\xff\x00poison \x1b[31m"


@pytest_asyncio.fixture(loop_scope="session")
async def mesh(kafka: str, tmp_path: Path) -> AsyncIterator[CraftedMesh]:
    async with crafted_mesh(kafka, tmp_path) as made:
        yield made


@pytest.fixture
def letters(mesh: CraftedMesh) -> DeadLetters:
    return DeadLetters(mesh.brokers, mesh.settings)


async def poisoned(mesh: CraftedMesh, **facts: Any) -> str:
    """Write a message that cannot be read, and its dead letter; return the letter's id."""
    place = await mesh.send(topics.TASKS, POISON)
    letter = await mesh.bury(place, POISON, **facts)
    return f"{letter.partition}-{letter.offset}"


async def run(mesh: CraftedMesh, *args: str) -> Told:
    return await asyncio.to_thread(invoke, "dead-letters", *args, env=mesh.env)


# -- looking at them


async def test_the_newest_are_listed_first(mesh: CraftedMesh, letters: DeadLetters) -> None:
    ids = []
    for _ in range(5):
        ids.append(await poisoned(mesh))
        await asyncio.sleep(0.002)  # the list is in order of milliseconds
    assert [letter.id for letter in await letters.newest(3)] == ids[:1:-1]
    assert [letter.id for letter in await letters.newest(100)] == ids[::-1]


async def test_a_letter_tells_where_it_came_from_and_why(
    mesh: CraftedMesh, letters: DeadLetters
) -> None:
    place = await mesh.send(topics.TASKS, {"task_id": "t", "task": ""}, key="t")
    await mesh.bury(place, b'{"task_id":"t"}', key="t", kind="ValueError", role="consumer",
                    replay=2)  # fmt: skip
    [letter] = await letters.newest(1)
    found = (await letters.get(letter.id)).whole()
    origin = f"{place.topic}/{place.partition}/{place.offset}"
    assert found["origin"] == origin
    assert (found["task_id"], found["key"], found["role"]) == ("t", "t", "consumer")
    assert (found["error_type"], found["error"]) == ("ValueError", "it could not be")
    assert (found["replay_count"], found["text"]) == (2, '{"task_id":"t"}')
    assert found["headers"][f"{dead_letters.PREFIX}original-topic"] == place.topic


async def test_a_nameless_letter_has_the_name_of_its_place(
    mesh: CraftedMesh, letters: DeadLetters
) -> None:
    letter = await letters.get(await poisoned(mesh))
    assert letter.origin is not None
    assert letter.task_id == f"x-{letter.origin.topic}-{letter.origin.partition}-0"


async def test_a_letter_is_shown_as_text_and_in_hexadecimal_digits(mesh: CraftedMesh) -> None:
    told = await run(mesh, "show", await poisoned(mesh))
    assert told.code == 0
    assert "ff 00 70 6f 69 73 6f 6e 20 1b" in told.out
    assert r"�\x00poison \x1b[31m" in told.out
    assert "\x1b" not in told.out


async def test_a_big_letter_is_shown_in_part(mesh: CraftedMesh, letters: DeadLetters) -> None:
    value = b"x" * 300_000
    letter = await mesh.bury(await mesh.send(topics.TASKS, value), value)
    found = (await letters.get(f"{letter.partition}-{letter.offset}")).whole()
    assert found["size"] == 300_000
    assert len(found["text"]) == found["shown"] < 100_000
    assert len(found["hex"]) < 100_000


@pytest.mark.parametrize("letter_id", ["0-99", "7-0", "x", "0-0-0", ""])
async def test_an_id_of_no_letter_is_told(letters: DeadLetters, letter_id: str) -> None:
    with pytest.raises(NoSuchDeadLetterError, match="no dead letter"):
        await letters.get(letter_id)


async def test_a_broker_without_a_mesh_is_told(kafka: str) -> None:
    with pytest.raises(UnavailableError, match="there is no mesh"):
        await DeadLetters(Brokers(kafka), Settings(topic_prefix="nobody.")).newest(1)


async def test_the_command_lists_them(mesh: CraftedMesh) -> None:
    assert (await run(mesh)).out == "there are no dead letters\n"
    letter_id = await poisoned(mesh)
    for args in ((), ("list",)):
        told = await run(mesh, *args)
        assert told.code == 0
        assert told.out.splitlines()[1].startswith(letter_id)
    [found] = (await run(mesh, "list", "--json")).json()["dead_letters"]
    assert found["id"] == letter_id
    assert found["redriven"] is None
    assert (await run(mesh, "--json")).json()["dead_letters"][0]["id"] == letter_id


# -- sending them back


async def test_a_letter_goes_back_as_it_was_with_the_next_replay_count(
    mesh: CraftedMesh, letters: DeadLetters
) -> None:
    place = await mesh.send(topics.SOLUTIONS, POISON, key="t")
    await mesh.bury(place, POISON, key="t", kind="ValueError", role="sandbox", replay=1)
    [done] = await letters.redrive(None)
    assert (done.refusal, done.replay_count) == ("", 2)
    original, again = await mesh.read(topics.SOLUTIONS)
    assert (again.key, again.value) == (original.key, POISON)
    assert dict(again.headers) == {"replay_count": b"2", "traceparent": b"00-a-b-01"}
    assert done.to == f"{again.topic}/{again.partition}/{again.offset}"


async def test_a_letter_goes_back_once(mesh: CraftedMesh, letters: DeadLetters) -> None:
    letter_id = await poisoned(mesh)
    [first] = await letters.redrive([letter_id, letter_id])
    [again] = await letters.redrive([letter_id], force=True)
    assert first.to
    assert first.to in again.refusal
    assert len(await mesh.read(topics.TASKS)) == 2
    [listed] = await letters.newest(9)
    assert listed.redriven is not None
    assert listed.redriven.to == first.to


async def test_a_message_that_two_stages_buried_goes_back_once(
    mesh: CraftedMesh, letters: DeadLetters
) -> None:
    place = await mesh.send(topics.VERDICTS, POISON)
    for _ in range(2):
        await mesh.bury(place, POISON)
    assert [bool(done.to) for done in await letters.redrive(None)] == [True, False]
    assert [bool(done.to) for done in await letters.redrive(None)] == [False, False]
    assert len(await mesh.read(topics.VERDICTS)) == 2


async def test_a_dry_run_sends_nothing(mesh: CraftedMesh, letters: DeadLetters) -> None:
    await poisoned(mesh)
    [plan] = await letters.redrive(None, dry_run=True)
    assert (plan.to, plan.refusal, plan.replay_count) == ("", "", 1)
    assert len(await mesh.read(topics.TASKS)) == 1
    [done] = await letters.redrive(None)
    assert done.to


async def test_what_died_too_often_stays_until_it_is_forced(
    mesh: CraftedMesh, letters: DeadLetters
) -> None:
    letter_id = await poisoned(mesh, replay=3)
    [done] = await letters.redrive([letter_id])
    assert "limit is 3" in done.refusal
    [done] = await letters.redrive([letter_id], limit=4)
    assert (done.refusal, done.replay_count) == ("", 4)


async def test_strangers_letters_stay(mesh: CraftedMesh, letters: DeadLetters) -> None:
    await mesh.send(topics.DEAD_LETTERS, b"no headers")
    place = await mesh.send(topics.GOVERNOR, b"{}", partition=0)
    await mesh.bury(place, b"{}", kind="ValueError", role="producer")
    assert all(done.refusal for done in await letters.redrive(None, force=True))


async def test_a_queues_letter_goes_back_only_where_the_queue_is_still_there(
    mesh: CraftedMesh, letters: DeadLetters
) -> None:
    queue = queue_topic("coder")
    lost = RecordMetadata(mesh.topic(queue), 0, TopicPartition(mesh.topic(queue), 0), 7, 0, 0, 0)
    await mesh.bury(lost, b'{"message_id":"m-1"}', key="coder", role="crew")
    [done] = await letters.redrive(None)
    assert "no agent's queue" in done.refusal
    async with connected(mesh.brokers) as admin:
        await admin.ensure([Layout(mesh.topic(queue), 1, DAY)], 1)
    told = await run(mesh, "redrive", "--all", "--yes")
    assert "m-1  sent back as" in told.out
    again = await letters.redrive(None, force=True)
    assert "already" in again[0].refusal


async def test_one_wrong_id_among_good_ones_sends_nothing(
    mesh: CraftedMesh, letters: DeadLetters
) -> None:
    letter_id = await poisoned(mesh)
    with pytest.raises(NoSuchDeadLetterError):
        await letters.redrive([letter_id, "0-99"])
    assert len(await mesh.read(topics.TASKS)) == 1


async def test_the_command_asks_first_and_tells_what_it_did(mesh: CraftedMesh) -> None:
    letter_id = await poisoned(mesh)
    assert "would be sent back, replay 1" in (await run(mesh, "redrive", "--all", "--dry-run")).out
    assert "say --yes" in (await run(mesh, "redrive", letter_id)).failed(1)
    assert len(await mesh.read(topics.TASKS)) == 1
    told = await run(mesh, "redrive", letter_id, "--yes")
    assert told.code == 0
    assert f"{letter_id}  x-" in told.out
    assert "1 of 1 sent back" in told.out
    told = await run(mesh, "redrive", letter_id, "--yes")
    assert told.code == 1
    assert "already" in told.out
    # all that can be sent back is done
    told = await run(mesh, "redrive", "--all", "--yes", "--json")
    assert told.code == 0
    assert json.loads(told.out)["redriven"][0]["refusal"]
    assert "no dead letter" in (await run(mesh, "redrive", "9-9", "--yes")).failed(1)


# -- the API


@pytest_asyncio.fixture(loop_scope="session")
async def client(
    letters: DeadLetters,
) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    app = web.Application(middlewares=[problems])
    app.router.add_routes(routes(letters))
    async with TestClient(TestServer(app)) as made:
        yield made


async def test_the_api_lists_shows_and_sends_back(
    mesh: CraftedMesh, client: TestClient[web.Request, web.Application]
) -> None:
    letter_id, base = await poisoned(mesh), "/api/v1/mesh/dead-letters"
    listed = await (await client.get(base, params={"limit": "5"})).json()
    assert [letter["id"] for letter in listed["dead_letters"]] == [letter_id]
    shown = await (await client.get(f"{base}/{letter_id}")).json()
    assert shown["dead_letter"]["hex"].startswith("00000000  ff 00 70")
    planned = await client.post(f"{base}/{letter_id}/redrive", json={"dry_run": True})
    assert (await planned.json())["redriven"]["to"] == ""
    sent = await client.post(f"{base}/{letter_id}/redrive")
    assert (await sent.json())["redriven"]["to"]
    again = await client.post(f"{base}/{letter_id}/redrive")
    assert again.status == 409
    assert "already" in (await again.json())["detail"]
    assert len(await mesh.read(topics.TASKS)) == 2


@pytest.mark.parametrize(("path", "body", "status", "said"), [
    ("/9-9/redrive", None, 404, "no dead letter"),
    ("/0-0/redrive", "[]", 422, "JSON object"),
    ("/0-0/redrive", "{", 422, "JSON object"),
    ("/0-0/redrive", '{"fource": true}', 422, "fource"),
    ("/0-0/redrive", '{"force": 1}', 422, "true or false"),
    ("/0-0/redrive", '{"limit": -1}', 422, "whole number"),
])  # fmt: skip
async def test_the_api_says_what_is_wrong_with_a_call(
    client: TestClient[web.Request, web.Application],
    path: str,
    body: str | None,
    status: int,
    said: str,
) -> None:
    answer = await client.post(f"/api/v1/mesh/dead-letters{path}", data=body)
    assert answer.status == status
    assert said in (await answer.json())["detail"]
    assert (await client.get("/api/v1/mesh/dead-letters/9-9")).status == 404
