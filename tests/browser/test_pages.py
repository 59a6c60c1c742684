"""All pages but the mesh's: what they show, at every size, with whatever text there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from aimesh.views.problems import Problem
from tests.browser import answers, samples
from tests.browser.answers import LETTER, TASK, TRACE
from tests.browser.site import Site
from tests.browser.viewing import HOSTILE, OVERFLOW, barriers, says, viewing

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGES = {
    "/tasks": ("#tasks tr", "Merge overlapping intervals"),
    f"/tasks/{TASK}": ("#standing", "passed"),
    "/agents": ("#queues tr", "researcher"),
    "/errors": ("#groups .item", "TimeoutError"),
    "/traces": ("#traces tr", "task for researcher"),
    f"/traces/{TRACE}": ("#standing", "failed"),
    "/governor": ("#light-word", "ACTIVE"),
    "/dead-letters": ("#letter", "the task has no text"),
    "/sandbox": ("#stopped tr", "timeout"),
    "/audit": ("#verdict", "BALANCED"),
}
NAMES = {path: path.strip("/").split("/")[0] + ("-one" * (path.count("/") > 1)) for path in PAGES}


@pytest_asyncio.fixture(loop_scope="session")
async def mesh(site: Site) -> Site:
    """Answer as a mesh at work does."""
    site.answers = answers.everything()
    site.state = answers.state()
    for state, changed in (("THROTTLED", True), ("ACTIVE", True), ("ACTIVE", False)):
        decision = {"state": state, "reason": "lag 3 has reached 3", "lag": 3, "threshold": 3}
        await site.feed.send("decision", decision | {"changed": changed, "ts": samples.stamp(5)})
    return site


@pytest.mark.parametrize(
    ("width", "scheme"),
    [(360, "light"), (360, "dark"), (1440, "light"), (1440, "dark"), (3840, "light")],
)
@pytest.mark.parametrize("path", PAGES)
async def test_every_page_fits_and_is_accessible_at_every_size(
    browser: Browser, mesh: Site, artifacts: Path, path: str, width: int, scheme: Any
) -> None:
    options = {"width": width, "height": 900, "scheme": scheme, "reduced_motion": "reduce"}
    async with viewing(browser, mesh.address + path, **options) as page:
        await says(page, *PAGES[path])
        name = f"{NAMES[path]}-{width}-{scheme}.png"
        await page.screenshot(path=artifacts / name, full_page=width < 3000)
        assert await page.evaluate(OVERFLOW) == 0
        assert await barriers(page) == []


@pytest.mark.parametrize("path", PAGES)
async def test_hostile_text_stays_text_on_every_page(
    browser: Browser, mesh: Site, path: str
) -> None:
    mesh.answers = {address: _hostile(body) for address, body in mesh.answers.items()}
    mesh.state = _hostile(mesh.state)
    async with viewing(browser, mesh.address + path) as page:
        await says(page, "#as-of", "as of")
        await page.wait_for_timeout(100)
        assert await page.locator("main script, main img").count() == 0
        text = await page.inner_text("body")
        assert not {"\x1b", "\x00", "\u202e", "\u2066"} & set(text)


def _hostile(value: Any, name: str = "") -> Any:
    """Return an answer with hostile text in it, but where a page finds its way by it."""
    if isinstance(value, dict):
        return {key: _hostile(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_hostile(inner, name) for inner in value]
    kept = ("id", "task_id", "trace_id", "span_id", "kind", "state", "outcome", "at", "ts")
    if not isinstance(value, str) or name in kept or name.endswith(("_at", "_time", "_seen")):
        return value
    return value if name in ("timestamp", "as_of", "first_at") else HOSTILE


@pytest.mark.parametrize("path", ["/tasks", "/agents", "/errors", "/traces", "/sandbox", "/audit"])
async def test_a_mesh_that_does_not_answer_is_told_and_waited_for(
    browser: Browser, mesh: Site, path: str
) -> None:
    whole, state = mesh.answers, mesh.state
    down = Problem(503, "Not ready", "the tables are being recovered")
    mesh.answers, mesh.state = dict.fromkeys(whole, down), None
    async with viewing(browser, mesh.address + path) as page:
        await says(page, ".banner", "The tables are being recovered")
        await says(page, ".link-lost", "reconnecting")
        mesh.answers, mesh.state = whole, state
        await page.wait_for_selector(".banner", state="detached", timeout=15_000)
        await says(page, *PAGES[path])


async def test_errors_that_are_alike_are_told_together(browser: Browser, mesh: Site) -> None:
    async with viewing(browser, f"{mesh.address}/errors") as page:
        await says(page, "#groups-note", "2 kinds")
        first = await page.inner_text("#groups .item >> nth=0")
        assert first.split("\n")[0].startswith("6")
        assert "no answer within # s" in first
        await says(page, "#failures", "limit hit: 10 s by the clock")
        await page.click("#errors .item >> nth=0 >> summary")
        await says(page, "#errors", "allow the model more time")


async def test_the_oldest_of_all_that_waits_is_told(browser: Browser, mesh: Site) -> None:
    async with viewing(browser, f"{mesh.address}/agents") as page:
        await says(page, "#queues tr", "researcher")
        cells = await page.locator("#queues tr >> nth=0 >> td").all_text_contents()
        # the answer holds three of the five that wait, and the oldest is among the others
        assert cells[:3] == ["tasks wait", "5", "2 min"]


async def test_the_balance_is_said_in_words(browser: Browser, mesh: Site) -> None:
    async with viewing(browser, f"{mesh.address}/audit") as page:
        await says(page, "#verdict", "BALANCED: nothing is lost, nothing is there twice")
        equation = " ".join((await page.inner_text("#equation")).split())
        assert equation == ("42 tasks in = is 39 reviewed + plus 2 dead letters + plus 1 in flight")
        mesh.answers["/api/v1/mesh/audit"] = answers.audit(balanced=False)
        await says(page, "#verdict", "NOT BALANCED: 1 problem")
        await says(page, "#problems", "it is nowhere")


async def test_the_governors_changes_are_told_with_where_they_stand(
    browser: Browser, mesh: Site
) -> None:
    async with viewing(browser, f"{mesh.address}/governor") as page:
        await says(page, "#decisions-note", "2 changes in the last 3 decisions")
        assert await page.locator("#decisions tr").count() == 2
        words = await page.locator("#decisions tr .word").all_text_contents()
        assert words == ["ACTIVE", "THROTTLED"]
        await page.click('.segments label:has-text("All")')
        await page.wait_for_function(
            "() => document.querySelectorAll('#decisions tr').length === 3"
        )
        await says(page, "#decisions", "ai_governor/0/2")


async def test_a_trace_tells_who_handed_over_to_whom_and_why(browser: Browser, mesh: Site) -> None:
    async with viewing(browser, f"{mesh.address}/traces/{TRACE}") as page:
        await says(page, "#edges", "researcher → writer")
        await says(page, "#edges", "the facts are together")
        labels = await page.locator(".wf-label > span:first-of-type").all_text_contents()
        assert labels == ["researcher", "search", "writer", "chat gemma3:1b"]
        label = await page.get_attribute(".graph", "aria-label")
        assert label == "5 boxes: planner, researcher, writer, search, gemma3:1b"
        await says(page, "#errors", "no answer within 30 s")


async def test_a_dead_letter_is_tried_and_then_sent_back(browser: Browser, mesh: Site) -> None:
    path = f"/api/v1/mesh/dead-letters/{LETTER}/redrive"
    done = {"id": LETTER, "task_id": "t", "replay_count": 1, "to": "", "refusal": ""}
    mesh.answers[path] = {"redriven": done}
    async with viewing(browser, f"{mesh.address}/dead-letters") as page:
        await says(page, "#letter", "the task has no text")
        await page.click('button:has-text("Hex")')
        assert "7b 22 74 61" in await page.inner_text("#letter .hexdump")
        await page.click('button:has-text("Try it")')
        await says(page, ".redrive .note", "Nothing was sent.")
        mesh.answers[path] = {"redriven": done | {"to": "ai_topic/1/99"}}
        await page.click('button:has-text("Redrive")')
        await says(page, ".redrive .note", "Sent back as ai_topic/1/99, replay 1.")
        assert mesh.sent == [(path, {"dry_run": True}), (path, {"dry_run": False})]
        mesh.answers[path] = Problem(409, "Not sent back", "it was sent back already")
        await page.click('button:has-text("Redrive")')
        await says(page, ".redrive .note", "It is not sent back: it was sent back already")


async def test_lists_are_walked_page_by_page(browser: Browser, mesh: Site) -> None:
    listed = mesh.answers["/api/v1/mesh/tasks"]
    mesh.answers["/api/v1/mesh/tasks"] = listed | {"next_cursor": "c1"}
    async with viewing(browser, f"{mesh.address}/tasks") as page:
        await says(page, "#tasks-note", "the newest")
        await page.click("#tasks-older")
        await says(page, "#tasks-note", "page 2")
        await page.click("#tasks-newest")
        await says(page, "#tasks-note", "the newest")
        await page.fill("#go-id", "p-1 / x")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/tasks/p-1%20%2F%20x")
        await says(page, "#standing", "knows no such task")


async def test_every_page_can_be_walked_by_keyboard(browser: Browser, mesh: Site) -> None:
    async with viewing(browser, f"{mesh.address}/tasks") as page:
        await says(page, *PAGES["/tasks"])
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.className") == "skip"
        await page.keyboard.press("Enter")
        assert await page.evaluate("document.activeElement.id") == "main"
        await page.focus(".nav a[href='/audit']")
        await page.keyboard.press("Enter")
        await says(page, *PAGES["/audit"])
