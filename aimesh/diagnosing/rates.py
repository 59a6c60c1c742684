"""What models use of what they may: from a gateway's limits, and from what was measured here."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from aimesh.core.diagnosis.groups import MINUTE
from aimesh.diagnosing.analysis import Diagnosis
from aimesh.diagnosing.following import Follower

Shown = dict[str, Any]


class Models(Protocol):
    """Knows the models of a gateway or of the model server."""

    async def refresh(self) -> None:
        """See to it that what is known is not too old."""

    def models(self) -> Sequence[Mapping[str, Any]]:
        """Return the models as the oracle's state lists them."""


def measured(follower: Follower, at: float) -> dict[str, tuple[int, int]]:
    """Return tokens and calls within the last minute, by model.

    They are counted by the clock's minutes: of the one before, the share that is not over counts.
    """
    now, share = int(at // MINUTE), 1.0 - at % MINUTE / MINUTE
    weights = {now: 1.0, now - 1: share}
    found: dict[str, tuple[float, float]] = {}
    for (model, minute), calls in follower.calls.items():
        if weight := weights.get(minute):
            tokens, before = found.get(model, (0.0, 0.0))
            more = follower.tokens[model, minute] * weight
            found[model] = (tokens + more, before + calls * weight)
    return {model: (round(tokens), round(calls)) for model, (tokens, calls) in found.items()}


def limits(found: Diagnosis, follower: Follower, known: Sequence[Mapping[str, Any]]) -> Shown:
    """Return each model with what it has used; limits only where a gateway tells them."""
    limited = [issue.finding for issue in found.issues
               if issue.finding.kind == "service_rate_limited"]  # fmt: skip
    used = measured(follower, found.facts.at)
    names = dict.fromkeys([*(str(m["model"]) for m in known), *used])
    by_name = {str(model["model"]): model for model in known}
    models = [_model(name, by_name.get(name, {}), used.get(name, (0, 0))) for name in names]
    for model in models:
        told = any(model["model"] in (*f.names, str(f.metadata.get("model"))) for f in limited)
        model["is_limited"] = model["is_limited"] or told
        model["estimated_reset_seconds"] = _reset() if model["is_limited"] else None
    any_limited = bool(limited) or any(model["is_limited"] for model in models)
    return {
        "status": "limited" if any_limited else "ok",
        "any_limited": any_limited,
        "models": models,
    }


def _model(name: str, known: Mapping[str, Any], measured_now: tuple[int, int]) -> Shown:
    tokens, calls = known.get("tpm", measured_now[0]), known.get("rpm", measured_now[1])
    tpm, rpm = _of(tokens, known.get("tpm_max")), _of(calls, known.get("rpm_max"))
    is_limited = any((part["percentage"] or 0) >= 100 for part in (tpm, rpm))
    return {
        "model": name,
        "provider": known.get("provider", "ollama"),
        "tpm": tpm,
        "rpm": rpm,
        "is_limited": is_limited,
    }


def _of(used: float, limit: float | None) -> Shown:
    # 0 stands for no limit
    share = round(100 * used / limit, 1) if limit else None
    return {"used": used, "limit": limit or None, "percentage": share}


def _reset() -> int:
    """Return the seconds until the next minute begins, which is when such limits start anew."""
    return int(MINUTE - time.time() % MINUTE)
