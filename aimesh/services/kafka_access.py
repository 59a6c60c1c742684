"""How clients get into Kafka: over TLS or not, with a user's name and password or without."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from aimesh.errors import SettingsError
from aimesh.settings import Settings


@dataclass(frozen=True)
class KafkaAccess:
    """What a broker asks of its clients; by default nothing.

    Arguments:
        protocol: ``PLAINTEXT``, ``SSL``, ``SASL_PLAINTEXT`` or ``SASL_SSL``.
        mechanism: of SASL: ``PLAIN``, ``SCRAM-SHA-256`` or ``SCRAM-SHA-512``.
        username: of SASL.
        password: of SASL.
        cafile: PEM file with the authorities to trust; those that the system trusts when empty.
        certfile: PEM file with this client's own certificate; none when empty.
        keyfile: PEM file with the certificate's key; in ``certfile`` when empty.
    """

    protocol: str = "PLAINTEXT"
    mechanism: str = "PLAIN"
    username: str = ""
    password: str = field(default="", repr=False)
    cafile: str = ""
    certfile: str = ""
    keyfile: str = ""

    @classmethod
    def from_settings(cls, settings: Settings) -> KafkaAccess:
        """Return the access that the settings describe.

        Raises:
            SettingsError: something is missing, cannot be read, or would not be used, as a password
                without SASL: nobody should take a connection for safer than it is.
        """
        access = cls(
            settings.kafka_protocol,
            settings.kafka_mechanism,
            settings.kafka_username,
            settings.kafka_password,
            settings.kafka_cafile,
            settings.kafka_certfile,
            settings.kafka_keyfile,
        )
        access._check()
        return access

    @property
    def has_tls(self) -> bool:
        """Whether connections are encrypted."""
        return self.protocol.endswith("SSL")

    @property
    def has_sasl(self) -> bool:
        """Whether clients log in."""
        return self.protocol.startswith("SASL")

    @cached_property
    def tls(self) -> ssl.SSLContext | None:
        """The context of encrypted connections, which checks the broker's name; None without TLS.

        Raises:
            SettingsError: a file cannot be used.
        """
        if not self.has_tls:
            return None
        if self.cafile and not Path(self.cafile).is_file():
            raise SettingsError(f"KAFKA_SSL_CAFILE={self.cafile!r}: there is no such file")
        try:
            context = ssl.create_default_context(cafile=self.cafile or None)
        except (OSError, ssl.SSLError) as exc:
            raise SettingsError(f"KAFKA_SSL_CAFILE={self.cafile!r} cannot be used: {exc}") from exc
        if self.certfile:
            try:
                context.load_cert_chain(self.certfile, self.keyfile or None)
            except (OSError, ssl.SSLError) as exc:
                raise SettingsError(
                    f"KAFKA_SSL_CERTFILE={self.certfile!r} with KAFKA_SSL_KEYFILE="
                    f"{self.keyfile!r} cannot be used: {exc}"
                ) from exc
        return context

    def options(self) -> dict[str, Any]:
        """Return the keyword arguments for aiokafka's clients."""
        options: dict[str, Any] = {"security_protocol": self.protocol, "ssl_context": self.tls}
        if self.has_sasl:
            options |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return options

    def faust_options(self) -> dict[str, Any]:
        """Return the keyword arguments for a Faust application."""
        # heavy, and needed by workers only
        from faust.auth import SASLCredentials, SSLCredentials

        if self.has_sasl:
            credentials = SASLCredentials(
                username=self.username,
                password=self.password,
                mechanism=self.mechanism,
                ssl_context=self.tls,
            )
            return {"broker_credentials": credentials}
        return {"broker_credentials": SSLCredentials(self.tls)} if self.tls else {}

    def _check(self) -> None:
        if self.has_sasl and not (self.username and self.password):
            raise SettingsError(
                f"KAFKA_SECURITY_PROTOCOL={self.protocol} needs KAFKA_SASL_USERNAME and "
                "KAFKA_SASL_PASSWORD (or each with _FILE, and the name of a file)"
            )
        if (self.username or self.password) and not self.has_sasl:
            raise SettingsError(
                f"KAFKA_SECURITY_PROTOCOL={self.protocol} sends no name or password: set it to "
                "SASL_SSL, or unset KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"
            )
        if (self.cafile or self.certfile or self.keyfile) and not self.has_tls:
            raise SettingsError(
                f"KAFKA_SECURITY_PROTOCOL={self.protocol} does not encrypt: set it to SSL or "
                "SASL_SSL, or unset KAFKA_SSL_CAFILE, KAFKA_SSL_CERTFILE and KAFKA_SSL_KEYFILE"
            )
        if self.keyfile and not self.certfile:
            raise SettingsError("KAFKA_SSL_KEYFILE needs KAFKA_SSL_CERTFILE, the certificate")
        # so that a file that cannot be used is known before anything starts
        _ = self.tls


OPEN = KafkaAccess()
