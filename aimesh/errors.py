"""Every error that AI-Mesh raises on purpose. Each message says what is wrong and what to do."""

from __future__ import annotations


class MeshError(Exception):
    """Something went wrong in AI-Mesh."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__class__.__doc__)


class SettingsError(MeshError, ValueError):
    """A setting has a value that cannot be used."""


class InvalidRecordError(MeshError, ValueError):
    """A record has a field that cannot be used."""


class IncompatibleFaustError(MeshError, RuntimeError):
    """The installed Faust is not one that AI-Mesh's corrections were verified with."""


class UnavailableError(MeshError, ConnectionError):
    """A service that is needed does not answer; the work waits and is tried again.

    ``retry_after`` is how many seconds to wait at least, when the service or its door says so.
    """

    def __init__(
        self, service: str, reason: str, *, remedy: str = "", retry_after: float | None = None
    ) -> None:
        self.service = service
        self.reason = reason
        self.remedy = remedy
        self.retry_after = retry_after
        super().__init__(f"{service}: {reason}" + (f" ({remedy})" if remedy else ""))


class TooSlowError(UnavailableError):
    """A service takes the work but does not get it done in time; tried again, but not for ever."""


class ModelMissingError(UnavailableError):
    """The model server answers but does not have the model."""


class BadAnswerError(MeshError):
    """The model answered, but not with anything that can be used; worth another try."""


class TooLargeError(MeshError, ValueError):
    """A message would be larger than the mesh may send."""

    @classmethod
    def of(cls, topic: str, size: int, most: int) -> TooLargeError:
        """Return the error for a message of ``size`` bytes where ``most`` are allowed."""
        return cls(f"a message of {size} bytes for {topic} is larger than the {most} that fit")


class LeaseLostError(MeshError):
    """The partition may be another worker's by now, so its table is left alone."""


class OvertakenError(MeshError):
    """Another worker wrote to a table while this one took it over."""

    @classmethod
    def of(cls, place: object, offset: int) -> OvertakenError:
        """Return the error for a claim at an offset, with something unread before it."""
        return cls(f"{place}: another worker wrote just before offset {offset}")


class SandboxRefusedError(MeshError, RuntimeError):
    """This machine cannot isolate untrusted code well enough, so none is run."""


class EmbeddedKafkaError(MeshError, RuntimeError):
    """The embedded Kafka could not be fetched or started."""


class ProgramError(MeshError, RuntimeError):
    """A program that AI-Mesh runs on this machine does not start or does not stay up."""
