"""The mesh on a Kafka that demands TLS, and a password or a certificate."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from aimesh.embedded.kafka import HOST, EmbeddedKafka
from aimesh.embedded.ports import free_port
from aimesh.errors import UnavailableError
from aimesh.services import doctor
from aimesh.services.audit import audit
from aimesh.services.kafka import KafkaAdmin
from aimesh.services.kafka_access import KafkaAccess
from aimesh.services.reading import Brokers
from aimesh.settings import Settings
from tests.certificates import Certificates, make_certificates
from tests.mesh import running_mesh

PASSWORD = "hush, hush"
LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"


@dataclass(frozen=True)
class Secured:
    """A broker's ports that demand something, and what they demand."""

    ports: dict[str, int]
    files: Certificates
    password_file: Path

    def environ(self, protocol: str) -> dict[str, str]:
        """What a worker is set to that uses one of the ports."""
        common = {
            "KAFKA_BOOTSTRAP_SERVERS": f"{HOST}:{self.ports[protocol]}",
            "KAFKA_SECURITY_PROTOCOL": protocol,
            "KAFKA_SSL_CAFILE": str(self.files.authority),
        }
        if protocol == "SASL_SSL":
            own = {
                "KAFKA_SASL_USERNAME": "mesh",
                "KAFKA_SASL_PASSWORD_FILE": str(self.password_file),
            }
        else:
            own = {
                "KAFKA_SSL_CERTFILE": str(self.files.client),
                "KAFKA_SSL_KEYFILE": str(self.files.client_key),
            }
        return common | own


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def secured(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Secured]:
    folder = tmp_path_factory.mktemp("secured")
    files = make_certificates(folder, HOST)
    password_file = folder / "password"
    password_file.write_text(f"{PASSWORD}\n")
    ports = {"SASL_SSL": free_port(), "SSL": free_port()}
    properties = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(files.server),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(files.authority),
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl_ssl.plain.sasl.jaas.config": f'{LOGIN} user_mesh="{PASSWORD}";',
        "listener.name.ssl.ssl.client.auth": "required",
    }
    async with EmbeddedKafka(folder / "kafka", free_port(), listeners=ports, properties=properties):
        yield Secured(ports, files, password_file)


@pytest.mark.parametrize("protocol", ["SASL_SSL", "SSL"])
async def test_a_task_goes_its_whole_way_over_a_secured_kafka(
    secured: Secured, tmp_path: Path, protocol: str
) -> None:
    environ = secured.environ(protocol)
    async with running_mesh(environ["KAFKA_BOOTSTRAP_SERVERS"], tmp_path) as mesh:
        mesh.environ.update(environ)
        worker = await mesh.start()
        task_id = await worker.submit("Write a function that adds two numbers.")
        await worker.reviewed(task_id)
        await mesh.archived([task_id])
        # while it runs, for the open jobs and the groups are looked at too
        settings = Settings.from_env({**environ, "AIMESH_TOPIC_PREFIX": mesh.prefix})
        brokers = Brokers(settings.kafka, KafkaAccess.from_settings(settings))
        audited = await audit(brokers, settings, archive=mesh.data / "ai_history.csv")
        check = await doctor.kafka(settings)
        await worker.stop()
    assert audited.report.balanced
    assert check.ok, check.detail


@pytest.mark.parametrize(
    "variables",
    [
        {"KAFKA_SASL_PASSWORD_FILE": "", "KAFKA_SASL_PASSWORD": "wrong"},
        # an authority that did not sign the broker's certificate
        {"KAFKA_SSL_CAFILE": ""},
        {
            "KAFKA_SECURITY_PROTOCOL": "PLAINTEXT",
            "KAFKA_SSL_CAFILE": "",
            "KAFKA_SASL_USERNAME": "",
            "KAFKA_SASL_PASSWORD_FILE": "",
        },
    ],
    ids=["wrong password", "unknown authority", "no encryption"],
)
async def test_nobody_gets_in_with_less(secured: Secured, variables: dict[str, str]) -> None:
    environ = secured.environ("SASL_SSL") | variables
    settings = Settings.from_env(environ)
    admin = KafkaAdmin(settings.kafka, KafkaAccess.from_settings(settings))
    with pytest.raises(UnavailableError):
        await admin.start()
