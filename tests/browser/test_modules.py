"""What the pages' modules work out, asked of them in the browser that runs them."""

from __future__ import annotations

import difflib
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.browser.site import Site
from tests.browser.viewing import viewing

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def call(page: Page, module: str, function: str, *args: Any) -> Any:
    """Call a function that a module exports."""
    script = "async ([path, name, args]) => (await import(path))[name](...args)"
    return await page.evaluate(script, [f"/static/js/{module}.js", function, list(args)])


async def test_a_difference_tells_both_texts_whole_and_is_as_short_as_can_be(
    browser: Browser, site: Site
) -> None:
    cases = [
        ("a\nb\nc", "a\nx\nc"), ("", "a"), ("a", ""), ("same", "same"),
        ("a\nb\na\nb", "b\na\nb\na"),
        ("\n".join("abcdefgh"), "\n".join("aXcdYfh")), ("x\n" * 40, "x\n" * 39 + "y\n"),
    ]  # fmt: skip
    async with viewing(browser, f"{site.address}/tasks/t") as page:
        for before, after in cases:
            lines = await call(page, "diff", "diffLines", before, after)
            assert "\n".join(text for sign, text in lines if sign in " -") == before
            assert "\n".join(text for sign, text in lines if sign in " +") == after
            same = sum(sign == " " for sign, _ in lines)
            matcher = difflib.SequenceMatcher(None, before.split("\n"), after.split("\n"), False)
            assert same >= sum(block.size for block in matcher.get_matching_blocks())
        lines = [[" ", str(n)] for n in range(20)] + [["+", "new"]]
        folded = await call(page, "diff", "folded", lines)
        assert folded == [["…", 17], [" ", "17"], [" ", "18"], [" ", "19"], ["+", "new"]]


async def test_texts_too_long_to_compare_are_still_told_whole(browser: Browser, site: Site) -> None:
    before, after = ("\n".join(f"{name}{n}" for n in range(3000)) for name in "ab")
    async with viewing(browser, f"{site.address}/tasks/t") as page:
        lines = await call(page, "diff", "diffLines", before, after)
    assert [sign for sign, _ in lines] == ["-"] * 3000 + ["+"] * 3000


@pytest.mark.parametrize("span", [1, 7, 99, 1000, 3600, 61_000, 86_400_000])
async def test_an_axis_has_a_handful_of_round_moments(
    browser: Browser, site: Site, span: int
) -> None:
    async with viewing(browser, f"{site.address}/tasks/t") as page:
        ticks = await call(page, "waterfall", "ticksOf", span)
    assert 3 <= len(ticks) <= 8
    assert ticks[0] == 0
    assert ticks[-1] <= span * 1.001
    step = ticks[1]
    assert f"{step:.0e}"[0] in "125"
    assert all(abs(tick - index * step) < step / 1000 for index, tick in enumerate(ticks))


async def test_errors_are_alike_but_for_numbers_names_and_places(
    browser: Browser, site: Site
) -> None:
    alike = [
        ("no answer within 30 s", "no answer within 31.5 s"),
        ("KeyError: 'facts'", "KeyError: 'other'"),
        ("cannot open /var/lib/x/1.txt", "cannot open /srv/y.txt"),
        ("object at 0x7f12ab", "object at 0x9c00"),
        ("trace 7eb1c82c664052dabd5f5f78c0375599", "trace c75860e0896febb61002fae1b8c353d9"),
        ("Traceback:\n  line 3\nValueError: 1", "Traceback:\n  line 9\nValueError: 2"),
    ]
    async with viewing(browser, f"{site.address}/tasks/t") as page:
        for one, other in alike:
            assert await call(page, "fingerprint", "pattern", one) == await call(
                page, "fingerprint", "pattern", other
            )
        different = {
            await call(page, "fingerprint", "pattern", text)
            for text in ("no answer", "no model", "KeyError: 'a'", "ValueError: 'a'")
        }
    assert len(different) == 4


def moment(seconds: float) -> str:
    """Return a time so many seconds after the beginning of a task."""
    return f"2026-01-01T00:00:{seconds:06.3f}Z"


def happened(kind: str, seconds: float, **data: Any) -> dict[str, Any]:
    """Return an event of a task as the feed has it."""
    return {"kind": kind, "at": moment(seconds), "data": {"attempt": 1, **data}}


def told(agent: str, name: str, seconds: float, **data: Any) -> dict[str, Any]:
    """Return what an agent told of its job."""
    more = {"type": "event", "agent": agent, "name": name, "ts": moment(seconds)}
    return happened("line", seconds + 0.1, **more, data={"attempt": 1, **data})


async def test_the_time_of_a_task_is_shared_out_to_what_took_it(
    browser: Browser, site: Site
) -> None:
    events = [
        happened("task", 0), told("consumer", "started", 2), told("consumer", "done", 6.2),
        happened("solution", 6, created_at=moment(6), duration_s=3),
        told("sandbox", "started", 7), told("sandbox", "done", 8.6),
        happened("verdict", 8.5, created_at=moment(8.5), wall_s=1, success=True),
        told("reviewer", "started", 9), told("memory", "started", 8.6),
        happened("review", 10, created_at=moment(10), duration_s=0.5, attempts=1),
    ]  # fmt: skip
    async with viewing(browser, f"{site.address}/tasks/t") as page:
        # the order in which events come does not matter
        for order in (events, events[::-1]):
            stages = await call(page, "story", "stagesOf", order, 0)
            names = [stage["agent"] for stage in stages]
            assert names == ["consumer", "sandbox", "memory", "reviewer"]
            found = await call(page, "story", "budgetOf", stages, order, 0)
            assert {name: round(found[name]) for name in ("total", "wait", "model", "sandbox")} == {
                "total": 10_000, "wait": 3_500, "model": 3_500, "sandbox": 1_000,
            }  # fmt: skip
            assert round(found["rest"]) == 2_000
            assert not found["isOpen"]


async def test_a_task_without_lines_is_told_from_its_records(browser: Browser, site: Site) -> None:
    events = [happened("task", 0), happened("solution", 6, created_at=moment(6), duration_s=3)]
    now = 1_767_225_610_000  # ten seconds after the beginning
    async with viewing(browser, f"{site.address}/tasks/t") as page:
        [stage] = await call(page, "story", "stagesOf", events, now)
        assert (stage["agent"], stage["isOpen"]) == ("consumer", False)
        found = await call(page, "story", "budgetOf", [stage], events, now)
    assert (found["total"], found["wait"], found["model"]) == (10_000, 3_000, 3_000)
    assert found["isOpen"]
