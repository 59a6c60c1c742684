"""The mesh's memory: what was tried before, found again by meaning."""

from aimesh.services.memory.door import Experience, Memory

__all__ = ["Experience", "Memory"]
