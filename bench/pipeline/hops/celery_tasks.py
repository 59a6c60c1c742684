"""Celery on Redis: a task for each hop sends the next, acknowledged late; one process works."""

from __future__ import annotations

from typing import Any

from celery import Celery
from redis import Redis

from bench.pipeline.hops.place import VISIBILITY_SECONDS, Place


def new_app(place: Place) -> Any:
    """Return the application with the tasks of all hops."""
    app = Celery(place.id, broker=place.broker)
    app.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_ignore_result=True,
        task_default_queue=place.id,
        broker_transport_options={"visibility_timeout": VISIBILITY_SECONDS},
        broker_connection_retry_on_startup=True,
        worker_hijack_root_logger=False,
    )
    redis = Redis.from_url(place.broker)
    for number in range(place.hops):
        app.task(_hop(app, redis, place, number), name=place.topic(number))
    return app


def _hop(app: Any, redis: Any, place: Place, number: int) -> Any:
    target = place.topic(number + 1)

    def hop(task_id: str, task: str) -> None:
        if number + 1 == place.hops:
            redis.rpush(target, task_id)
        else:
            app.send_task(target, (task_id, task))

    return hop


def main(place: Place) -> None:
    """Move tasks until the process is ended."""
    new_app(place).worker_main(
        ["worker", "-l", "WARNING", "-c", "1", "--without-gossip", "--without-mingle"]
    )


if __name__ == "__main__":
    main(Place.told())
