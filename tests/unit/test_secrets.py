from pathlib import Path

import pytest

from aimesh.errors import SettingsError
from aimesh.settings import Settings

SECRETS = {
    "AIMESH_API_TOKEN": "api_token",
    "KAFKA_SASL_USERNAME": "kafka_username",
    "KAFKA_SASL_PASSWORD": "kafka_password",
}


@pytest.mark.parametrize(("name", "field"), SECRETS.items())
def test_a_secret_is_read_from_its_file(tmp_path: Path, name: str, field: str) -> None:
    file = tmp_path / "secret"
    file.write_text(" hush\n")
    settings = Settings.from_env({f"{name}_FILE": str(file)})
    assert getattr(settings, field) == " hush"
    assert "hush" not in repr(settings)


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="are both set"):
        Settings.from_env({"AIMESH_API_TOKEN": "a", "AIMESH_API_TOKEN_FILE": str(tmp_path)})


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "No such file"), (b"\n", "is empty"), (b"\xff\xfe", "not text")]
)
def test_a_file_without_a_secret_is_refused(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=reason):
        Settings.from_env({"AIMESH_API_TOKEN_FILE": str(file)})


def test_only_secrets_are_read_from_files(tmp_path: Path) -> None:
    assert Settings.from_env({"AIMESH_MODEL_FILE": str(tmp_path)}).model == "gemma3:1b"
