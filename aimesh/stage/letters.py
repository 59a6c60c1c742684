"""Dead letters of a stage: messages that can never be worked on, and jobs that could not be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aimesh import dead_letters
from aimesh.errors import TooLargeError
from aimesh.stage.job import Job, texts_of
from aimesh.topics import MOST_RECORD_BYTES

if TYPE_CHECKING:
    from aimesh.stage.stage import Stage

# what a letter is cut to, one after the other, until the broker takes it
SIZES = (MOST_RECORD_BYTES - (64 << 10), 512 << 10, 16 << 10, 0)


class Letters:
    """Writes dead letters. What is too large for the broker is cut, with a header that says so."""

    def __init__(self, stage: Stage, topic: str) -> None:
        self._stage = stage
        self.topic = topic

    async def bury(self, message: Any, reason: str, kind: str = dead_letters.REJECTED) -> None:
        """Write the letter of a message; it has the bytes and the headers as they came."""
        headers = dead_letters.headers(
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            timestamp=message.timestamp,
            error_type=kind,
            error=reason,
            carried=texts_of(message.headers),
        )
        await self._send(message.key, message.value or b"", headers)

    async def bury_job(self, job: Job, error: str, error_type: str) -> None:
        """Write the letter of a job whose work has failed for good."""
        headers = dead_letters.headers(
            topic=job.topic,
            partition=job.partition,
            offset=job.offset,
            timestamp=job.opened_at,
            error_type=error_type,
            error=error,
            carried=job.headers,
        )
        await self._send(job.task_id.encode(), job.value.encode(), headers)

    async def _send(self, key: bytes | None, value: bytes, headers: dict[str, str]) -> None:
        for most in SIZES:
            if len(value) > most:
                own = {**headers, dead_letters.CUT_FROM: str(len(value))}
                cut, kept = (key or b"")[:1024], value[:most]
            else:
                own, cut, kept = headers, key or b"", value
            try:
                await self._stage.send(self.topic, cut if key is not None else None, kept, own)
            except TooLargeError:
                continue
            return
        raise TooLargeError.of(self.topic, len(value), 0)
