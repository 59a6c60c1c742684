"""Opening the page as a user does, with every complaint of the browser noted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, Page

COLUMNS = ("tasks", "code", "sandbox", "reviews")
RIGHT_TO_LEFT = "\u202e"
HOSTILE = (
    "<script>alert('task')</script><img src=x onerror=alert(1)>\n"
    f"{{{{7*7}}}} </li></ol> \x1b[31mred\x1b[0m {RIGHT_TO_LEFT}backwards \x00 \u2066 end"
)
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# what a browser says of answers that a test means to be errors, and of a server that is away
EXPECTED = ("Failed to load resource", "net::ERR_")


@asynccontextmanager
async def viewing(
    browser: Browser,
    address: str,
    *,
    width: int = 1440,
    height: int = 900,
    scheme: Literal["light", "dark"] = "light",
    **options: Any,
) -> AsyncIterator[Page]:
    """Open a page in a window of its own; what it complains of fails the test at the end.

    That includes scripts that fail and everything that the content security policy stopped.
    """
    complaints: list[str] = []
    context = await browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, **options
    )
    page = await context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: _note(complaints, message.type, message.text))
    page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
    try:
        await page.goto(address)
        yield page
    finally:
        await context.close()
    assert complaints == []


def _note(complaints: list[str], kind: str, text: str) -> None:
    if kind in ("error", "warning") and not any(word in text for word in EXPECTED):
        complaints.append(f"{kind}: {text}")


async def ids(page: Page, column: str) -> list[str]:
    """Return the tasks whose cards a column shows, from the top."""
    found = await page.eval_on_selector_all(
        f"#{column} .card", "cards => cards.map(card => card.dataset.task)"
    )
    return [str(task_id) for task_id in found]


async def shows(page: Page, column: str, task_id: str, timeout: float = 10_000) -> None:
    """Wait until a column has a task's card."""
    selector = f'#{column} .card[data-task="{task_id}"]'
    await page.wait_for_selector(selector, state="attached", timeout=timeout)


async def says(page: Page, selector: str, words: str, timeout: float = 10_000) -> None:
    """Wait until an element's text has some words."""
    await page.wait_for_function(
        "([selector, words]) => [...document.querySelectorAll(selector)]"
        ".some(element => element.textContent.includes(words))",
        arg=[selector, words],
        timeout=timeout,
    )


async def barriers(page: Page) -> list[tuple[str, str]]:
    """Return what serious barriers axe-core finds on a page, each with the first place of it."""
    await page.evaluate(AXE)
    found = await page.evaluate("axe.run(document)")
    return [
        (violation["id"], violation["nodes"][0]["html"][:200])
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
