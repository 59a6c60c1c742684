"""What a broker finds too large together goes in halves, as Kafka's own Java client does it.

The Python client gives all records of a batch up when the broker refuses the batch for its size,
though each of them may be small: how large a batch gets is the client's own affair.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from aiokafka.errors import MessageSizeTooLargeError, RecordListTooLargeError
from aiokafka.producer.message_accumulator import MessageBatch
from aiokafka.record.memory_records import MemoryRecords

# what a broker says to more than it takes
TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)

# sees to what must happen to every batch when it is done
Prepare = Callable[[Any, Any], None]


def halve_if_refused(gathering: Any, batch: Any, prepare: Prepare) -> None:
    """Have a batch that the broker finds too large sent again in halves, before what waits.

    A record's future stays the same; it fails only when the broker refuses the record alone.

    Arguments:
        gathering: the client's accumulator of batches.
        batch: is about to be sent.
        prepare: called with the batch and each half before it waits to be sent.
    """
    if batch.record_count > 1:
        batch.failure = partial(_failed, gathering, batch, prepare)


def _failed(gathering: Any, batch: Any, prepare: Prepare, exception: BaseException) -> None:
    if batch.future.done() or not isinstance(exception, TOO_LARGE):
        MessageBatch.failure(batch, exception)
        return
    halves = list(_halves(gathering, batch))
    for half in halves:
        prepare(batch, half)
    gathering._batches[batch.tp].extendleft(reversed(halves))
    if not gathering._waiter_future.done():
        gathering._waiter_future.set_result(None)
    # whoever waits until all has gone out waits for the halves as well
    _end_with(batch, [half.future for half in halves], exception)


def _halves(gathering: Any, batch: Any) -> Iterator[Any]:
    # its records are in the order of the futures that were promised for them
    written = MemoryRecords(bytes(batch.get_data_buffer())).next_batch()
    records = list(zip(written, (future for future, _ in batch._msg_futures), strict=True))
    batch._msg_futures = []
    middle = len(records) // 2
    for part in (records[:middle], records[middle:]):
        half = MessageBatch(
            batch.tp, gathering.create_builder(), gathering._batch_ttl, gathering._linger_time
        )
        for record, future in part:
            half.append(
                record.key,
                record.value,
                record.timestamp,
                _create_future=partial(_same, future),
                headers=list(record.headers),
            )
        yield half


def _same(future: asyncio.Future[Any]) -> asyncio.Future[Any]:
    return future


def _end_with(batch: Any, halves: list[asyncio.Future[Any]], exception: BaseException) -> None:
    def ended(_: asyncio.Future[Any]) -> None:
        if all(half.done() for half in halves) and not batch.future.done():
            batch.future.set_exception(exception)
            batch.future.exception()  # the records' own futures tell

    for half in halves:
        half.add_done_callback(ended)
