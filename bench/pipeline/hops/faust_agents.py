"""Agents of Faust as it comes, one a hop, in one worker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import faust

from bench.pipeline.hops.place import HEARTBEAT_SECONDS, SESSION_SECONDS, Place


class Hop(faust.Record):
    """What the topics carry."""

    task_id: str
    task: str


def new_app(place: Place) -> faust.App:
    """Return the application with an agent for each hop."""
    app = faust.App(
        place.id,
        broker=f"kafka://{place.broker}",
        datadir=place.folder / "faust",
        topic_partitions=place.partitions,
        broker_session_timeout=SESSION_SECONDS,
        broker_heartbeat_interval=HEARTBEAT_SECONDS,
        topic_disable_leader=True,
        web_enabled=False,
        env={},
    )
    topics = [app.topic(name, key_type=bytes, value_type=Hop) for name in place.topics()]
    for number in range(place.hops):
        app.agent(topics[number], name=f"{place.id}.hop{number}")(_hop(topics[number + 1]))
    return app


def _hop(target: Any) -> Any:
    async def hop(stream: AsyncIterator[Hop]) -> None:
        async for record in stream:
            await target.send(key=record.task_id.encode(), value=record)

    return hop


def main(place: Place) -> None:
    """Move tasks until the process is ended."""
    faust.Worker(new_app(place), loglevel="WARN").execute_from_commandline()


if __name__ == "__main__":
    main(Place.told())
