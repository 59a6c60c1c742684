"""Certificates for tests of encrypted connections, made anew in each run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization as form


@dataclass(frozen=True)
class Certificates:
    """PEM files: the authority, the server's key with its certificate, and a client's two."""

    authority: Path
    server: Path
    client: Path
    client_key: Path


def make_certificates(folder: Path, host: str) -> Certificates:
    """Make an authority, and have it sign a server's and a client's certificate.

    Arguments:
        folder: where the files are written.
        host: the name or address that the server's certificate is for.
    """
    made = Certificates(*(folder / f"{name}.pem" for name in ("ca", "server", "client", "key")))
    authority = trustme.CA()
    authority.cert_pem.write_to_path(made.authority)
    server, client = authority.issue_cert(host), authority.issue_cert("client@mesh.test")
    made.server.write_bytes(_key(server) + _chain(server))
    made.client.write_bytes(_chain(client))
    made.client_key.write_bytes(_key(client))
    return made


def _chain(leaf: trustme.LeafCert) -> bytes:
    return b"".join(pem.bytes() for pem in leaf.cert_chain_pems)


def _key(leaf: trustme.LeafCert) -> bytes:
    """Return the key in the form of PKCS 8, the only one that Kafka reads."""
    key = form.load_pem_private_key(leaf.private_key_pem.bytes(), password=None)
    return key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
