"""What goes over the wire to and from Ollama: streamed answers and refusals."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from aimesh.errors import BadAnswerError, MeshError, ModelMissingError, UnavailableError

ANSWER_LIMIT = 512 << 10  # bytes of UTF-8; a longer answer is a model going round in circles
CUT_MARK = "\n[cut here: the answer was longer than 512 KiB]"
LINE_LIMIT = 4 << 20  # bytes without a line end: not Ollama's protocol
ERROR_LIMIT = 64 << 10
NOT_OLLAMA = "does OLLAMA_BASE_URL lead to an Ollama of today?"
BUSY = "it has too much to do; lower AIMESH_LLM_CONCURRENCY if this lasts"
BODY_LIMIT = 64 << 20  # 32 embeddings are about half a megabyte


class NoRouteError(UnavailableError):
    """The server answers but does not know the path: another program, or an old Ollama."""


class Collector:
    """Puts an answer together from the lines of Ollama's stream."""

    def __init__(self) -> None:
        self.last: dict[str, Any] = {}
        self._done = False
        self._cut = False
        self._thought = False
        self._parts: list[str] = []
        self._size = 0
        self._rest = b""

    def feed(self, data: bytes) -> bool:
        """Take in bytes. True when the answer is finished or has reached its limit.

        Raises:
            BadAnswerError: not Ollama's protocol, or the model failed on the way.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LINE_LIMIT:
            raise BadAnswerError("the model server's answer has a line without end")
        return any(self._line(line) for line in lines)

    def text(self) -> str:
        """The whole answer, once the stream has ended.

        Raises:
            BadAnswerError: the answer is empty, or the stream ended before it was finished.
        """
        if self._rest.strip() and not (self._done or self._cut):
            self._line(self._rest)
        if not (self._done or self._cut):
            raise BadAnswerError("half an answer: the stream ended before the model was done")
        text = "".join(self._parts)
        if not text.strip():
            hint = ": the model thought but did not answer" if self._thought else ""
            raise BadAnswerError(f"the model's answer is empty{hint}")
        return text + CUT_MARK if self._cut else text

    def _line(self, line: bytes) -> bool:
        if not line.strip():
            return False
        self.last = parsed(line)
        if error := self.last.get("error"):
            raise BadAnswerError(f"the model failed while it answered: {error}")
        message = self.last.get("message")
        message = message if isinstance(message, dict) else {}
        self._thought = self._thought or bool(message.get("thinking"))
        self._add(message.get("content"))
        self._done = self.last.get("done") is True
        return self._done or self._cut

    def _add(self, content: object) -> None:
        if not isinstance(content, str) or not content:
            return
        data = content.encode("utf-8", "replace")
        room = ANSWER_LIMIT - self._size
        if len(data) > room:
            self._cut = True
        self._parts.append(data[:room].decode("utf-8", "ignore"))
        self._size += min(len(data), room)


def parsed(data: bytes) -> dict[str, Any]:
    """The JSON object in ``data``; BadAnswerError when it is none."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        start = data[:80].decode("utf-8", "replace")
        raise BadAnswerError(f"the model server sent something else than JSON: {start!r}")
    return found


def count(value: object) -> int | None:
    """A number of tokens, or None when the server did not tell."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


async def body(response: httpx.Response, limit: int = BODY_LIMIT) -> bytes:
    """The body of a response; BadAnswerError when it is longer than ``limit`` bytes."""
    data = bytearray()
    async for chunk in response.aiter_bytes():
        data += chunk
        if len(data) > limit:
            raise BadAnswerError(f"the model server's answer is longer than {limit} bytes")
    return bytes(data)


async def refusal(response: httpx.Response, model: str) -> MeshError:
    """The error that a status other than 200 stands for. ``model``: the one asked, or empty."""
    data = await body(response, ERROR_LIMIT)
    told = _told(data)
    text = told or data[:200].decode("utf-8", "replace").strip()
    status = response.status_code
    reason = f"HTTP {status}" + (f": {text}" if text else "")
    if status == 404 and told and model:
        reason = f"model {model!r} is not there: {told}"
        return ModelMissingError("ollama", reason, remedy=f"ollama pull {model}")
    if status == 404:
        return NoRouteError("ollama", reason, remedy=NOT_OLLAMA)
    if status == 429 or status >= 500:
        wait = retry_after(response.headers)
        remedy = BUSY if status in (429, 503) else "look at its log"
        return UnavailableError("ollama", reason, remedy=remedy, retry_after=wait)
    if status in (401, 403, 405) or status < 400:
        return UnavailableError("ollama", reason, remedy=NOT_OLLAMA)
    return BadAnswerError(f"ollama refused the request, {reason}")


def _told(data: bytes) -> str:
    try:
        return str(parsed(data).get("error") or "")
    except BadAnswerError:
        return ""


def retry_after(headers: httpx.Headers) -> float | None:
    """The seconds that a Retry-After header asks to wait, or None."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
