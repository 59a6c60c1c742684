"""Sending answers in Ollama's way: streamed or whole, and broken where a fault says so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from aiohttp import web

from aimesh.embedded.rehearsal.faults import Fault
from aimesh.embedded.rehearsal.nonsense import gibberish, huge
from aimesh.embedded.rehearsal.wire import RefusedError, pieces

JSON = "application/json; charset=utf-8"
LINES = "application/x-ndjson"
_BUSY = "server busy, please try again.  maximum pending requests exceeded"

_FLUSH = 0.05  # seconds for half an answer to leave, and for a connection to be closed

Part = Callable[[str], Mapping[str, Any]]


def as_json(data: Mapping[str, Any], status: int = 200) -> web.Response:
    """A JSON answer as Ollama sends it."""
    body = json.dumps(data).encode()
    return web.Response(body=body, status=status, headers={"Content-Type": JSON})


async def close(request: web.Request) -> NoReturn:
    """Close the connection without another word."""
    if request.transport is not None:
        request.transport.abort()
        # the loss of the connection cancels this; to raise would write a traceback to the log
        await asyncio.sleep(_FLUSH)
    raise ConnectionResetError("the connection is lost already")


async def before_answer(request: web.Request, fault: Fault | None, missing: str) -> None:
    """Let a fault happen that leaves no answer, or a late one.

    Raises:
        RefusedError: the fault is an error of the server, or that it lacks the model.
    """
    match fault.name if fault else "":
        case "down":
            await close(request)
        case "hang":
            await asyncio.Event().wait()
        case "slow":
            await asyncio.sleep(fault.seconds if fault else 0)
        case "status_500":
            raise RefusedError(500, "llama runner process has terminated: exit status 2")
        case "busy":
            raise RefusedError(503, _BUSY)
        case "missing":
            raise RefusedError(404, missing)


def spoilt(fault: Fault | None, seed: int) -> str | None:
    """What a fault makes the model say, None when it lets it speak."""
    match fault.name if fault else "":
        case "empty":
            return ""
        case "huge":
            return huge()
        case "gibberish":
            return gibberish(seed)
        case _:
            return None


async def send_lines(
    request: web.Request, answer: str, part: Part, last: Mapping[str, Any], *, cut: bool
) -> web.StreamResponse:
    """Stream an answer bit by bit, each in a JSON object on a line of its own.

    Arguments:
        answer: the model's whole text.
        part: makes the JSON object that carries some of the text.
        last: what the final object tells besides.
        cut: whether the connection ends in the middle.
    """
    response = web.StreamResponse(headers={"Content-Type": LINES})
    await response.prepare(request)
    texts = list(pieces(answer))
    for text in texts[: len(texts) // 2] if cut else texts:
        await response.write(_line({**part(text), "done": False}))
    if cut:
        await asyncio.sleep(_FLUSH)
        await close(request)
    await response.write(_line({**part(""), **last}))
    await response.write_eof()
    return response


async def send_whole(
    request: web.Request, data: Mapping[str, Any], *, cut: bool
) -> web.StreamResponse:
    """Send an answer in one piece, or half of it where ``cut`` says so."""
    if not cut:
        return as_json(data)
    body = json.dumps(data).encode()
    headers = {"Content-Type": JSON, "Content-Length": str(len(body))}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    await asyncio.sleep(_FLUSH)
    return await close(request)


def _line(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data).encode() + b"\n"
