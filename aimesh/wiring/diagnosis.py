"""Puts the diagnosis together; a worker with the observer role answers it."""

from __future__ import annotations

from aiohttp.web import AbstractRouteDef

from aimesh.agents.observer import Observer
from aimesh.agents.telemetry_observer import TelemetryObserver
from aimesh.diagnosing.analysis import Analysis
from aimesh.diagnosing.gathering import Gatherer
from aimesh.diagnosing.keeping_up import KeepingUp
from aimesh.services.gateway import Gateway
from aimesh.services.model_list import ModelList
from aimesh.settings import Settings
from aimesh.views.telemetry.claude import ClaudeViews
from aimesh.views.telemetry.common import Source
from aimesh.wiring import export, oracle
from aimesh.wiring.parts import Parts


class DiagnosisWiring:
    """The diagnosis of one worker.

    Arguments:
        parts: of the worker; what is to be closed is left there.
        observer: has the mesh's tables.
        telemetry: has those of all agents.
    """

    def __init__(self, parts: Parts, observer: Observer, telemetry: TelemetryObserver) -> None:
        settings = parts.settings
        self._parts = parts
        self._observer = observer
        self._telemetry = telemetry
        self._source = Source(telemetry, settings.topic_prefix)
        self.models = ModelList(settings.ollama_url, _gateway(settings))
        gatherer = Gatherer(observer, settings, self.models.limits)
        self.analysis = Analysis(gatherer, observer)
        parts.closers.append(self.models.close)
        parts.hubs.append(KeepingUp(telemetry, gatherer.follower))

    def routes(self) -> list[AbstractRouteDef]:
        """Return the paths that it answers."""
        return [
            *ClaudeViews(self._source, self.analysis, self.models).routes(),
            *oracle.routes(self._parts, self._observer, self._source, self.analysis, self.models),
            *export.routes(self._parts, self._telemetry, self._source),
        ]


def _gateway(settings: Settings) -> Gateway | None:
    if not settings.litellm_url:
        return None
    return Gateway(settings.litellm_url, settings.litellm_key)
