"""Puts the export of traces together; the worker that holds the telemetry's tables exports."""

from __future__ import annotations

import os
from collections.abc import Mapping

from aiohttp.web import AbstractRouteDef

from aimesh.agents.telemetry_observer import TelemetryObserver
from aimesh.core.exporting.sampling import Sampler, SamplingConfig
from aimesh.errors import SettingsError
from aimesh.exporting.tail import TailExporter
from aimesh.services.otlp import Otlp, OtlpSettings
from aimesh.views.telemetry.common import Source
from aimesh.views.telemetry.otlp import OtlpViews
from aimesh.views.telemetry.sampling import SamplingViews
from aimesh.wiring.parts import Parts

FILE = "export.json"
# the names that OpenTelemetry has for taking all, none, and a share by chance
_ALL = ("always_on", "parentbased_always_on")
_NONE = ("always_off", "parentbased_always_off")
_SHARE = ("traceidratio", "parentbased_traceidratio")


def routes(parts: Parts, telemetry: TelemetryObserver, source: Source) -> list[AbstractRouteDef]:
    """Return the paths of sampling and export.

    Arguments:
        parts: of the worker; what starts and stops with it is left there.
        telemetry: has the tables.
        source: the same, for views.
    """
    # these variables are OpenTelemetry's own, and its exporter reads more of them
    environ = os.environ
    exporter = TailExporter(
        telemetry,
        Sampler(SamplingConfig(head_sample_rate=head_rate(environ))),
        Otlp(OtlpSettings.from_env(environ)),
        parts.settings.folder / FILE,
        parts.settings.topic_prefix,
    )
    parts.hubs.append(exporter)
    return [*SamplingViews(exporter).routes(), *OtlpViews(source, exporter).routes()]


def head_rate(environ: Mapping[str, str]) -> float:
    """Return the share of traces that OTEL_TRACES_SAMPLER asks for.

    Raises:
        SettingsError: it is none of OpenTelemetry's samplers, or its argument is no share.
    """
    name = environ.get("OTEL_TRACES_SAMPLER", "").strip().lower() or "always_on"
    if name in _ALL:
        return 1.0
    if name in _NONE:
        return 0.0
    if name not in _SHARE:
        takes = ", ".join((*_ALL, *_NONE, *_SHARE))
        raise SettingsError(f"OTEL_TRACES_SAMPLER={name!r} cannot be used: it takes {takes}")
    text = environ.get("OTEL_TRACES_SAMPLER_ARG", "") or "1.0"
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise SettingsError(f"OTEL_TRACES_SAMPLER_ARG={text!r} must be a number from 0 to 1")
    return share
