"""The rules by which exceptions are understood: what they are called, what they say, their codes.

They go by names and texts, not by classes: so they fit the errors of libraries that are not
installed here, and of those that changed.
"""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Cause:
    """What is known of an error from its exception alone."""

    category: str
    is_retryable: bool = False
    severity: str = "error"
    code: str | None = None
    fixes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """Fits where the exception's class names or its message match, for the given statuses."""

    cause: Cause
    names: re.Pattern[str] | None = None
    says: re.Pattern[str] | None = None

    def fits(self, names: str, text: str) -> bool:
        if self.names is not None and not self.names.search(names):
            return False
        return self.says is None or bool(self.says.search(text))


def _rule(category: str, *fixes: str, names: str = "", says: str = "", **more: Any) -> Rule:
    return Rule(
        Cause(category, fixes=fixes, **more),
        re.compile(names) if names else None,
        re.compile(says, re.IGNORECASE) if says else None,
    )


# the first that fits holds: from the particular to the general
RULES = (
    _rule(
        "llm_error",
        "Make the prompt shorter: cut old turns, summarise documents, or send fewer examples",
        "Use a model with a larger context window, or raise the server's (num_ctx with Ollama)",
        says=r"context.{0,20}(?:length|window)|maximum context|too many tokens|prompt is too long",
    ),
    _rule(
        "llm_error",
        "Wait and try again with growing pauses; honour Retry-After where it is sent",
        "Lower the number of calls at the same time, or ask for a higher limit",
        names=r"RateLimit|TooManyRequests|Throttl",
        is_retryable=True,
    ),
    _rule(
        "llm_error",
        "Wait and try again with growing pauses; honour Retry-After where it is sent",
        "Lower the number of calls at the same time, or ask for a higher limit",
        says=r"rate.?limit|too many requests|\bquota\b|overloaded",
        is_retryable=True,
    ),
    _rule(
        "llm_error",
        "Fetch the model (with Ollama: ollama pull NAME), or set the name of one that is there",
        names=r"ModelMissing|ModelNotFound",
        is_retryable=True,
    ),
    _rule(
        "llm_error",
        "Fetch the model (with Ollama: ollama pull NAME), or set the name of one that is there",
        says=r"\bmodel\b.{0,80}(?:not found|does not exist|is missing|try pulling)",
    ),
    _rule(
        "config_error",
        "Check that the key or token is set, is meant for this service, and has not expired",
        names=r"Authentication|Unauthorized|PermissionDenied|Forbidden|InvalidApiKey",
    ),
    _rule(
        "config_error",
        "Check that the key or token is set, is meant for this service, and has not expired",
        says=r"invalid api key|incorrect api key|unauthori[sz]ed|authentication failed",
    ),
    _rule(
        "timeout_error",
        "Look whether the service that was waited for is slow or down",
        "Allow more time, or ask for less at once",
        names=r"Timeout|TimedOut|DeadlineExceeded",
        is_retryable=True,
    ),
    _rule(
        "resource_error",
        "Free memory, process less at once, or allow the process more",
        names=r"\bMemoryError|OutOfMemory",
        severity="critical",
    ),
    _rule(
        "resource_error",
        "Free memory, process less at once, or allow the process more",
        says=r"out of memory|cannot allocate memory",
        severity="critical",
    ),
    _rule(
        "llm_error",
        "Look at the model's answer; ask for its form more plainly, or give an example of it",
        names=r"BadAnswer|OutputParser|UnexpectedModel|ContentFilter|InvalidResponse",
        is_retryable=True,
    ),
    _rule(
        "resource_error",
        "Run `aimesh doctor`: it names the sandbox layers that this machine lacks",
        names=r"SandboxRefused",
    ),
    _rule(
        "config_error",
        "Correct the setting that the message names",
        names=r"SettingsError|ConfigError|ConfigurationError|ImproperlyConfigured",
    ),
    _rule(
        "config_error",
        "Install the missing package into the environment that the agent runs in",
        names=r"ModuleNotFoundError|\bImportError",
    ),
    _rule(
        "handoff_error",
        "Look whether the target agent runs and reads its queue",
        names=r"Handoff|HandOff|Delegat|AgentNotFound|UnknownAgent",
    ),
    _rule(
        "network_error",
        "Check the host's name and that this machine's name service answers",
        names=r"gaierror|NameResolution|DNSError|herror",
        is_retryable=True,
    ),
    _rule(
        "network_error",
        "Check that the service runs and is reachable at the address that is set",
        names=r"Connect|ConnectionError|NetworkError|BrokenPipe|Unavailable|NodeNotReady|"
        r"ClientOSError|ServerDisconnected|RemoteProtocol|SSLError|KafkaConnection|ReadError",
        is_retryable=True,
    ),
    _rule(
        "tool_error",
        "Run the tool by hand with the same parameters and look at what it says",
        names=r"Tool|CalledProcessError|SubprocessError",
    ),
    _rule(
        "validation_error",
        "Compare the input with what is expected: the message names where they differ",
        names=r"Validation|JSONDecode|UnicodeDecode|InvalidRecord|SchemaError|ParseError|"
        r"\b(?:ValueError|TypeError|KeyError|IndexError|LookupError|AssertionError)\b",
    ),
    _rule(
        "config_error",
        "Check that the path exists and may be used by the user that the agent runs as",
        names=r"FileNotFound|PermissionError|NotADirectory|IsADirectory",
    ),
    _rule(
        "agent_error",
        "Read the stack trace: it ends where the agent's own code failed",
        names=r"RuntimeError|AttributeError|NameError|ArithmeticError|NotImplemented|Recursion|"
        r"StopIteration|StopAsyncIteration",
    ),
)

TRY_LATER = ("Try again with growing pauses; look at the service's own log if it goes on",)
_CREDENTIALS = ("Check that the key or token is set, is meant for this service, and is valid",)
BY_STATUS: dict[int, Cause] = {
    400: Cause("validation_error", fixes=("Compare the request with what the service takes",)),
    401: Cause("config_error", fixes=_CREDENTIALS),
    403: Cause("config_error", fixes=_CREDENTIALS),
    404: Cause("config_error", fixes=("Check the address, and the name of what was asked for",)),
    408: Cause("timeout_error", True, fixes=TRY_LATER),
    413: Cause("validation_error", fixes=("Send less at once",)),
    422: Cause("validation_error", fixes=("Compare the request with what the service takes",)),
    429: Cause(
        "llm_error",
        True,
        fixes=("Wait and try again with growing pauses; honour Retry-After where it is sent",),
    ),
    504: Cause("timeout_error", True, fixes=TRY_LATER),
}
BY_ERRNO: dict[int, Cause] = {
    errno.ENOSPC: Cause("resource_error", severity="critical", fixes=("Free space on the disk",)),
    errno.EDQUOT: Cause("resource_error", severity="critical", fixes=("Free space, or quota",)),
    errno.EMFILE: Cause(
        "resource_error",
        severity="critical",
        fixes=("Close what is no longer needed, or raise the limit of open files (ulimit -n)",),
    ),
    errno.ENOMEM: Cause("resource_error", severity="critical", fixes=("Free memory",)),
    errno.ECONNREFUSED: Cause(
        "network_error",
        True,
        fixes=("Start the service, or correct the address: nothing listens there",),
    ),
}
