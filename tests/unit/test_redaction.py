import time
from typing import Any

import pytest

from aimesh.core.redaction import MOST_DEPTH, REDACTED, redact, redact_text

SECRETS = [
    "sk-proj-abcdefghijklmnop1234",
    "ghp_" + "a1B2" * 8,
    "github_pat_" + "a1B2" * 8,
    "AKIA" + "A1B2C3D4E5F6G7H8",
    "xoxb-1234567890-abcdef",
    "AIza" + "Sy1_" * 8,
    "hf_" + "aB3d" * 6,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "Bearer abcdef0123456789",
    "postgres://user:hunter22@host/db",
    "password=hunter22",
    '"api_key": "abcd1234"',
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
]


@pytest.mark.parametrize("secret", SECRETS, ids=lambda s: s[:12])
def test_a_secret_does_not_survive_wherever_it_stands(secret: str) -> None:
    told = redact_text(f"it said {secret} and went on")
    assert REDACTED in told
    assert told.startswith("it said ")
    assert told.endswith(" and went on")
    for part in ("hunter22", "abcd1234", "0123456789", "MIIE", "c2lnbmF0dXJl"):
        assert part not in told


@pytest.mark.parametrize(
    "text",
    [
        "a basic understanding of token classification",
        "token_count: 512, max_tokens=100",
        "def f(x): return x[1:2]  # secretary, passwords are hard",
        "see https://example.org/a?b=c",
    ],
)
def test_plain_texts_stay_as_they_are(text: str) -> None:
    assert redact_text(text) == text


def test_fields_are_judged_by_their_names() -> None:
    value = {
        "apiKey": "abc",
        "Authorization": "abc",
        "user": {"password": "abc", "name": "Eve"},
        "token_count": 5,
        "max_tokens": 5,
        "list": [{"client_secret": "abc"}],
        "secret": "",
    }
    assert redact(value) == {
        "apiKey": REDACTED,
        "Authorization": REDACTED,
        "user": {"password": REDACTED, "name": "Eve"},
        "token_count": 5,
        "max_tokens": 5,
        "list": [{"client_secret": REDACTED}],
        "secret": "",
    }


def test_redacting_twice_changes_nothing() -> None:
    once = [redact_text(secret) for secret in SECRETS]
    assert [redact_text(text) for text in once] == once


def test_what_is_nested_too_deep_is_left_out() -> None:
    value: Any = "x"
    for _ in range(MOST_DEPTH * 3):
        value = [value]
    assert REDACTED in str(redact(value))


def test_what_cannot_be_encoded_is_replaced() -> None:
    redact_text("caf\udc80").encode()


@pytest.mark.parametrize("unit", ["a-", "eyJ", "-----BEGIN ", "://", "password=", "Bearer ", "sk-"])
def test_long_texts_take_time_in_proportion(unit: str) -> None:
    started = time.perf_counter()
    redact_text(unit * (200_000 // len(unit)))
    assert time.perf_counter() - started < 2
