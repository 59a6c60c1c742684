"""The door to the dead letters: look at them, and send them back to where they came from."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict

from aiokafka import AIOKafkaProducer

from aimesh import codec, dead_letters, topics
from aimesh.core.redriving import LIMIT, Origin, Redrive, refusal
from aimesh.core.telemetry import QUEUE_PREFIX
from aimesh.errors import MeshError
from aimesh.hops import app_id
from aimesh.records import now
from aimesh.services.letters import PREVIEW, DeadLetter, Redriven, letter_of, redrive_of
from aimesh.services.reading import Brokers, Spans, TopicReader, connected, kafka_failures, required
from aimesh.settings import Settings

_STEPS = (topics.TASKS, topics.SOLUTIONS, topics.VERDICTS, topics.REVIEWS)
_ID = re.compile(r"(\d{1,9})-(\d{1,18})")


class NoSuchDeadLetterError(MeshError, LookupError):
    """There is no dead letter with this id."""


class DeadLetters:
    """Reads the dead letters' topic, and remembers in a topic of its own what was sent back.

    Should a process die between sending a letter back and remembering it, the letter is sent again
    the next time, with the same replay count, and the stages absorb what they know already.

    Arguments:
        brokers: where Kafka is.
        settings: say how the topics are called.
    """

    def __init__(self, brokers: Brokers, settings: Settings) -> None:
        self._brokers = brokers
        self._settings = settings
        self._topic = settings.topic_prefix + topics.DEAD_LETTERS
        self._redrives = settings.topic_prefix + topics.REDRIVES
        self._steps = {settings.topic_prefix + topic for topic in _STEPS}
        self._queues = settings.topic_prefix + QUEUE_PREFIX

    async def newest(self, limit: int) -> list[DeadLetter]:
        """Return the newest dead letters, newest first, each with the beginning of its value.

        Raises:
            UnavailableError: no broker answers, or it has no mesh.
        """
        async with self._open() as (spans, reader, _):
            wanted = [self._last(spans, limit)]
            letters = [letter async for letter in self._letters(reader, spans, wanted, PREVIEW)]
        return sorted(letters, key=lambda letter: letter.at, reverse=True)[:limit]

    async def get(self, letter_id: str) -> DeadLetter:
        """Return one dead letter.

        Raises:
            NoSuchDeadLetterError: there is none with this id.
            UnavailableError: no broker answers, or it has no mesh.
        """
        async with self._open() as (spans, reader, _):
            wanted = [self._place(spans, letter_id)]
            found = [letter async for letter in self._letters(reader, spans, wanted)]
        if not found:
            raise NoSuchDeadLetterError(f"dead letter {letter_id!r} is gone")
        return found[0]

    async def redrive(
        self,
        letter_ids: Sequence[str] | None,
        *,
        limit: int = LIMIT,
        force: bool = False,
        dry_run: bool = False,
    ) -> list[Redriven]:
        """Send dead letters back to their topics, as they were, with the next replay count.

        Arguments:
            letter_ids: which ones; None for all.
            limit: the most times that a message is sent back.
            force: send back in spite of the limit, and what would be reviewed again.
            dry_run: only tell what would be done.

        Raises:
            NoSuchDeadLetterError: there is none with one of the ids; nothing was sent.
            UnavailableError: the broker does not answer; what was sent until then is remembered.
        """
        done: list[Redriven] = []
        taken: dict[Origin | None, str] = {}
        async with self._open() as (spans, reader, targets):
            if letter_ids is None:
                wanted = [self._last(spans, None)]
            else:
                wanted = [self._place(spans, letter_id) for letter_id in dict.fromkeys(letter_ids)]
            async with self._sender(dry_run) as producer:
                async for letter in self._letters(reader, spans, wanted):
                    why = _refusal(letter, targets, limit, force) or taken.get(letter.origin, "")
                    count = letter.replay_count + 1
                    to = "" if why or producer is None else await self._send(producer, letter)
                    done.append(Redriven(letter.id, letter.task_id, count, to, why))
                    if not why:
                        taken[letter.origin] = f"its message goes back with letter {letter.id}"
        return done

    # -- reading

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[tuple[Spans, TopicReader, Collection[str]]]:
        """Give what there is of both topics, a reader, and the topics that letters may go to."""
        async with connected(self._brokers) as admin:
            counts = await required(admin, self._brokers, [self._topic, self._redrives])
            begins, ends = await admin.beginnings(counts), await admin.ends(counts)
            # a queue that is gone would come into being, and nobody might read it
            queues = {name for name in await admin.partitions() if name.startswith(self._queues)}
        async with TopicReader(self._brokers) as reader:
            spans = {place: (begins[place], end) for place, end in ends.items()}
            yield spans, reader, self._steps | queues

    def _last(self, spans: Spans, last: int | None) -> Spans:
        """Return where the last letters of every partition are, all where ``last`` is None."""
        own = {place: span for place, span in spans.items() if place[0] == self._topic}
        if last is None:
            return own
        return {place: (max(begin, end - last), end) for place, (begin, end) in own.items()}

    def _place(self, spans: Spans, letter_id: str) -> Spans:
        if match := _ID.fullmatch(letter_id):
            place, offset = (self._topic, int(match[1])), int(match[2])
            begin, end = spans.get(place, (0, 0))
            if begin <= offset < end:
                return {place: (offset, offset + 1)}
        raise NoSuchDeadLetterError(f"there is no dead letter {letter_id!r}: see the list of them")

    async def _letters(
        self, reader: TopicReader, spans: Spans, wanted: Iterable[Spans], most: int | None = None
    ) -> AsyncIterator[DeadLetter]:
        """Yield the wanted letters, and with each whether it was sent back."""
        redrives: dict[str, Redrive] = {}
        known = {place: span for place, span in spans.items() if place[0] == self._redrives}
        async for batch in reader.through(known):
            found = [redrive_of(record) for record in batch]
            redrives |= {redrive.origin: redrive for redrive in found if redrive}
        app_prefix = app_id(self._settings, "")
        for part in wanted:
            async for batch in reader.through(part):
                for record in batch:
                    yield letter_of(record, app_prefix, redrives, most)

    # -- sending back

    @asynccontextmanager
    async def _sender(self, dry_run: bool) -> AsyncIterator[AIOKafkaProducer | None]:
        if dry_run:
            yield None
            return
        producer = AIOKafkaProducer(
            **self._brokers.options(),
            enable_idempotence=True,
            max_request_size=topics.MAX_MESSAGE_BYTES,
        )
        with kafka_failures(self._brokers):
            await producer.start()
            try:
                yield producer
            finally:
                await producer.stop()

    async def _send(self, producer: AIOKafkaProducer, letter: DeadLetter) -> str:
        """Send a letter's message back, remember that, and return where the message is now."""
        assert letter.origin is not None
        number = letter.replay_count + 1
        carried = [(name, text) for name, text in letter.headers if name == "traceparent"]
        count = (dead_letters.REPLAY_COUNT, str(number).encode())
        sent = await producer.send_and_wait(
            letter.origin.topic, letter.value, letter.key, headers=[*carried, count]
        )
        to = f"{sent.topic}/{sent.partition}/{sent.offset}"
        note = Redrive(letter.id, str(letter.origin), number, to, now())
        await producer.send_and_wait(self._redrives, codec.dumps(asdict(note)), letter.id.encode())
        return to


def _refusal(letter: DeadLetter, targets: Collection[str], limit: int, force: bool) -> str:
    return refusal(
        origin=letter.origin,
        role=letter.role,
        replay_count=letter.replay_count,
        redriven=letter.redriven,
        topics=targets,
        limit=limit,
        force=force,
    )
