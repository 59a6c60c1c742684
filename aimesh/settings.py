"""All settings, read once from the environment into one frozen object."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aimesh.errors import SettingsError

ROLES = (
    "producer",
    "consumer",
    "sandbox",
    "memory",
    "reviewer",
    "persistence",
    "governor",
    "observer",
    "crew",
)

DATA = Path("data")


def _integer(text: str) -> int:
    return int(text)


def _number(text: str) -> float:
    return float(text)


def _flag(text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True}
    words |= {"0": False, "false": False, "no": False, "off": False}
    return words[text.strip().lower()]


def _roles(text: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    if names in ((), ("all",)):
        return ROLES
    unknown = [name for name in names if name not in ROLES]
    if unknown:
        raise ValueError(f"unknown role {unknown[0]!r}; the roles are {', '.join(ROLES)}")
    return names


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip().lower() for part in text.split(",") if part.strip())


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if (word := text.strip().upper()) not in words:
            raise ValueError(f"it must be one of {', '.join(words)}")
        return word

    return parse


def _ollama(text: str) -> str:
    url = text.strip().rstrip("/").removesuffix("/v1")
    if "://" not in url:
        url = f"http://{url}"
    if urlsplit(url).scheme not in ("http", "https"):
        raise ValueError("not an http(s) address")
    return url


def _qdrant(text: str) -> str:
    if "://" in text:
        return text.rstrip("/")
    return f"http://{text}" if ":" in text else f"http://{text}:6333"


def _setting(
    *names: str, default: Any, parse: Callable[[str], Any] = str, least: float | None = None
) -> Any:
    """Declare a field that is read from the first of the variables ``names`` that is set."""
    return field(default=default, metadata={"names": names, "parse": parse, "least": least})


def _secret(name: str) -> Any:
    """Declare a text that is never shown, and may be read from the file that ``{name}_FILE`` names.

    Orchestrators hand over secrets as files, since variables are seen by too many.
    """
    metadata = {"names": (name,), "parse": str, "secret": True}
    return field(default="", repr=False, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What can be set; every field names its environment variables, the first one set wins.

    Times are seconds, sizes bytes. An empty variable counts as unset.
    """

    kafka: str = _setting("KAFKA_BOOTSTRAP_SERVERS", "KAFKA_BROKER", default="")
    kafka_port: int = _setting("AIMESH_KAFKA_PORT", default=9092, parse=_integer, least=1)
    kafka_protocol: str = _setting(
        "KAFKA_SECURITY_PROTOCOL",
        default="PLAINTEXT",
        parse=_one_of("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
    )
    kafka_mechanism: str = _setting(
        "KAFKA_SASL_MECHANISM",
        default="PLAIN",
        parse=_one_of("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"),
    )
    kafka_username: str = _secret("KAFKA_SASL_USERNAME")
    kafka_password: str = _secret("KAFKA_SASL_PASSWORD")
    # PEM files; without a CA file those that the system trusts are trusted
    kafka_cafile: str = _setting("KAFKA_SSL_CAFILE", default="")
    kafka_certfile: str = _setting("KAFKA_SSL_CERTFILE", default="")
    kafka_keyfile: str = _setting("KAFKA_SSL_KEYFILE", default="")
    topic_prefix: str = _setting("AIMESH_TOPIC_PREFIX", default="")
    # fixed once the topics exist; bounds how many workers can share a role
    partitions: int = _setting("AIMESH_PARTITIONS", default=4, parse=_integer, least=1)
    replication: int = _setting("AIMESH_REPLICATION", default=1, parse=_integer, least=1)

    ollama_url: str = _setting(
        "OLLAMA_BASE_URL", "OLLAMA_URL", default="http://localhost:11434", parse=_ollama
    )
    model: str = _setting("AIMESH_MODEL", default="gemma3:1b")
    embed_model: str = _setting("AIMESH_EMBED_MODEL", default="nomic-embed-text")
    llm_concurrency: int = _setting("AIMESH_LLM_CONCURRENCY", default=4, parse=_integer, least=1)
    llm_timeout: float = _setting("AIMESH_LLM_TIMEOUT", default=120.0, parse=_number, least=0.1)

    qdrant_url: str = _setting("QDRANT_URL", "QDRANT_HOST", default="", parse=_qdrant)
    memory: bool = _setting("AIMESH_MEMORY", default=True, parse=_flag)
    # a new task closer than this (cosine) to an earlier one is a repetition
    similarity_limit: float = _setting("AIMESH_SIMILARITY_LIMIT", default=0.92, parse=_number)

    roles: tuple[str, ...] = _setting("AIMESH_ROLES", default=ROLES, parse=_roles)
    web_port: int = _setting("AIMESH_WEB_PORT", default=6066, parse=_integer, least=1)
    web_bind: str = _setting("AIMESH_WEB_BIND", default="127.0.0.1")
    # further names under which browsers reach the pages, such as that of a proxy
    web_hosts: tuple[str, ...] = _setting("AIMESH_WEB_HOSTS", default=(), parse=_names)
    data: Path = _setting("AIMESH_DATA", default=DATA, parse=Path)
    # one stable name a worker: its Faust state lives in a folder of this name
    worker: str = _setting("AIMESH_WORKER", default="worker")

    producer_interval: float = _setting(
        "AIMESH_PRODUCER_INTERVAL", default=10.0, parse=_number, least=0.0
    )
    lag_threshold: int = _setting("AIMESH_LAG_THRESHOLD", default=3, parse=_integer, least=1)
    governor_interval: float = _setting(
        "AIMESH_GOVERNOR_INTERVAL", default=1.0, parse=_number, least=0.05
    )
    max_attempts: int = _setting("AIMESH_MAX_ATTEMPTS", default=3, parse=_integer, least=1)
    job_tries: int = _setting("AIMESH_JOB_TRIES", default=3, parse=_integer, least=1)
    seen_retention: float = _setting(
        "AIMESH_SEEN_RETENTION", default=7 * 86400.0, parse=_number, least=60.0
    )

    # auto: the strongest layers to be had, never less than the least allowed set
    sandbox: str = _setting("AIMESH_SANDBOX", default="auto")
    sandbox_concurrency: int = _setting(
        "AIMESH_SANDBOX_CONCURRENCY", default=2, parse=_integer, least=1
    )
    sandbox_timeout: float = _setting("AIMESH_SANDBOX_TIMEOUT", default=10.0, parse=_number)
    sandbox_cpu: float = _setting("AIMESH_SANDBOX_CPU", default=5.0, parse=_number)
    sandbox_memory: int = _setting("AIMESH_SANDBOX_MEMORY", default=512 << 20, parse=_integer)
    sandbox_output: int = _setting("AIMESH_SANDBOX_OUTPUT", default=64 << 10, parse=_integer)
    sandbox_disk: int = _setting("AIMESH_SANDBOX_DISK", default=32 << 20, parse=_integer)
    sandbox_inodes: int = _setting("AIMESH_SANDBOX_INODES", default=1000, parse=_integer)
    sandbox_threads: int = _setting("AIMESH_SANDBOX_THREADS", default=64, parse=_integer)

    # how much the telemetry keeps; the oldest goes first, counted
    keep_messages: int = _setting(
        "AIMESH_KEEP_MESSAGES", default=1_000_000, parse=_integer, least=1
    )
    keep_errors: int = _setting("AIMESH_KEEP_ERRORS", default=100_000, parse=_integer, least=1)
    keep_traces: int = _setting("AIMESH_KEEP_TRACES", default=100_000, parse=_integer, least=1)

    # what the state of the whole system is found from, and whether it must fit its schema
    oracle_mode: str = _setting(
        "ORACLE_DISCOVERY_MODE",
        default="auto",
        parse=lambda text: _one_of("AUTO", "LABELED", "ALL", "TELEMETRY")(text).lower(),
    )
    oracle_strict: bool = _setting("ORACLE_STRICT_SCHEMA", default=True, parse=_flag)
    oracle_namespace: str = _setting("ORACLE_NAMESPACE", default="")
    litellm_url: str = _setting("LITELLM_BASE_URL", default="", parse=_ollama)
    litellm_key: str = _secret("LITELLM_API_KEY")

    # how long a worker may make no progress before it ends itself to be restarted
    watchdog: float = _setting("AIMESH_WATCHDOG", default=120.0, parse=_number, least=5.0)
    api_token: str = _secret("AIMESH_API_TOKEN")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings from a mapping of environment variables.

        Arguments:
            environ: the variables; ``os.environ`` when left out.

        Raises:
            SettingsError: a value cannot be used; names the variable, the value and what is wrong.
        """
        environ = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        for item in fields(cls):
            for name in item.metadata["names"]:
                text = environ.get(name, "")
                if item.metadata.get("secret"):
                    text = _from_file(name, text, environ.get(f"{name}_FILE", ""))
                if text:
                    values[item.name] = _parsed(name, text, item.metadata)
                    break
        return cls(**values)

    @property
    def folder(self) -> Path:
        """Where this worker's own state is kept."""
        return self.data / "workers" / self.worker

    @property
    def history(self) -> Path:
        """The archive of reviewed tasks."""
        return self.data / "ai_history.csv"


def _from_file(name: str, text: str, path: str) -> str:
    """Return a secret: as it was given, or the content of its file without the last line end."""
    if not path:
        return text
    if text:
        raise SettingsError(f"{name} and {name}_FILE are both set: unset one of them")
    try:
        content = Path(path).read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as exc:
        reason = getattr(exc, "strerror", None) or "it is not text"
        raise SettingsError(f"{name}_FILE={path!r} cannot be read: {reason}") from exc
    if not content:
        raise SettingsError(f"{name}_FILE={path!r} is empty: it must hold the secret")
    return content


def _parsed(name: str, text: str, metadata: Mapping[str, Any]) -> Any:
    parse, least = metadata["parse"], metadata.get("least")
    kind = {_integer: "a whole number", _number: "a number", _flag: "true or false"}.get(parse)
    try:
        value = parse(text)
    except (ValueError, KeyError) as exc:
        problem = f"it must be {kind}" if kind else str(exc)
        raise SettingsError(f"{name}={text!r} cannot be used: {problem}") from exc
    if least is not None and value < least:
        raise SettingsError(f"{name}={text!r} cannot be used: the least value is {least:g}")
    return value
