"""What is compared with: the same questions to a plain list in memory, scanned for every answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import islice
from typing import Any

import orjson

from aimesh.core.telemetry import AgentMessage
from bench.telemetry_traffic import Traffic

COUNT = 10_000
REPEAT = 5


def naive_milliseconds() -> dict[str, float]:
    """Return how many milliseconds answers take over a list of 10,000 messages."""
    traffic = Traffic(1)
    messages = [AgentMessage.read(message) for message in islice(traffic.messages(), COUNT)]
    agent = traffic.agents[0]
    questions: dict[str, Callable[[], Any]] = {
        "queues": lambda: [_queue(messages, name) for name in traffic.agents],
        "queues/{agent}/pending": lambda: _pending(messages, agent),
    }
    return {name: _took(ask) for name, ask in questions.items()}


def _queue(messages: list[AgentMessage], agent: str) -> dict[str, Any]:
    own = [message for message in messages if message.target_agent == agent]
    waiting = _pending(messages, agent)
    return {"agent_name": agent, "total_messages": len(own), "pending": waiting}


def _pending(messages: list[AgentMessage], agent: str) -> list[dict[str, Any]]:
    answered = {m.parent_message_id for m in messages if m.message_type in ("result", "error")}
    return [
        message.stored()
        for message in messages
        if message.target_agent == agent
        and message.message_type == "task"
        and message.message_id not in answered
    ]


def _took(ask: Callable[[], Any]) -> float:
    began = time.perf_counter()
    for _ in range(REPEAT):
        orjson.dumps(ask())
    return 1000 * (time.perf_counter() - began) / REPEAT
