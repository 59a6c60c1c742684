"""A page in a real Chromium: when what is new on it is painted, and what it holds."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from playwright.async_api import Browser, CDPSession, Page, async_playwright

FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
MB = 1 << 20

# Notes what appears in a list, and when the frame after it begins: by then it has been painted.
WATCH = """
(() => {
  const markOf = (node) => {
    const about = [node.parentElement?.id, node.dataset.task];
    if (node.matches(".log-line")) about.push(node.querySelector(".log-agent").textContent, node.querySelector("b")?.textContent.trim());
    return about.join(" ");
  };
  const painted = [];
  window.takePainted = () => painted.splice(0);
  new MutationObserver((records) => {
    const added = records.flatMap((record) => [...record.addedNodes]);
    const marks = added.filter((node) => node.nodeType === 1 && node.matches("li.card, li.log-line")).map(markOf);
    if (marks.length) requestAnimationFrame(() => marks.forEach((mark) => painted.push([mark, Date.now()])));
  }).observe(document, { childList: true, subtree: true });
})();
"""  # noqa: E501 - lines of a script
PAINT = """
new Promise((done) => new PerformanceObserver((list) => {
  const found = list.getEntriesByName("first-contentful-paint")[0];
  if (found) done(found.startTime);
}).observe({ type: "paint", buffered: true }))
"""


@dataclass(frozen=True)
class Held:
    """What a page holds after its garbage is collected."""

    heap_mb: float
    nodes: int
    listeners: int


class WatchedPage:
    """An open page; ``painted`` says when each mark of `bench.task_traffic` was first seen."""

    def __init__(self, page: Page, session: CDPSession) -> None:
        self._page = page
        self._session = session
        self.painted: dict[str, float] = {}

    async def take(self) -> None:
        """Fetch what was noted since the last time, so that it takes no room in the page."""
        for mark, at in await self._page.evaluate("takePainted()"):
            self.painted.setdefault(mark, at / 1000)

    async def held(self) -> Held:
        """Collect its garbage, and return what is left."""
        await self._session.send("HeapProfiler.collectGarbage")
        metrics = (await self._session.send("Performance.getMetrics"))["metrics"]
        values = {metric["name"]: metric["value"] for metric in metrics}
        heap = values["JSHeapUsedSize"] / MB
        return Held(heap, int(values["Nodes"]), int(values["JSEventListeners"]))


def chromium() -> str | None:
    """Return where the browser is, None where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@asynccontextmanager
async def browsing(path: str) -> AsyncIterator[Browser]:
    """Run a browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()


async def first_paint(browser: Browser, url: str) -> float:
    """Open a page with nothing in any cache; return the seconds until its content is painted."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        page = await context.new_page()
        await page.goto(url, wait_until="commit")
        return float(await page.evaluate(PAINT)) / 1000
    finally:
        await context.close()


@asynccontextmanager
async def watching(browser: Browser, url: str) -> AsyncIterator[WatchedPage]:
    """Open a page and note what appears on it; the body begins when it follows the feed."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        await context.add_init_script(WATCH)
        page = await context.new_page()
        await page.goto(url)
        await page.wait_for_selector("body[data-link=open]")
        session = await context.new_cdp_session(page)
        await session.send("Performance.enable")
        yield WatchedPage(page, session)
    finally:
        await context.close()
