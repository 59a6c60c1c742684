"""Puts the state of the whole system together; a worker with the observer role answers it."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp.web import AbstractRouteDef

from aimesh.agents.observer import Observer
from aimesh.diagnosing.analysis import Analysis
from aimesh.oracle.state import StateBuilder
from aimesh.services.cluster import Cluster, Deployment
from aimesh.services.kept import Kept
from aimesh.services.model_list import ModelList
from aimesh.views.telemetry.common import Source
from aimesh.views.telemetry.oracle import OracleViews
from aimesh.views.telemetry.oracle import Parts as ViewParts
from aimesh.wiring.parts import Parts


def routes(
    parts: Parts, observer: Observer, source: Source, analysis: Analysis, models: ModelList
) -> list[AbstractRouteDef]:
    """Return the paths of the state.

    Arguments:
        parts: of the worker; what is to be closed is left there.
        observer: has the mesh's tables.
        source: has those of all agents.
        analysis: says what is wrong.
        models: knows the models.
    """
    settings = parts.settings
    empty: Sequence[Deployment] = ()
    cluster = Kept(Cluster(settings.oracle_namespace).deployments, empty)
    parts.closers.append(cluster.close)
    builder = StateBuilder(observer, analysis.gatherer.follower, settings)
    return [*OracleViews(ViewParts(source, builder, analysis, cluster, models, settings)).routes()]
