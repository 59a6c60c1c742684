"""Reading along with agents: every queue, all errors, and what the mesh itself does."""

from aimesh.services.agent_topics.copier import Copier
from aimesh.services.agent_topics.digest import Digester

__all__ = ["Copier", "Digester"]
