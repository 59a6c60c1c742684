"""Statistics of an application, without those of every message."""

from __future__ import annotations

from typing import Any

from faust.sensors import Monitor
from faust.types import TP, EventT, Message, StreamT


class MeshMonitor(Monitor):
    """Faust's own monitor, which here counts commits and rebalances, and no single messages.

    Nothing reads what stock Faust notes four times for each of them; the stages count for
    themselves.
    """

    def on_message_in(self, tp: TP, offset: int, message: Message) -> None:
        """Nothing."""

    def on_stream_event_in(
        self, tp: TP, offset: int, stream: StreamT[Any], event: EventT[Any]
    ) -> None:
        """Nothing."""

    def on_stream_event_out(self, *_: Any) -> None:
        """Nothing."""

    def on_message_out(self, tp: TP, offset: int, message: Message) -> None:
        """Nothing."""
