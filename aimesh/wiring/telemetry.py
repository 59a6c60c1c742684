"""Puts the parts of the telemetry together; the worker starts them with the observer role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp.web import AbstractRouteDef

from aimesh import hops, topics
from aimesh.agents.telemetry_observer import TelemetryObserver, feed_topic
from aimesh.core.telemetry import ERRORS_TOPIC
from aimesh.faustfix import MeshApp
from aimesh.services.kafka_access import KafkaAccess
from aimesh.settings import Settings
from aimesh.tables.telemetry.tables import Keep
from aimesh.topics import Layout
from aimesh.views.telemetry.common import Source
from aimesh.views.telemetry.routes import routes

ROLE = "telemetry"
# the feed's records are batches: a few of them are a lot
FEW = {"topic_partitions": 1, "stream_buffer_maxsize": 64, "broker_max_poll_records": 20}


class TelemetryWiring:
    """The telemetry of one worker.

    Arguments:
        settings: of the worker.
        kafka: addresses of brokers.
        access: what the brokers ask of clients.
        common: how the worker's applications are made.
    """

    def __init__(
        self, settings: Settings, kafka: str, access: KafkaAccess, common: Mapping[str, Any]
    ) -> None:
        self._settings = settings
        self.app = MeshApp(hops.app_id(settings, ROLE), **{**common, **FEW})
        prefix = settings.topic_prefix
        carried = {t: c for t, c in topics.CARRIES.items() if t != topics.GOVERNOR}
        carried[topics.STEPS] = "line"
        self.observer = TelemetryObserver(
            self.app,
            kafka,
            prefix=prefix,
            channels={prefix + topic: carries for topic, carries in carried.items()},
            keep=Keep(settings.keep_messages, settings.keep_errors, settings.keep_traces),
            access=access,
        )

    def routes(self) -> list[AbstractRouteDef]:
        """Return the paths of the telemetry API."""
        return [*routes(Source(self.observer, self._settings.topic_prefix), self.observer.live)]


def layouts(settings: Settings) -> list[Layout]:
    """Return the topics that the telemetry needs."""
    feed = feed_topic(hops.app_id(settings, ROLE))
    return [
        Layout(feed, 1, 3 * topics.DAY),
        Layout(settings.topic_prefix + ERRORS_TOPIC, settings.partitions, 7 * topics.DAY),
        Layout(settings.topic_prefix + topics.STEPS, settings.partitions, topics.DAY),
    ]
