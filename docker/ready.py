#!/usr/bin/env python3
"""Exit 0 when the worker in this container is ready; for health checks and probes.

With the argument ``live`` it asks only whether the worker answers at all.
"""

from __future__ import annotations

import http.client
import os
import sys
from pathlib import Path

PATIENCE_SECONDS = 4.0


def main() -> int:
    """Ask the worker, and return the exit code."""
    path = "/livez" if sys.argv[1:] == ["live"] else "/readyz"
    file = os.environ.get("AIMESH_API_TOKEN_FILE")
    token = Path(file).read_text().strip() if file else os.environ.get("AIMESH_API_TOKEN", "")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    port = int(os.environ.get("AIMESH_WEB_PORT") or 6066)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read().decode(errors="replace").strip()
    except OSError as exc:
        print(f"no answer on port {port}: {exc}")
        return 1
    print(body)
    return 0 if answer.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
