from pathlib import Path

import pytest

from aimesh.errors import SettingsError
from aimesh.settings import ROLES, Settings


def test_defaults_hold_with_an_empty_environment() -> None:
    settings = Settings.from_env({})
    assert settings.roles == ROLES
    assert settings.history == Path("data/ai_history.csv")
    assert settings.web_bind == "127.0.0.1"


def test_an_empty_variable_counts_as_unset() -> None:
    assert Settings.from_env({"AIMESH_MODEL": ""}).model == "gemma3:1b"


def test_the_first_name_of_a_setting_beats_its_alias() -> None:
    both = {"KAFKA_BOOTSTRAP_SERVERS": "a:1", "KAFKA_BROKER": "b:2"}
    assert Settings.from_env(both).kafka == "a:1"
    assert Settings.from_env({"KAFKA_BROKER": "b:2"}).kafka == "b:2"


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("http://host:11434/v1", "http://host:11434"),
        ("http://host:11434/", "http://host:11434"),
        ("host:11434", "http://host:11434"),
    ],
)
def test_ollamas_address_is_taken_in_every_usual_form(given: str, used: str) -> None:
    assert Settings.from_env({"OLLAMA_URL": given}).ollama_url == used


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("http://q:6333", "http://q:6333"),
        ("q", "http://q:6333"),
        ("q:7000", "http://q:7000"),
    ],
)
def test_qdrants_address_is_taken_in_every_usual_form(given: str, used: str) -> None:
    assert Settings.from_env({"QDRANT_HOST": given}).qdrant_url == used


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"AIMESH_WEB_PORT": "http"}, ["AIMESH_WEB_PORT", "'http'", "whole number"]),
        ({"AIMESH_LAG_THRESHOLD": "0"}, ["AIMESH_LAG_THRESHOLD", "least value is 1"]),
        ({"AIMESH_ROLES": "consumer,chef"}, ["'chef'", "producer, consumer"]),
        ({"AIMESH_MEMORY": "perhaps"}, ["AIMESH_MEMORY", "true or false"]),
        ({"OLLAMA_BASE_URL": "ftp://x"}, ["OLLAMA_BASE_URL", "http"]),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_what_is_right(
    variables: dict[str, str], words: list[str]
) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(variables)
    for word in words:
        assert word in str(caught.value)


def test_the_token_is_not_shown() -> None:
    assert "hush" not in repr(Settings.from_env({"AIMESH_API_TOKEN": "hush"}))
