"""What users do on the page: pause, filter, submit, walk by keyboard, show the token."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from aimesh.settings import Settings
from tests.browser import samples
from tests.browser.site import Site, serving
from tests.browser.viewing import ids, says, shows, viewing
from tests.feeding import Feed

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOKEN = "a token of some length"


async def test_pausing_holds_the_columns_still(browser: Browser, site: Site) -> None:
    async with viewing(browser, site.address) as page:
        await site.pose("t1")
        await shows(page, "tasks", "t1")
        await page.keyboard.press("p")
        await site.pose("t2")
        await says(page, "#pause-word", "Follow (1 new)")
        assert await ids(page, "tasks") == ["t1"]
        await page.click("#pause")
        await shows(page, "tasks", "t2")
        await says(page, "#pause-word", "Pause")


async def test_filters_by_text_outcome_and_agent(browser: Browser, site: Site) -> None:
    await site.fill()
    async with viewing(browser, site.address) as page:
        await shows(page, "tasks", samples.NEWEST_TASK)
        await page.fill("#filter", "collatz")
        await page.wait_for_function("() => document.querySelectorAll('#tasks .card').length === 3")
        await page.fill("#filter", "")
        await page.wait_for_function("() => document.querySelectorAll('#tasks .card').length > 3")
        await page.click('.segments label:has-text("Failed")')
        await page.wait_for_function(
            "() => new Set([...document.querySelectorAll('#tasks .state')]"
            ".map(state => state.textContent)).size === 2"
        )
        words = await page.locator("#tasks .state").all_text_contents()
        assert set(words) == {"failed", "dead letter"}
        await page.click('.segments label:has-text("All")')
        await page.select_option("#agent", "governor")
        assert set(await page.locator(".log-agent").all_text_contents()) == {"governor"}


async def test_a_submitted_task_is_followed(browser: Browser, site: Site) -> None:
    async with viewing(browser, site.address) as page:
        await says(page, ".link", "live")
        await page.keyboard.press("n")
        await page.keyboard.type("Reverse a string")
        await page.keyboard.press("Enter")
        await says(page, "#submit-note", "Accepted")
        await shows(page, "tasks", "s-00001")
        await says(page, "#selected-text", "Reverse a string · waits for code")
        assert site.submitted == ["Reverse a string"]
        assert await page.input_value("#submit-text") == ""


async def test_everything_can_be_reached_by_keyboard(browser: Browser, site: Site) -> None:
    await site.fill()
    async with viewing(browser, site.address) as page:
        await shows(page, "tasks", samples.NEWEST_TASK)
        await page.keyboard.press("/")
        assert await page.evaluate("document.activeElement.id") == "filter"
        await page.keyboard.press("Escape")
        await page.keyboard.press("j")
        await page.keyboard.press("j")
        await page.keyboard.press("ArrowDown")
        task_id = (await ids(page, "tasks"))[2]
        await page.keyboard.press("Enter")
        assert await page.locator(".card.is-selected").first.get_attribute("data-task") == task_id
        await page.keyboard.press("l")
        focused = await page.evaluate(
            "[document.activeElement.closest('.column').id, document.activeElement.dataset.task]"
        )
        assert focused == ["code", task_id]
        await page.keyboard.press("?")
        assert await page.locator("#help[open]").count() == 1
        await page.keyboard.press("Escape")
        await page.keyboard.press("Escape")
        assert await page.locator(".card.is-selected").count() == 0
        stops = await page.locator("#columns [tabindex='0']").count()
        assert stops < 40


async def test_a_browser_without_the_token_is_asked_for_it(browser: Browser, feed: Feed) -> None:
    # as if bound to an address that others can reach, where reads need the token too
    settings = Settings(web_bind="0.0.0.0", api_token=TOKEN)
    async with (
        serving(feed, settings) as site,
        viewing(browser, site.address) as page,
    ):
        assert page.url.endswith("/unlock")
        await page.fill("#token", "wrong")
        await page.keyboard.press("Enter")
        await says(page, "#unlock-note", "That is not the token")
        await page.fill("#token", TOKEN)
        await page.keyboard.press("Enter")
        await says(page, ".link", "live")
        await says(page, "#light-word", "ACTIVE")
        await page.fill("#submit-text", "With the token")
        await page.click("#submit-button")
        await says(page, "#submit-note", "Accepted")
