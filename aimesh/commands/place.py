"""Which mesh a command speaks to: its Kafka, and the address of its web."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aimesh.commands import running
from aimesh.settings import Settings

if TYPE_CHECKING:
    from aimesh.services.reading import Brokers

# where a Kafka listens by convention, as the worker assumes too
DEFAULT_KAFKA = "localhost:9092"


@dataclass(frozen=True)
class Place:
    """Where a mesh is, and how that is known: ``environment``, ``aimesh up`` or ``default``."""

    kafka: str
    url: str
    kafka_from: str
    url_from: str


def find(settings: Settings, url: str = "") -> Place:
    """Return where the mesh is.

    What the user set comes first, then a running `aimesh up` of the same data folder, then what
    is usual.

    Arguments:
        url: the address that the user named for this command, empty for none.
    """
    local = running.find(settings.data)
    if local and settings.kafka not in ("", local.kafka):
        local = None  # the user means another mesh
    kafka = settings.kafka or (local.kafka if local else DEFAULT_KAFKA)
    kafka_from = "environment" if settings.kafka else "aimesh up" if local else "default"
    if url:
        return Place(kafka, url.rstrip("/"), kafka_from, "--url")
    if local:
        return Place(kafka, local.web, kafka_from, "aimesh up")
    return Place(kafka, _own_url(settings), kafka_from, "default")


def brokers(settings: Settings) -> Brokers:
    """Return how to reach the mesh's Kafka.

    Raises:
        SettingsError: the access that is set cannot be used.
    """
    from aimesh.services.kafka_access import OPEN, KafkaAccess
    from aimesh.services.reading import Brokers

    place = find(settings)
    # an access that is set is another broker's, the embedded one is open
    embedded = place.kafka_from == "aimesh up"
    return Brokers(place.kafka, OPEN if embedded else KafkaAccess.from_settings(settings))


def _own_url(settings: Settings) -> str:
    host = settings.web_bind
    try:
        if ipaddress.ip_address(host).is_unspecified:
            host = "127.0.0.1"
    except ValueError:
        host = host or "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.web_port}"
