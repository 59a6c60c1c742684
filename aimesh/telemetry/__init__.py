"""The library for agents: messages to other agents, and errors with what explains them.

It needs nothing but the address of a Kafka broker::

    from aimesh.telemetry import Telemetry

    async with Telemetry("localhost:9092", agent="researcher") as telemetry:
        telemetry.send_to_agent("writer", {"text": "…"}, reason="the facts are together")
        with telemetry.recording("look-up", tool_name="search"):
            await look_up()
"""

from aimesh.core.telemetry import AgentMessage, DetailedError
from aimesh.telemetry.client import Telemetry

__all__ = ["AgentMessage", "DetailedError", "Telemetry"]
