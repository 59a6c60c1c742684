"""The crew's workers killed in the middle of their work: nothing is lost, nothing is done twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from aimesh.core.crew import answer_id, step_id
from aimesh.embedded.rehearsal import RehearsalServer
from tests.crew import MERGE, listening
from tests.mesh import running_mesh

QUESTIONS = 12
STEPS = 4
KILLS = 4
PLACES = 4


@pytest.mark.timeout(240)
async def test_killed_workers_lose_no_answer_and_answer_nothing_twice(
    kafka: str, tmp_path: Path
) -> None:
    model = RehearsalServer(garbage_every=0, latency=0.05)
    async with running_mesh(kafka, tmp_path, model, AIMESH_ROLES="crew") as mesh:
        # one works, the other stands by; both keep what their disks had when they come back
        workers = [await mesh.start(AIMESH_WORKER=f"w{n}") for n in range(2)]
        async with listening(mesh) as crew:
            asked = [crew.ask(MERGE) for _ in range(QUESTIONS)]
            for number in range(KILLS):
                said = len(crew.heard) + 15

                def has_gone_on(said: int = said) -> bool:
                    return len(crew.heard) >= said or all(map(crew.answer_to, asked))

                await crew.until(has_gone_on)
                await workers[number % 2].kill()
                workers[number % 2] = await mesh.start(AIMESH_WORKER=f"w{number % 2}")
            answers = [await crew.answer(question) for question in asked]
            heard = list(crew.heard)
        for worker in workers:
            assert await worker.stop() == 0

    assert [answer.message_type for answer in answers] == ["result"] * QUESTIONS
    assert all(answer.payload["missing"] == [] for answer in answers)
    assert len({answer.payload["text"] for answer in answers}) == 1
    for question in asked:
        steps = [step_id(question.message_id, number) for number in range(STEPS)]
        of_it = [m for m in heard if m.trace_id == question.trace_id]
        given = {m.message_id for m in of_it if m.message_type == "task"}
        assert given == {question.message_id, *steps}
        told = {m.message_id for m in of_it if m.message_type in ("result", "error")}
        assert told == {answer_id(name) for name in given}
    # what was at work when its worker was killed begins anew, and nothing else does
    for kind in ("plan", "research", "solve", "write", "check"):
        assert model.kinds[kind] <= QUESTIONS + KILLS * PLACES
    sent = Counter(m.message_id for m in heard if m.message_type != "heartbeat")
    assert sum(count - 1 for count in sent.values()) <= KILLS * PLACES
