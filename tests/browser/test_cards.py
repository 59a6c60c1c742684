"""The cards of the five columns: where they appear, how they are linked, what stays text."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser import samples, states
from tests.browser.site import Site
from tests.browser.viewing import COLUMNS, HOSTILE, RIGHT_TO_LEFT, ids, says, shows, viewing

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def tell(site: Site, number: int, **told: Any) -> str:
    """Write a task's story into the feed and return the task's id."""
    task_id = ""
    for kind, data, at in samples.story(number, told.pop("age", 20.0), **told):
        await site.feed.send(kind, data, at=at)
        task_id = task_id or str(data.get("task_id"))
    return task_id


async def test_a_tasks_cards_appear_in_their_columns_and_are_linked(
    browser: Browser, site: Site
) -> None:
    async with viewing(browser, site.address) as page:
        await says(page, ".link", "live")
        other, task_id = await tell(site, 1), await tell(site, 2)
        for column in COLUMNS:
            await shows(page, column, task_id)
            await shows(page, column, other)
        await says(page, "#log-list", "started")
        await page.hover(f'#sandbox .card[data-task="{task_id}"] .card-top')
        linked = await page.eval_on_selector_all(
            ".card.is-linked", "cards => cards.map(card => card.dataset.task)"
        )
        assert linked == [task_id] * len(COLUMNS)
        await page.wait_for_selector("#path path", state="attached")
        assert await page.locator("#path path").count() == len(COLUMNS) - 1


async def test_a_selected_task_stays_marked_over_a_reload(browser: Browser, site: Site) -> None:
    task_id, other = await tell(site, 1), await tell(site, 3)
    async with viewing(browser, site.address) as page:
        await shows(page, "code", task_id)
        await page.click(f'#code .card[data-task="{task_id}"] .card-top')
        await says(page, "#selected-text", "Build a least recently used cache")
        await page.reload()
        await expect(page.locator(".card.is-selected")).to_have_count(len(COLUMNS))
        await shows(page, "tasks", other)
        await page.click("#selected-only")
        assert await ids(page, "tasks") == [task_id]
        await page.keyboard.press("Escape")
        assert len(await ids(page, "tasks")) == 2


async def test_attempts_are_grouped_and_failed_tries_folded(browser: Browser, site: Site) -> None:
    task_id = await tell(site, 2)
    async with viewing(browser, site.address) as page:
        await shows(page, "sandbox", task_id)
        card = page.locator(f'#sandbox .card[data-task="{task_id}"]')
        tries = card.locator("details", has=page.locator(".try"))
        await expect(tries).to_have_count(2)
        assert await tries.locator(".fold-body").count() == 0
        assert await card.locator(".verdict").all_inner_texts() == ["PASS\n2 of 2 cases"]
        await tries.first.locator("summary").click()
        await says(page, ".verdict-kind", "timeout")
        await says(page, ".chip.is-warning", "limit hit: 10 s by the clock")
        assert await page.locator("#code .memory").count() == 0
        await page.locator("#code .fold summary", has_text="memories").click()
        await says(page, "#code .memory", "to avoid")


async def test_an_unfolded_try_stays_unfolded_when_its_card_changes(
    browser: Browser, site: Site
) -> None:
    events = list(samples.story(2, 30.0))
    async with viewing(browser, site.address) as page:
        await says(page, ".link", "live")
        reviews = [event for event in events if event[0] == "review"]
        last = [event for event in events if event[0] != "review"][-1]
        for kind, data, at in events:
            if (kind, data, at) not in (*reviews, last):
                await site.feed.send(kind, data, at=at)
        task_id = str(last[1]["task_id"])
        summary = f'#sandbox .card[data-task="{task_id}"] .fold summary'
        await page.locator(summary).first.click()
        await page.locator(summary).first.focus()
        await site.feed.send(last[0], last[1], at=last[2])
        await says(page, "#sandbox .verdict-word", "PASS")
        assert await page.locator("#sandbox details[open] .fold-body").count() == 1
        assert await page.evaluate("document.activeElement.localName") == "summary"


async def test_hostile_text_stays_text(browser: Browser, site: Site) -> None:
    base = {"task_id": "evil", "task": HOSTILE, "attempt": 1}
    solution = base | {"solution": f"# {HOSTILE}", "model": HOSTILE, "answer": ""}
    verdict = solution | {"success": False, "verdict": HOSTILE, "exec_output": HOSTILE}
    verdict |= {"isolation": [HOSTILE], "error": HOSTILE, "limit": HOSTILE, "reason": HOSTILE}
    await site.feed.send("task", base | {"source": HOSTILE})
    await site.feed.send("solution", solution)
    await site.feed.send("verdict", verdict)
    await site.feed.send("review", base | {"review": HOSTILE, "model": HOSTILE})
    body = {"type": "log", "agent": HOSTILE, "message": HOSTILE, "level": HOSTILE}
    await site.feed.send("line", body | {"task_id": HOSTILE})
    await site.feed.send("dead_letter", {"task_id": HOSTILE, "error": HOSTILE, "text": HOSTILE})
    site.state = states.state()
    site.state["governor"] |= {"state": HOSTILE, "reason": HOSTILE}
    site.state["hops"][0] |= {"topic": HOSTILE, "verdict": HOSTILE, "trend": HOSTILE}
    site.state["model"]["model"] = HOSTILE
    async with viewing(browser, site.address) as page:
        await shows(page, "reviews", "evil")
        await says(page, "#log-list", "dead letter")
        await page.click('#sandbox [data-task="evil"] .card-top')
        assert await page.locator("#columns script, #columns img, main img").count() == 0
        text = await page.inner_text("body")
        assert "<script>alert('task')</script><img src=x onerror=alert(1)>" in text
        assert "\\x1b[31mred\\x1b[0m \\u202ebackwards \\x00 \\u2066 end" in text
        assert not {"\x1b", "\x00", RIGHT_TO_LEFT, "\u2066"} & set(text)


async def test_a_huge_line_is_cut_for_showing(browser: Browser, site: Site) -> None:
    output = "<b>" + "x" * (5 << 20)
    base = {"task_id": "huge", "task": "Print much", "attempt": 1, "verdict": "output_limit"}
    await site.feed.send("verdict", base | {"exec_output": output, "solution": "print()"})
    async with viewing(browser, site.address) as page:
        await shows(page, "sandbox", "huge", timeout=20_000)
        text = await page.inner_text("#sandbox .output")
        assert text.startswith("<b>xxx")
        assert text.endswith("… 5,242,083 more characters")
        assert len(text) < 2000


async def test_many_tasks_are_windowed(browser: Browser, site: Site) -> None:
    for number in range(230):
        data = {"task_id": f"t{number}", "task": f"Task {number}"}
        await site.feed.send("task", data, at=samples.stamp(300 - number))
    async with viewing(browser, site.address) as page:
        await shows(page, "tasks", "t229")
        assert await ids(page, "tasks") == [f"t{number}" for number in range(229, 179, -1)]
        assert await page.inner_text("#tasks-count") == "200"
        for count in (100, 150, 200):
            await page.locator("#tasks .card").last.scroll_into_view_if_needed()
            await expect(page.locator("#tasks .card")).to_have_count(count)
        await page.evaluate("document.getElementById('tasks-list').scrollTo(0, 0)")
        await site.feed.send("task", {"task_id": "t230", "task": "Task 230"})
        await shows(page, "tasks", "t230")
        assert len(await ids(page, "tasks")) == 50


async def test_unknown_and_missing_fields_do_no_harm(browser: Browser, site: Site) -> None:
    site.state = {"governor": None, "hops": [None, {"role": "x"}], "model": None, "counts": None}
    for kind in ("task", "solution", "verdict", "review", "dead_letter"):
        await site.feed.send(kind, {"task_id": "bare", "attempt": "many", "isolation": "none"})
        await site.feed.send(kind, {})
    await site.feed.send("line", {})
    await site.feed.send("line", {"type": "event", "data": [1], "value": "x"})
    async with viewing(browser, site.address) as page:
        for column in COLUMNS:
            await shows(page, column, "bare")


async def python_pieces(page: Page, source: str) -> list[list[str]]:
    """Return how the page takes Python apart."""
    script = "async source => (await import('/static/js/python.js')).pieces(source)"
    found: list[list[str]] = await page.evaluate(script, source)
    return found


async def test_python_is_coloured_without_changing_it(browser: Browser, site: Site) -> None:
    source = (
        '@cache\ndef f(a: int) -> str:\n    # a comment\n    s = f\'{a}\\\'\' + """x\n\'y\'"""\n'
        "    return 0x1F + 1_000.5e-3 + d.len  # naïve\nclass Ünïcode: pass\n'unended\n`$?"
    )
    async with viewing(browser, site.address) as page:
        found = await python_pieces(page, source)
        assert "".join(text for _, text in found) == source
        kinds = {text: kind for kind, text in found}
        assert kinds["def"] == "keyword"
        assert kinds["f"] == "defined"
        assert kinds["@cache"] == "decorator"
        assert kinds["f'{a}\\''"] == "string"
        assert kinds['"""x\n\'y\'"""'] == "string"
        assert kinds["1_000.5e-3"] == "number"
        assert kinds["len"] == "name"
        assert kinds["Ünïcode"] == "defined"
