import errno
import json

import pytest

from aimesh.core.causes import cause_named, cause_of
from aimesh.core.telemetry import CATEGORIES, SEVERITIES
from aimesh.errors import BadAnswerError, ModelMissingError, SettingsError, UnavailableError


class RateLimitError(Exception):
    status_code = 429


class APIStatusError(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(f"it answered {status}")
        self.status_code = status


class ValidationError(Exception):
    pass


class HandoffFailed(Exception):
    pass


@pytest.mark.parametrize(
    ("error", "category", "retryable"),
    [
        (TimeoutError(), "timeout_error", True),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "network_error", True),
        (ConnectionResetError("reset"), "network_error", True),
        (UnavailableError("ollama", "no answer"), "network_error", True),
        (OSError(errno.ENOSPC, "no space left"), "resource_error", False),
        (MemoryError(), "resource_error", False),
        (json.JSONDecodeError("no", "x", 0), "validation_error", False),
        (ValidationError("field x"), "validation_error", False),
        (RateLimitError("slow down"), "llm_error", True),
        (ModelMissingError("ollama", "no gemma"), "llm_error", True),
        (BadAnswerError("no code"), "llm_error", True),
        (RuntimeError("maximum context length is 8192 tokens"), "llm_error", False),
        (APIStatusError(503), "network_error", True),
        (APIStatusError(401), "config_error", False),
        (SettingsError("AIMESH_X"), "config_error", False),
        (ModuleNotFoundError("no module"), "config_error", False),
        (HandoffFailed("nobody"), "handoff_error", False),
        (ZeroDivisionError(), "agent_error", False),
        (Exception("boom"), "unknown", False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_an_exception_says_what_kind_of_error_it_is(
    error: Exception, category: str, retryable: bool
) -> None:
    cause = cause_of(error)
    assert (cause.category, cause.is_retryable) == (category, retryable)
    assert cause.category in CATEGORIES
    assert cause.severity in SEVERITIES
    assert cause.fixes


def test_the_remedy_that_an_error_brings_comes_first() -> None:
    cause = cause_of(ModelMissingError("ollama", "no model", remedy="ollama pull gemma3:1b"))
    assert cause.fixes[0] == "ollama pull gemma3:1b"


def test_what_led_to_an_error_tells_where_it_says_nothing_itself() -> None:
    error = Exception("the step failed")
    error.__cause__ = TimeoutError()
    assert cause_of(error).category == "timeout_error"


def test_a_group_is_judged_by_its_first_error() -> None:
    group = ExceptionGroup("several", [ConnectionError("x"), ValueError("y")])
    assert cause_of(group).category == "network_error"


def test_a_circle_of_causes_ends() -> None:
    one, other = Exception("a"), Exception("b")
    one.__cause__, other.__cause__ = other, one
    assert cause_of(one).category == "unknown"


def test_what_the_agent_was_doing_tells_where_the_exception_does_not() -> None:
    assert cause_of(Exception("boom"), tool="search").category == "tool_error"
    assert cause_of(RuntimeError("boom"), model="gemma").category == "llm_error"
    assert cause_of(TimeoutError(), tool="search").category == "timeout_error"


def test_codes_are_kept() -> None:
    assert cause_of(APIStatusError(502)).code == "502"
    assert cause_of(OSError(errno.ENOSPC, "full")).code == "ENOSPC"


def test_a_name_and_a_message_are_enough_to_know_a_cause() -> None:
    assert cause_named("TimeoutError", "").category == "timeout_error"
    assert cause_named("Rejected", "the model x was not found").category == "llm_error"
    assert cause_named("Rejected", "it is not JSON").category == "unknown"
