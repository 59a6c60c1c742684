"""Stages of AI-Mesh, one a hop, in one worker, with all that they guarantee."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from aimesh.faustfix import Clients, MeshApp
from aimesh.records import Task
from aimesh.services.kafka import KafkaAdmin
from aimesh.stage import Job, Send, Stage
from aimesh.topics import FOREVER, Layout
from bench.pipeline.hops.place import Place

SLOTS = 64


def stage(place: Place, number: int, clients: Clients | None = None) -> Stage:
    """Return the stage of a hop, with an application of its own."""
    owner, target = uuid4().hex, place.topic(number + 1)

    async def work(task: Task, job: Job) -> list[Send]:
        return [Send(target, task)]

    app = MeshApp(
        f"{place.id}-hop{number}",
        broker=place.broker,
        datadir=place.folder / f"hop{number}",
        identity=owner,
        clients=clients,
        topic_partitions=place.partitions,
    )
    return Stage(
        app,
        source=place.topic(number),
        kind=Task,
        work=work,
        dead_letters_topic=f"{place.id}-dead",
        owner=owner,
        partitions=place.partitions,
        slots=SLOTS,
    )


async def main(place: Place) -> None:
    """Move tasks until the process is ended."""
    clients = Clients()
    stages = [stage(place, number, clients) for number in range(place.hops)]
    admin = KafkaAdmin(place.broker)
    await admin.start()
    names = [f"{place.id}-dead", *(stage.results for stage in stages)]
    layouts = [Layout(name, place.partitions, FOREVER) for name in names]
    await admin.ensure([*layouts, *(c for s in stages for c in s.app.changelogs())], 1)
    await admin.close()
    for one in stages:
        one.app.finalize()
    await asyncio.gather(*(one.app.start() for one in stages))
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Place.told()))
