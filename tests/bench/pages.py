"""Pages of the console in a real Chromium, each of which notes when an incident is on its screen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, ViewportSize, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
_ARGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
_SIZE: ViewportSize = {"width": 1366, "height": 768}
_PATIENCE_MS = 120_000.0  # thirty of them begin on two cores
# A task that a frame's callback begins comes once that frame has been laid out and painted.
_WATCH = """
window.shown = {}
{
    let added = []
    const note = (ids) => ids.forEach((id) => (window.shown[id] ??= Date.now()))
    const paint = () => {
        setTimeout(note, 0, added)
        added = []
    }
    const observer = new MutationObserver((changes) => {
        const nodes = changes.flatMap((change) => [...change.addedNodes])
        const elements = nodes.filter((node) => node instanceof Element)
        const within = elements.flatMap((node) => [node, ...node.querySelectorAll('article')])
        const ids = within.filter((node) => node.matches('article')).map((card) => card.dataset.incident)
        if (ids.length && !added.length) requestAnimationFrame(paint)
        added.push(...ids)
    })
    observer.observe(document, { subtree: true, childList: true })
}
"""


class ConsolePage:
    """One console: a browser profile of its own, logged in, its wall live."""

    def __init__(self, context: BrowserContext, url: str, operator: str, password: str) -> None:
        self.faults: list[str] = []
        context.add_init_script(_WATCH)
        context.set_default_timeout(_PATIENCE_MS)
        self.page: Page = context.new_page()
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.goto(url)
        self.page.locator("#operator").fill(operator)
        self.page.locator("#password").fill(password)
        self.page.keyboard.press("Enter")
        self.page.locator(".chip.live").wait_for()
        assert self.page.evaluate("document.visibilityState") == "visible"
        self._cdp: CDPSession = context.new_cdp_session(self.page)
        self._cdp.send("Performance.enable")

    def shown(self) -> dict[str, float]:
        """Return when each incident was on the screen: seconds since 1970, by id."""
        times: dict[str, float] = self.page.evaluate("window.shown")
        return {incident: ms / 1000 for incident, ms in times.items()}

    def heap_mib(self) -> float:
        """Return what the page's objects take once what nobody needs has been collected."""
        self._cdp.send("HeapProfiler.collectGarbage")
        metrics = self._cdp.send("Performance.getMetrics")["metrics"]
        (used,) = (m["value"] for m in metrics if m["name"] == "JSHeapUsedSize")
        return float(used) / 2**20


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run one browser for all pages."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGS)
        try:
            yield browser
        finally:
            browser.close()


def open_console(browser: Browser, url: str, operator: str, password: str) -> ConsolePage:
    """Open the console in a browser profile of its own; 1366×768."""
    return ConsolePage(browser.new_context(viewport=_SIZE), url, operator, password)
