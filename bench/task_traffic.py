"""Tasks on their way through a mesh that is not there: what its agents would write, in order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.structs import RecordMetadata

from aimesh import codec, topics
from aimesh.records import Line, Review, Solution, Task, Verdict, now

UNDER_WAY = 20
# of all tasks, how many need a second attempt
MENDED = 0.25
MODEL = "gemma3:1b"
TEXT = (
    "Write a Python function `f_{n}(values)` that returns the running sums of a list.\n\n"
    "Example: f_{n}([1, 2, 3]) -> [1, 3, 6]\nExample: f_{n}([]) -> []"
)
CODE = (
    "from itertools import accumulate\n\n\ndef f_{n}(values):\n"
    '    """Return the running sums."""\n    return list(accumulate(values))\n\n\n'
    + "assert f_{n}([1, 2, 3]) == [1, 3, 6]\n"
    * 8
)
ERROR = "AssertionError: f([1, 2, 3]) is [1, 2, 3], expected [1, 3, 6]"
REVIEW = "The function does what is asked for, and it says so in few words. " * 6


@dataclass(frozen=True)
class Told:
    """A message of an agent.

    ``mark`` is what appears on the page because of it: the list, and what is new there. It is
    empty where the message only changes what is there already.
    """

    topic: str
    key: bytes
    value: bytes
    mark: str


class Tasks:
    """Makes up tasks, of which some are under way at the same time."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._count = 0

    def messages(self) -> Iterator[Told]:
        """Yield messages without end; those of one task are in order."""
        under_way = [self._task() for _ in range(UNDER_WAY)]
        while True:
            place = self._random.randrange(UNDER_WAY)
            told = next(under_way[place], None)
            if told is None:
                under_way[place] = self._task()
            else:
                yield told

    def _task(self) -> Iterator[Told]:
        self._count += 1
        task_id = f"b-{self._random.getrandbits(64):016x}"
        return way(task_id, self._count, 2 if self._random.random() < MENDED else 1)


def way(task_id: str, number: int, attempts: int) -> Iterator[Told]:
    """Yield what is told of a task from its beginning to its review."""
    text, code = TEXT.format(n=number), CODE.format(n=number)
    for attempt in range(1, attempts + 1):
        is_first, passes = attempt == 1, attempt == attempts
        task = Task(
            task=text, task_id=task_id, attempt=attempt, created_at=now(),
            source="producer" if is_first else "sandbox",
            feedback=None if is_first else {"code": code, "error": ERROR},
        )  # fmt: skip
        yield _card(topics.TASKS, task_id, task, "tasks" if is_first else "")
        solved: dict[str, Any] = {
            "task_id": task_id, "task": text, "attempt": attempt, "solution": code,
            "answer": f"```python\n{code}```", "model": MODEL, "input_tokens": 120,
            "output_tokens": 80, "duration_s": 1.5, "created_at": now(),
        }  # fmt: skip
        yield from _steps("consumer", task_id, attempt)
        yield _card(topics.SOLUTIONS, task_id, Solution(**solved), "code" if is_first else "")
        verdict = Verdict(
            **solved, success=passes, verdict="passed" if passes else "failed", final=passes,
            exec_output="" if passes else ERROR, exit_code=0 if passes else 1, wall_s=0.2,
            isolation=["rlimits", "landlock", "seccomp"],
        )  # fmt: skip
        yield from _steps("sandbox", task_id, attempt)
        yield _card(topics.VERDICTS, task_id, verdict, "sandbox" if is_first else "")
    review = Review(
        task_id=task_id, task=text, solution=code, success=True, review=REVIEW, attempts=attempts,
        model=MODEL, verdict="passed", output_tokens=90, duration_s=1.2, created_at=now(),
    )  # fmt: skip
    yield from _steps("reviewer", task_id, 1)
    yield _card(topics.REVIEWS, task_id, review, "reviews")
    yield from _steps("persistence", task_id, 1)


def _card(topic: str, task_id: str, record: Task | Solution | Review, column: str) -> Told:
    mark = f"{column}-list {task_id}" if column else ""
    return Told(topic, task_id.encode(), codec.dumps(record), mark)


def _steps(agent: str, task_id: str, attempt: int) -> Iterator[Told]:
    """Yield what a stage says of a job."""
    for name in ("started", "done"):
        data = {"attempt": attempt, "duration_s": 0.1}
        line = Line(type="event", agent=agent, name=name, task_id=task_id, data=data, ts=now())
        mark = f"log-list {task_id} {agent} {name}" if attempt == 1 else ""
        yield Told(topics.TELEMETRY, agent.encode(), codec.dumps(line), mark)


class Writer:
    """Writes what agents tell into the topics."""

    def __init__(self, producer: AIOKafkaProducer, prefix: str) -> None:
        self._producer = producer
        self._prefix = prefix
        self._sending: list[asyncio.Future[RecordMetadata]] = []
        self._source: Iterator[Told] = Tasks(seed=1).messages()
        self.count = 0
        #: When each mark was sent.
        self.sent: dict[str, float] = {}

    async def fill(self, count: int) -> None:
        """Write so many as fast as Kafka takes them."""
        for _ in range(count):
            await self._send()
        await self._arrived()

    async def keep(self, rate: float, seconds: float) -> None:
        """Write at a rate for so long."""
        began = time.perf_counter()
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            await self._send()
        await self._arrived()

    async def _send(self) -> None:
        told = next(self._source)
        if told.mark:
            self.sent[told.mark] = time.time()
        sending = await self._producer.send(self._prefix + told.topic, told.value, told.key)
        self._sending.append(sending)
        self.count += 1

    async def _arrived(self) -> None:
        await asyncio.gather(*self._sending)
        self._sending.clear()
