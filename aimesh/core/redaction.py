"""Keys, tokens and passwords taken out of what is published: a log is read by many."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

REDACTED = "[redacted]"
MOST_DEPTH = 20

# a field of such a name holds a secret; counts of tokens do not
_SECRET_NAME = re.compile(
    r"(?i)(?:^|[^a-z])(?:api[-_ ]?keys?|access[-_ ]?keys?|private[-_ ]?keys?|auth[-_ ]?keys?|"
    r"secrets?|passwords?|passwd|pwd|passphrase|credentials?|authorization|cookies?|"
    r"(?:access|refresh|auth|id|bearer|session|api|bot|csrf)[-_ ]?tokens?|token|"
    r"(?:client|app)[-_ ]?secret)(?:$|[^a-z])"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

# What such secrets look like wherever they stand. No pattern backtracks over more than it matched,
# so that long texts take time in proportion to their length.
_SECRETS = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?"
    r"|\b(?:sk|pk|rk)-[A-Za-z0-9_-]{16,}"
    r"|\b(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{16,}"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}"
    r"|\bgithub_pat_[A-Za-z0-9_]{20,}"
    r"|\bglpat-[A-Za-z0-9_-]{16,}"
    r"|\bhf_[A-Za-z0-9]{20,}"
    r"|\bnpm_[A-Za-z0-9]{30,}"
    r"|\bpypi-[A-Za-z0-9_-]{30,}"
    r"|\bxox[abeoprs]-[A-Za-z0-9-]{10,}"
    r"|\bAIza[A-Za-z0-9_-]{30,}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
)
# a digit tells a credential from a word
_SCHEME = re.compile(
    r"(?i)\b(bearer|basic|token)( +)(?=[A-Z._~+/=-]{0,60}[0-9])([A-Z0-9._~+/=-]{12,})"
)
_URL_PASSWORD = re.compile(r"(://[^\s/:@]{0,100}:)([^\s/@]{1,200})(?=@)")
_ASSIGNED = re.compile(
    r"(?i)((?:api[-_]?key|access[-_]?key|secret|password|passwd|pwd|auth[-_]?token|"
    r"access[-_]?token|refresh[-_]?token|client[-_]?secret)[\"']?\s{0,5}[:=]\s{0,5}[\"']?)"
    r"([^\s\"',;&]{4,200})"
)
_HINT = re.compile(r"(?i)[a-z]{2,5}[-_]|AKIA|ASIA|AIza|eyJ|-----BEGIN|://|bearer|basic|token|[:=]")


def redact(value: Any, depth: int = 0) -> Any:
    """Return a plain value (text, numbers, lists, dictionaries) without the secrets in it.

    What is nested deeper than `MOST_DEPTH` is left out.
    """
    if isinstance(value, str):
        return redact_text(value)
    if depth > MOST_DEPTH:
        return REDACTED if isinstance(value, Mapping | list | tuple) else value
    if isinstance(value, Mapping):
        return {
            key: REDACTED if item and _is_secret(key, item) else redact(item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [redact(item, depth + 1) for item in value]
    return value


def redact_text(text: str) -> str:
    """Return a text with `REDACTED` in place of what looks like a key, a token or a password.

    What cannot be encoded (lone surrogates) becomes a question mark.
    """
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    if not _HINT.search(text):
        return text
    text = _SECRETS.sub(REDACTED, text)
    text = _SCHEME.sub(rf"\1\2{REDACTED}", text)
    text = _URL_PASSWORD.sub(rf"\1{REDACTED}", text)
    return _ASSIGNED.sub(rf"\1{REDACTED}", text)


def _is_secret(name: Any, value: Any) -> bool:
    if isinstance(value, bool | int | float):
        return False
    return isinstance(name, str) and bool(_SECRET_NAME.search(_CAMEL.sub("_", name)))
