"""Flow control that does not forget messages."""

from __future__ import annotations

from mode.utils.queues import FlowControlEvent


class CalmFlow(FlowControlEvent):
    """Empties the queues only when the flow really was stopped.

    Stock Faust resumes it once more after a table's recovery, and so throws away what has come
    into the queues meanwhile.
    """

    def resume(self) -> None:
        """Let messages flow again; nothing happens where they already do."""
        if not self.is_active():
            super().resume()
