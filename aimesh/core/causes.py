"""What an exception says about an error: its category, whether to try again, what to do."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator

from aimesh.core.cause_rules import BY_ERRNO, BY_STATUS, RULES, TRY_LATER, Cause

MOST_CHAIN = 10
MOST_TEXT = 4000
_STATUS = re.compile(r"(?i)\b(?:http|status|code|error)[ :/_-]{0,3}(?:code)?[ :=]{0,2}([45]\d\d)\b")
# where these are all that is known, the status of a failed request says more
_VAGUE = ("network_error", "validation_error", "agent_error", "tool_error")
_READ_THE_TRACE = "Read the stack trace: it ends where the agent's own code failed"


def cause_of(error: BaseException, *, tool: str = "", model: str = "") -> Cause:
    """Return what an exception and those that led to it say about an error.

    Arguments:
        error: the exception; the first of its chain that says something decides.
        tool: the tool that was being used, if any.
        model: the model that was being asked, if any.
    """
    for exc in _chain(error):
        if found := _of(exc):
            return _in_use(found, tool, model)
    return _in_use(Cause("unknown"), tool, model)


def cause_named(name: str, text: str) -> Cause:
    """Return what is known of an error of which there is only its class's name and its message."""
    return next((rule.cause for rule in RULES if rule.fits(name, text)), Cause("unknown"))


def _in_use(cause: Cause, tool: str, model: str) -> Cause:
    """Return a cause with what the agent was doing, where the exception alone says little."""
    if cause.category not in ("unknown", "agent_error"):
        return cause
    if tool:
        fix = f"Run the tool {tool} by hand with the same parameters and look at what it says"
        return Cause("tool_error", cause.is_retryable, cause.severity, cause.code, (fix,))
    if model:
        fix = f"Ask the model {model} the same by hand and look at what it answers"
        return Cause("llm_error", cause.is_retryable, cause.severity, cause.code, (fix,))
    category = "agent_error" if cause.category == "agent_error" else "unknown"
    return Cause(
        category, cause.is_retryable, cause.severity, cause.code, cause.fixes or (_READ_THE_TRACE,)
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    exc: BaseException | None = error
    while exc is not None and exc not in seen and len(seen) < MOST_CHAIN:
        yield exc
        seen.append(exc)
        if isinstance(exc, BaseExceptionGroup) and exc.exceptions:
            exc = exc.exceptions[0]
        else:
            exc = exc.__cause__ or (None if exc.__suppress_context__ else exc.__context__)


def _of(exc: BaseException) -> Cause | None:
    number = getattr(exc, "errno", None)
    if isinstance(exc, OSError) and number in BY_ERRNO:
        return _with_code(BY_ERRNO[number], errno.errorcode.get(number))
    names = " ".join(kind.__name__ for kind in type(exc).__mro__ if kind is not object)
    text = str(exc)[:MOST_TEXT]
    status = _status(exc, text)
    found = next((rule.cause for rule in RULES if rule.fits(names, text)), None)
    if status is not None and (found is None or found.category in _VAGUE):
        return _with_code(_of_status(status), str(status))
    if found is None:
        return None
    code = str(status) if status else getattr(exc, "code", None)
    fixes = found.fixes
    if remedy := getattr(exc, "remedy", ""):
        fixes = (str(remedy), *fixes)
    cause = Cause(found.category, found.is_retryable, found.severity, None, fixes)
    return _with_code(cause, str(code) if isinstance(code, str | int) else None)


def _of_status(status: int) -> Cause:
    if status in BY_STATUS:
        return BY_STATUS[status]
    if status >= 500:
        return Cause("network_error", True, fixes=TRY_LATER)
    return Cause("validation_error", fixes=("Compare the request with what the service takes",))


def _with_code(cause: Cause, code: str | None) -> Cause:
    return Cause(cause.category, cause.is_retryable, cause.severity, code, cause.fixes)


def _status(exc: BaseException, text: str) -> int | None:
    """Return the HTTP status of a failed request, from where the usual clients keep it."""
    holders = (exc, getattr(exc, "response", None))
    for holder in holders:
        for name in ("status_code", "status", "http_status"):
            value = getattr(holder, name, None)
            if type(value) is int and 400 <= value < 600:
                return value
    match = _STATUS.search(text)
    return int(match[1]) if match else None
