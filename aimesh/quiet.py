"""Keeps libraries from flooding the log: a broker that is away is worth a line, not thousands."""

from __future__ import annotations

import logging
import time

from faust.utils.terminal import SpinnerHandler

from aimesh.core.repetition import Repetition

FLOODING = ("aiokafka", "faust", "mode", "httpx")
# What mends itself and needs nobody: a new topic's partition that has no leader yet is asked for
# again; a commit that takes longer than the pause between two delays the next one.
HARMLESS = ("NotLeaderForPartitionError", "Timer commit is overlapping")


class FloodFilter(logging.Filter):
    """Lets a library's like messages pass once in a while, with a count of those held back."""

    def __init__(self, pause: float = 30.0) -> None:
        super().__init__()
        self._repetition = Repetition(pause)

    def filter(self, record: logging.LogRecord) -> bool:
        """Decide about one record; our own are all let pass, and so is what is only informative."""
        if record.levelno < logging.WARNING or record.name.split(".")[0] not in FLOODING:
            return True
        if any(text in record.getMessage() for text in HARMLESS):
            record.levelno, record.levelname = logging.INFO, "INFO"
            return True
        decided = record.__dict__  # once, however many handlers ask
        if "flood_passed" not in decided:
            passed = self._repetition.let_pass(record.getMessage(), time.monotonic())
            decided["flood_passed"] = passed is not None
            if passed is not None:
                record.msg, record.args = passed, ()
        return bool(decided["flood_passed"])


def quiet() -> None:
    """Put the filter on all handlers of the root logger, and make the chattiest library silent."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    root, flood = logging.getLogger(), FloodFilter()
    _stop_spinning(root)
    for handler in root.handlers:
        handler.addFilter(flood)


def _stop_spinning(root: logging.Logger) -> None:
    """Take away Faust's spinner, which turns with each message of any level.

    For that all libraries make all of their debug messages, which nobody sees: 7 % of the time of a
    worker with 200 open pages.
    """
    for handler in list(root.handlers):
        if isinstance(handler, SpinnerHandler):
            root.removeHandler(handler)
            root.setLevel(min((h.level for h in root.handlers), default=logging.WARNING))
