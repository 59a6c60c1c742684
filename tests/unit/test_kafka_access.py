import ast
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from faust.auth import SASLCredentials, SSLCredentials

import aimesh
from aimesh.errors import SettingsError
from aimesh.services.kafka_access import KafkaAccess
from aimesh.settings import Settings
from tests.certificates import make_certificates

LOGIN = {"KAFKA_SASL_USERNAME": "mesh", "KAFKA_SASL_PASSWORD": "hush"}
# looks whether its own broker serves, on the open port
OWN_BROKER = "broker_look.py"


def access(**environ: str) -> KafkaAccess:
    return KafkaAccess.from_settings(Settings.from_env(environ))


def test_nothing_set_is_an_open_connection() -> None:
    assert access().options() == {"security_protocol": "PLAINTEXT", "ssl_context": None}
    assert access().faust_options() == {}


def test_aiokafka_and_faust_get_the_same_login() -> None:
    made = access(KAFKA_SECURITY_PROTOCOL="sasl_ssl", KAFKA_SASL_MECHANISM="SCRAM-SHA-512", **LOGIN)
    options, credentials = made.options(), made.faust_options()["broker_credentials"]
    assert isinstance(credentials, SASLCredentials)
    assert options["security_protocol"] == credentials.protocol.value == "SASL_SSL"
    assert options["sasl_mechanism"] == credentials.mechanism.value == "SCRAM-SHA-512"
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("mesh", "hush")
    assert (credentials.username, credentials.password) == ("mesh", "hush")
    assert options["ssl_context"] is credentials.ssl_context
    assert isinstance(credentials.ssl_context, ssl.SSLContext)


def test_the_brokers_name_is_checked_always(tmp_path: Path) -> None:
    files = make_certificates(tmp_path, "127.0.0.1")
    made = access(
        KAFKA_SECURITY_PROTOCOL="SSL",
        KAFKA_SSL_CAFILE=str(files.authority),
        KAFKA_SSL_CERTFILE=str(files.client),
        KAFKA_SSL_KEYFILE=str(files.client_key),
    )
    assert isinstance(made.faust_options()["broker_credentials"], SSLCredentials)
    assert made.tls is not None
    assert made.tls.check_hostname
    assert made.tls.verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"KAFKA_SECURITY_PROTOCOL": "TLS"}, ["KAFKA_SECURITY_PROTOCOL", "'TLS'", "SASL_SSL"]),
        ({"KAFKA_SASL_MECHANISM": "GSSAPI"}, ["KAFKA_SASL_MECHANISM", "SCRAM-SHA-512"]),
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, ["KAFKA_SASL_USERNAME", "_FILE"]),
        (LOGIN, ["KAFKA_SECURITY_PROTOCOL=PLAINTEXT", "SASL_SSL"]),
        ({"KAFKA_SSL_CAFILE": "ca.pem"}, ["does not encrypt"]),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CAFILE": "no.pem"}, ["no.pem", "no such"]),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CERTFILE": "no.pem"},
            ["KAFKA_SSL_CERTFILE='no.pem'", "cannot be used"],
        ),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_KEYFILE": "key.pem"},
            ["KAFKA_SSL_CERTFILE"],
        ),
    ],
    ids=lambda value: "-".join(value)[:40] if isinstance(value, dict) else "",
)
def test_what_would_not_be_as_safe_as_it_looks_is_refused(
    environ: dict[str, str], words: list[str]
) -> None:
    with pytest.raises(SettingsError) as caught:
        access(**environ)
    for word in words:
        assert word in str(caught.value)


def test_no_password_is_shown() -> None:
    environ = {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", **LOGIN}
    assert "hush" not in repr(Settings.from_env(environ)) + repr(access(**environ))


def calls() -> Iterator[tuple[str, ast.Call]]:
    for path in Path(aimesh.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and path.name != OWN_BROKER:
                yield f"{path.name}:{node.lineno}", node


def test_every_client_of_kafka_is_made_with_the_access() -> None:
    made = 0
    for place, call in calls():
        name = ast.unparse(call.func).split(".")[-1]
        if name.startswith("AIOKafka"):
            made += 1
            assert any(k.arg is None for k in call.keywords), f"{place} ignores the access"
        if name in ("KafkaAdmin", "FeedHub"):
            assert "ccess" in ast.unparse(call), f"{place} ignores the access"
    assert made >= 4
