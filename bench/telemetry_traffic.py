"""Agents by the hundred that talk: writes their messages and errors into Kafka.

    python -m bench.telemetry_traffic BOOTSTRAP PREFIX MESSAGES ERRORS [--rate N] [--seed N]

Half of the messages are tasks, most of them are answered, some time out, some never end; the rest
are heartbeats. Prints one line of JSON at the end: how many of each, and how long it took.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer

from aimesh.core.moments import rfc3339
from aimesh.core.telemetry import CATEGORIES, ERRORS_TOPIC, PRIORITIES, queue_topic
from aimesh.services.kafka import KafkaAdmin
from aimesh.topics import DAY, Layout

AGENTS = 100
PORTION = 500
# tasks that are answered are among the newest so many
IN_WORK = 5000
FOREVER = 1e8


class Traffic:
    """Makes up messages and errors."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._open: deque[dict[str, Any]] = deque(maxlen=IN_WORK)
        self.agents = [f"agent-{n:03}" for n in range(AGENTS)]

    def _id(self) -> str:
        return f"{self._random.getrandbits(128):032x}"

    def messages(self) -> Iterator[dict[str, Any]]:
        """Yield messages without end."""
        while True:
            chance = self._random.random()
            if chance < 0.5:
                yield self._task()
            elif chance < 0.95 and self._open:
                yield self._answer()
            else:
                yield self._message("heartbeat", self._random.choice(self.agents), None)

    def _message(self, kind: str, target: str, trace_id: str | None, **more: Any) -> dict[str, Any]:
        return {
            "message_id": self._id(),
            "source_agent": self._random.choice(self.agents),
            "target_agent": target,
            "message_type": kind,
            "priority": "normal",
            "payload": {},
            "trace_id": trace_id,
            "span_id": None,
            "parent_message_id": None,
            "reason": None,
            "timestamp": rfc3339(datetime.now(UTC)),
            "ttl_seconds": None,
            **more,
        }

    def _task(self) -> dict[str, Any]:
        random = self._random
        joins = self._open and random.random() < 0.6
        trace_id = random.choice(self._open)["trace_id"] if joins else self._id()
        task = self._message(
            "task",
            random.choice(self.agents),
            trace_id,
            priority=random.choice(PRIORITIES),
            reason="the next step needs what it knows",
            payload={"question": "what follows from this, and what is to be done? " * 3},
            ttl_seconds=random.choice([None, FOREVER]),
        )
        self._open.append(task)
        return task

    def _answer(self) -> dict[str, Any]:
        random = self._random
        index = random.randrange(len(self._open))
        self._open.rotate(-index)
        task = self._open.popleft()
        return self._message(
            "result" if random.random() < 0.95 else "error",
            task["source_agent"],
            task["trace_id"],
            source_agent=task["target_agent"],
            parent_message_id=task["message_id"],
            payload={
                "answer": "it follows that it must be done in this way. " * 3,
                "model": "gemma3:1b",
                "usage": {"input_tokens": 120, "output_tokens": 80},
            },
        )

    def error(self) -> dict[str, Any]:
        """Return an error."""
        random = self._random
        return {
            "error_id": self._id(),
            "severity": random.choices(["critical", "error", "warning", "info"], [1, 20, 8, 4])[0],
            "category": random.choice(CATEGORIES),
            "error_type": "TimeoutError",
            "error_message": "no answer within 30 s",
            "stack_trace": 'Traceback (most recent call last):\n  File "agent.py", line 1\n' * 12,
            "trace_id": random.choice(self._open)["trace_id"] if self._open else None,
            "agent_name": random.choice(self.agents),
            "operation": "ask",
            "timestamp": rfc3339(datetime.now(UTC)),
            "suggested_fixes": ["Look whether the service that was waited for is slow or down"],
        }


async def write(
    bootstrap: str, prefix: str, messages: int, errors: int, rate: float, seed: int
) -> dict[str, float]:
    """Write so many messages and errors, at most ``rate`` a second of both; return the figures.

    ``began_at`` is the Unix time of the first one.
    """
    traffic = Traffic(seed)
    admin = KafkaAdmin(bootstrap)
    await admin.start()
    names = [queue_topic(agent, prefix) for agent in traffic.agents]
    await admin.ensure([Layout(name, 1, DAY) for name in names], 1)
    await admin.close()
    every = messages / errors if errors else 0.0
    began_at, began, sent, told = time.time(), time.perf_counter(), 0, 0
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, linger_ms=5, max_batch_size=128 << 10
    ) as producer:
        source = traffic.messages()
        while sent < messages:
            for _ in range(min(PORTION, messages - sent)):
                message = next(source)
                topic = queue_topic(message["target_agent"], prefix)
                await producer.send(topic, orjson.dumps(message))
                sent += 1
                while errors and told < errors and told * every < sent:
                    error = orjson.dumps(traffic.error())
                    await producer.send(prefix + ERRORS_TOPIC, error)
                    told += 1
            if rate:
                ahead = (sent + told) / rate - (time.perf_counter() - began)
                await asyncio.sleep(max(0.0, ahead))
    took = time.perf_counter() - began
    return {"messages": sent, "errors": told, "seconds": took, "began_at": began_at}


def main() -> None:
    """Write what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bootstrap")
    parser.add_argument("prefix")
    parser.add_argument("messages", type=int)
    parser.add_argument("errors", type=int)
    parser.add_argument("--rate", type=float, default=0.0, help="a second; 0 for all at once")
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    # topics that were made a moment ago are tried again
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    figures = asyncio.run(write(a.bootstrap, a.prefix, a.messages, a.errors, a.rate, a.seed))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
