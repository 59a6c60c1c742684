"""Following one task through the mesh's topics, as it happens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from aimesh import codec, topics
from aimesh.core.feed import FeedEvent
from aimesh.core.moments import time_text
from aimesh.feeding import kind_in
from aimesh.hops import app_id
from aimesh.services.kafka import KafkaAdmin
from aimesh.services.letters import letter_of
from aimesh.services.reading import Place, Record, TopicReader
from aimesh.settings import Settings

_FOLLOWED = (
    topics.TASKS,
    topics.SOLUTIONS,
    topics.VERDICTS,
    topics.REVIEWS,
    topics.DEAD_LETTERS,
    topics.TELEMETRY,
)


class TaskFollower:
    """Reads the topics that a task goes through from where they end now.

    Arguments:
        settings: say how the topics are called.
        starts: from `begin`.
    """

    def __init__(self, settings: Settings, starts: Mapping[Place, int]) -> None:
        self._settings = settings
        self._starts = starts
        self._carries = {
            settings.topic_prefix + topic: topics.CARRIES[topic] for topic in _FOLLOWED
        }

    @classmethod
    async def begin(
        cls, settings: Settings, admin: KafkaAdmin, counts: Mapping[str, int]
    ) -> TaskFollower:
        """Remember where the topics end, before the task is sent.

        Arguments:
            counts: the mesh's topics with their number of partitions.
        """
        names = [settings.topic_prefix + topic for topic in _FOLLOWED]
        return cls(settings, await admin.ends({name: counts[name] for name in names}))

    async def events(self, reader: TopicReader, task_id: str) -> AsyncIterator[FeedEvent]:
        """Yield what happens to a task, without end.

        Raises:
            UnavailableError: the broker stops answering.
        """
        async for record in reader.following(self._starts):
            event = self._event(record)
            if event is not None and event.data.get("task_id") == task_id:
                yield event

    def _event(self, record: Record) -> FeedEvent | None:
        carries = self._carries[record.topic]
        data = self._dead(record) if carries == "dead_letter" else _object(record.value)
        kind, _ = kind_in(carries, data)
        if kind is None:
            return None
        return FeedEvent(
            kind=kind,
            at=time_text(record.timestamp / 1000),
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            key=(record.key or b"").decode("utf-8", "replace"),
            data=data,
        )

    def _dead(self, record: Record) -> dict[str, Any]:
        letter = letter_of(record, app_id(self._settings, ""), {})
        return {
            "task_id": letter.task_id,
            "id": letter.id,
            "role": letter.role,
            "error": letter.error,
            "error_type": letter.error_type,
        }


def _object(value: bytes | None) -> dict[str, Any]:
    try:
        data = codec.loads(value or b"")
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
