"""Write the list of jars that the embedded Kafka runs on: python scripts/lock_kafka.py VERSION.

Resolves the dependencies of that version of Kafka and writes their coordinates, sizes and SHA-256
to aimesh/embedded/kafka-jars.properties, so that users neither resolve anything nor trust a mirror.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from jgo.config import GlobalSettings
from jgo.maven import Artifact, MavenContext

TARGET = Path(__file__).parent.parent / "aimesh" / "embedded" / "kafka-jars.properties"
HEADER = """\
# The jars of the embedded Kafka: group:name:version=bytes sha256
# Written by scripts/lock_kafka.py; do not edit by hand.
"""


def resolve(version: str) -> list[Artifact]:
    """Every jar that Kafka needs at run time, and what joins its log API to its Log4j."""
    context = MavenContext(repo_cache=GlobalSettings.load().repo_cache)
    kafka = context.create_dependency(f"org.apache.kafka:kafka_2.13:{version}")
    _, needed = context.resolver.resolve([kafka])
    artifacts = [kafka.artifact]
    artifacts += [item.artifact for item in needed if item.scope in ("compile", "runtime")]
    log4j = next(item for item in artifacts if item.artifactId == "log4j-core")
    bridge = context.project(log4j.groupId, "log4j-slf4j-impl").at_version(log4j.version)
    return [*artifacts, bridge.artifact()]


def line(artifact: Artifact) -> str:
    """One jar as a line of the list; downloads it for its digest."""
    content = artifact.resolve().read_bytes()
    name = f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}"
    return f"{name}={len(content)} {hashlib.sha256(content).hexdigest()}\n"


def main() -> None:
    artifacts = resolve(sys.argv[1])
    TARGET.write_text(HEADER + "".join(sorted(line(artifact) for artifact in artifacts)))
    print(f"{TARGET.name}: {len(artifacts)} jars")


if __name__ == "__main__":
    main()
