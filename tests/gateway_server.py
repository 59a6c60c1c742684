"""A server that answers as LiteLLM's proxy documents it, or fails as a test wants it to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from tests.serving import ANY_PATH, serving

KEY = "sk-1234"


class GatewayServer:
    """What the proxy knows, and who asked. ``broken`` names paths that are not there."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[web.Request] = []
        self.broken: set[str] = set()
        self.groups: list[dict[str, Any]] = [
            {"model_group": "gpt-4o", "providers": ["openai"], "max_input_tokens": 128000.0,
             "max_output_tokens": 16384.0, "mode": "chat", "tpm": 100000, "rpm": 60,
             "supports_vision": True, "input_cost_per_token": 2.5e-06},
            {"model_group": "embedder", "providers": ["cohere", "azure"], "max_input_tokens": 512,
             "max_output_tokens": None, "mode": "embedding", "tpm": None, "rpm": None,
             "output_vector_size": 1024},
        ]  # fmt: skip
        self.logs: list[dict[str, Any]] = [
            {"request_id": "r1", "model": "openai/gpt-4o", "model_group": "gpt-4o",
             "total_tokens": 900, "spend": 0.01},
            {"request_id": "r2", "model": "openai/gpt-4o", "model_group": "gpt-4o",
             "total_tokens": 100, "spend": 0.01},
        ]  # fmt: skip
        self.info: dict[str, Any] = {"spend": 3.5, "max_budget": 10.0, "tpm_limit": None}

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return web.json_response({"error": {"message": "Authentication Error"}}, status=401)
        if request.path in self.broken:
            return web.json_response({"detail": "Database not connected"}, status=400)
        answers: dict[str, Any] = {
            "/model_group/info": {"data": self.groups},
            "/spend/logs/v2": {"data": self.logs, "total": len(self.logs), "page": 1},
            "/key/info": {"key": "hashed", "info": self.info},
        }
        if request.path not in answers:
            return web.json_response({"detail": "Not Found"}, status=404)
        return web.json_response(answers[request.path])


@asynccontextmanager
async def gateway_server() -> AsyncIterator[GatewayServer]:
    """Serve on the loopback address while the body runs."""
    server = GatewayServer()
    async with serving(web.get(ANY_PATH, server.handle)) as server.url:
        yield server
