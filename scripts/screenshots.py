"""Takes the screenshots of the documentation from the page of a running mesh.

Start a mesh (``make up``), let it work for some minutes, then: ``python scripts/screenshots.py``.
Needs the development extras and a Chromium.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"


def main() -> int:
    """Take them all; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--url", default="http://127.0.0.1:6066/", help="the dashboard's address")
    url = parser.parse_args().url
    browser_path = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser_path is None:
        print("no Chromium found: install it (apt install chromium)", file=sys.stderr)
        return 3
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=FLAGS)
        for name, scheme in (("mesh", "light"), ("mesh-dark", "dark")):
            page = browser.new_page(
                viewport={"width": 1440, "height": 900},
                color_scheme=scheme,  # type: ignore[arg-type]
            )
            page.goto(url)
            page.locator(".card").first.wait_for()
            page.wait_for_timeout(3000)
            page.screenshot(path=str(IMAGES / f"{name}.png"))
            print(IMAGES / f"{name}.png")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
