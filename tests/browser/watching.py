"""A page that is listened to while it is used."""

from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Page, ViewportSize

REPORT_VIOLATIONS = (
    "addEventListener('securitypolicyviolation',"
    " (event) => console.error(`CSP ${event.violatedDirective} ${event.blockedURI}`))"
)
OF_LOOKS = ("color-contrast", "link-in-text-block", "scrollable-region-focusable")
"""What axe may find on one screen and not on another; all else is in the document."""
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


class Watched:
    """A page and what went wrong on it: errors on the console, scripts that failed, violations of the content policy."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []
        page.add_init_script(REPORT_VIOLATIONS)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.faults.append(str(error)))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.faults.append(f"{message.text} at {self.page.url}")

    def go(self, address: str) -> Page:
        self.page.goto(address, wait_until="load")
        return self.page

    def appear_on(self, viewport: ViewportSize, color_scheme: Literal["light", "dark"]) -> None:
        """Show the page that is open on another screen."""
        self.page.set_viewport_size(viewport)
        self.page.emulate_media(color_scheme=color_scheme)

    def faults_of_form(self, *, of_looks: bool = False) -> list[str]:
        """What axe finds against WCAG on the page as it is now, and sideways scrolling of the whole page.

        `of_looks`: only what may differ from screen to screen, for a page that was looked at whole on another one.
        """
        rules = {"runOnly": {"type": "rule", "values": list(OF_LOOKS)}} if of_looks else {}
        found = Axe().run(self.page, options={"resultTypes": ["violations"], **rules}).response["violations"]
        wrong = [f"{one['id']}: {one['nodes'][0]['html'][:200]} at {self.page.url}" for one in found]
        over = self.page.evaluate(OVERFLOW)
        return [*wrong, f"scrolls sideways by {over} px at {self.page.url}"] if over > 0 else wrong
