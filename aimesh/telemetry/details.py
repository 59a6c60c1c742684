"""What is told of an error: all that an exception says, without secrets and within bounds."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any

import orjson

from aimesh.core.causes import cause_of
from aimesh.core.redaction import redact
from aimesh.core.text import cut

MOST_TEXT = 4000
MOST_STACK = 16_000
MOST_DATA = 16_000


def details_of(error: BaseException, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a `DetailedError` that an exception fills.

    Arguments:
        error: the exception.
        known: fields that the agent gave; they win.
    """
    cause = cause_of(
        error,
        tool=str(known.get("tool_name") or ""),
        model=str(known.get("model_name") or ""),
    )
    return {
        "error_message": str(error) or type(error).__name__,
        "error_type": type(error).__name__,
        "category": cause.category,
        "severity": cause.severity,
        "error_code": cause.code,
        "is_retryable": cause.is_retryable,
        "suggested_fixes": list(cause.fixes),
        "stack_trace": "".join(traceback.format_exception(error)),
        **known,
    }


def bounded(details: Mapping[str, Any]) -> dict[str, Any]:
    """Return details without secrets, and no larger than a reader can use."""
    found = {name: redact(value) for name, value in details.items()}
    for name, value in found.items():
        if isinstance(value, str):
            # a stack's end is where it failed
            stack = name == "stack_trace"
            found[name] = cut(value, MOST_STACK if stack else MOST_TEXT, tail=0.75 * stack)
        elif isinstance(value, dict):
            text = orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)
            if len(text) > MOST_DATA:
                found[name] = {"cut": cut(text.decode(), MOST_DATA // 2)}
    return found
