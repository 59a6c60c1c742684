"""Takes the screenshots of the documentation from the pages of a running mesh.

Start a mesh (``make up``), let it work for some minutes, then: ``python scripts/screenshots.py``.
Needs the development extras and a Chromium.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

from playwright.sync_api import Browser, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
# what must be there before a picture is taken
READY = ".card, .wf-row, #groups .item, #tasks tr, #queues tr, [data-state=yes], [data-state=no]"


def main() -> int:
    """Take them all; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--url", default="http://127.0.0.1:6066/", help="the dashboard's address")
    url = parser.parse_args().url.rstrip("/")
    browser_path = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser_path is None:
        print("no Chromium found: install it (apt install chromium)", file=sys.stderr)
        return 3
    IMAGES.mkdir(parents=True, exist_ok=True)
    task = f"/tasks/{quote(_telling_task(url), safe='')}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=FLAGS)
        for name, path, scheme in (
            ("mesh", "/", "light"),
            ("mesh-dark", "/", "dark"),
            ("task", task, "light"),
            ("tasks", "/tasks", "light"),
            ("agents", "/agents", "light"),
            ("errors", "/errors", "dark"),
            ("audit", "/audit", "light"),
        ):
            _take(browser, url + path, IMAGES / f"{name}.png", scheme)
        browser.close()
    return 0


def _telling_task(url: str) -> str:
    """Return the newest task that passed at a later try, or just the newest."""
    with urlopen(f"{url}/api/v1/mesh/tasks?limit=200&outcome=reviewed") as answer:
        tasks: list[dict[str, Any]] = json.load(answer)["tasks"]
    if not tasks:
        raise SystemExit("no task was reviewed yet: let the mesh work for some minutes first")
    mended = [t for t in tasks if len(t["attempts"]) > 1 and t["review"]["success"]]
    return str((mended or tasks)[0]["task_id"])


def _take(browser: Browser, address: str, file: Path, scheme: Any) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme=scheme)
    page.goto(address)
    page.locator(READY).first.wait_for(state="attached")
    # what comes by the stream has its time, too
    page.wait_for_timeout(3000)
    page.screenshot(path=str(file))
    page.close()
    print(file)


if __name__ == "__main__":
    sys.exit(main())
