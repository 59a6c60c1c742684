"""A stand-in for Ollama: its HTTP API with scripted answers, announced as a rehearsal."""

from aimesh.embedded.rehearsal.faults import Fault
from aimesh.embedded.rehearsal.server import RehearsalServer

__all__ = ["Fault", "RehearsalServer"]
