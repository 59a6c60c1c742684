"""What is known of a run after it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run ended. Times are seconds, sizes bytes."""

    # passed failed timeout out_of_memory output_limit disk_limit killed no_code sandbox_error
    verdict: str
    success: bool = False
    # standard output and error in the order written, safe to show
    output: str = ""
    exit_code: int | None = None
    signal: int | None = None
    wall_s: float = 0.0
    cpu_s: float = 0.0
    max_rss_bytes: int = 0
    truncated: bool = False
    # the limit that was hit, such as "wall 10 s"
    limit: str = ""
    # the layers that were in force
    isolation: tuple[str, ...] = ()
    cases_passed: int = 0
    cases_total: int = 0
    # what went wrong in one line, as feedback for whoever wrote the code
    error: str = ""


@dataclass(kw_only=True)
class Report:
    """What the parent collected while a run lasted."""

    # why the parent ended it: "wall", "output", "disk", "inodes", "threads" or nothing
    stopped: str = ""
    output: bytes = b""
    truncated: bool = False
    wall_s: float = 0.0
    # the layers were applied and the code was started
    ready: bool = False
    # the process id of the worker, as this process sees it
    worker: int = 0
    # what the locking down failed with
    refused: str = ""
    # as wait(2) gives it; None when nobody could tell
    status: int | None = None
    cpu_s: float = 0.0
    max_rss_bytes: int = 0
    # the exception that ended the code: its kind, errno, what was full, its text
    memory_error: bool = False
    errno: int = 0
    full: int = 0
    exception: str = ""
    # index: (passed, what it gave or raised)
    cases: dict[int, tuple[bool, str]] = field(default_factory=dict)
