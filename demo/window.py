"""One person's browser: what they see, type and press, and pictures of it if they are wanted."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

from demo.logins import PASSWORD, Login
from demo.stage import DemoError, Stage

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

SWITCHES = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
]  # fmt: skip
WIDE, TALLEST = 1100, 1700
LIMIT_MS = 120_000


@dataclass(frozen=True)
class Window:
    """A window in which somebody has signed in."""

    stage: Stage
    page: "Page"
    login: Login

    def signs_in(self, picture: str = "") -> None:
        """With the name and the password that they were told."""
        self.goes("/sign-in")
        self._fill("Your sign-in name", self.login.name)
        self._fill("Password", PASSWORD)
        if picture:
            self.picture(picture)
        self._press("Sign in")

    def goes(self, path: str, heading: str = "") -> None:
        """Type an address. Raises DemoError if another page is there than that of a heading."""
        self.page.goto(self.login.address + path)
        found = self.page.inner_text("h1")
        if heading not in found:
            raise DemoError(f"{path} shows {found}, not {heading}")

    def adds(self, who: Mapping[str, str], gets: str, *, agreed_on: date | None = None) -> None:
        """A client, by hand; the page of the client is open then."""
        self.goes("/clients/add")
        for label, text in who.items():
            self._fill(label, text)
        self.page.get_by_label(gets, exact=True).check()
        self.picture("add")
        self._press("Add")
        if agreed_on is not None:
            self._day(agreed_on)
            self._press("Continue")

    def records_a_consent(self, wording: str, purpose: str) -> None:
        """Of the client whose page is open: the whole of it, by a parent, in writing, just now."""
        self._follow("What they agreed to: record, receipt, take back")
        self._follow("Record a consent")
        while not self.page.get_by_role("button", name="Record consent").count():
            self._says_what_was_agreed(wording, purpose)
        self.picture("consent")
        self._press("Record consent")

    def prints_the_receipt(self, file: Path) -> None:
        """Of the consent that was recorded last, as a browser prints it."""
        self.page.get_by_role("link", name="Receipt to print").first.click()
        self.picture("receipt")
        self.page.pdf(path=file, format="A4")

    def asks(self, agency: str) -> None:
        """For contact details of the one of an agency in the team."""
        with self.page.expect_navigation():
            self._asking(agency).first.click()
        for answer in (
            "Safeguard or promote the welfare of a child",
            "Enquiry into significant harm",
        ):
            self._choose(answer)
        self.picture("ask")
        self._choose("Social worker")
        while not self.page.get_by_role("button", name="Send request").count():
            self._answers_a_question()
        self.page.get_by_label("Tomorrow", exact=True).check()
        self.picture("check-answers")
        self._press("Send request")

    def allows(self, client: str) -> None:
        """The request about a client, once it is there."""

        def is_there() -> bool:
            self.goes("/inbox")
            return bool(self.page.get_by_role("link", name=client).count())

        self.stage.until(is_there, "the request is in the inbox")
        self.picture("inbox")
        self.page.get_by_role("link", name=client).first.click()
        self.picture("request")
        self._choose("Share these contact details")

    def waits_for(self, text: str) -> None:
        """Until the page that is open says so, when it is opened again."""

        def says() -> bool:
            self.page.reload()
            return text in self.page.inner_text("main")

        self.stage.until(says, f"the page says {text}")

    def waits_for_team(self, *agencies: str) -> None:
        """Until all of them can be asked about the client whose page is open."""

        def are_there() -> bool:
            self.page.reload()
            return all(self._asking(agency).count() for agency in agencies)

        self.stage.until(are_there, f"{' and '.join(agencies)} are in the team")

    def looks_at(self, path: str, heading: str, picture: str) -> None:
        """A page, and keep a picture of it."""
        self.goes(path, heading)
        self.picture(picture)

    def picture(self, name: str) -> None:
        """Of the page that is open, if pictures are wanted; of a long one its beginning."""
        folder = self.stage.pictures
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            height = self.page.evaluate("document.documentElement.scrollHeight")
            part = {"x": 0, "y": 0, "width": WIDE, "height": min(height, TALLEST)}
            self.page.screenshot(path=folder / f"{name}.png", full_page=True, clip=part)  # type: ignore[arg-type]

    def _asking(self, agency: str) -> "Locator":
        asking = self.page.get_by_role("link", name="Ask for contact details")
        return asking.filter(has_text=agency)

    def _says_what_was_agreed(self, wording: str, purpose: str) -> None:
        """One page of those that lead to a consent."""
        for label in (
            purpose, "Every organisation that the sharing agreement lets see this work",
            "Somebody with parental responsibility", "In writing", "Just now", "For 12 months",
        ):  # fmt: skip
            box = self.page.get_by_label(label, exact=True)
            if box.count():
                box.check()
        asked = self.page.get_by_label("Which wording did they agree to?", exact=True)
        if asked.count():
            asked.fill(wording)
        self._press("Continue")

    def _answers_a_question(self) -> None:
        boxes = self.page.get_by_role("radio")
        if boxes.count():
            boxes.first.check()
        else:
            self.page.locator("main input[type=text], main textarea").first.fill("S47-2026-0131")
        self._press("Continue")

    def _day(self, day: date) -> None:
        for label, number in (("Day", day.day), ("Month", day.month), ("Year", day.year)):
            self._fill(label, str(number))

    def _fill(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=True).fill(text)

    def _choose(self, answer: str, button: str = "Continue") -> None:
        self.page.get_by_label(answer, exact=True).check()
        self._press(button)

    def _follow(self, name: str) -> None:
        with self.page.expect_navigation():
            self.page.get_by_role("link", name=name, exact=True).first.click()

    def _press(self, name: str) -> None:
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=name, exact=True).click()


def window(stage: Stage, browser: "Browser", login: Login, picture: str = "") -> Window:
    """A new window, in which somebody signs in."""
    page = browser.new_context(viewport={"width": WIDE, "height": 900}).new_page()
    page.set_default_timeout(LIMIT_MS)
    made = Window(stage, page, login)
    made.signs_in(picture)
    return made


def browser_program() -> str | None:
    """Chromium, if it is installed; without its windows, a page costs a third less processor."""
    return which("chromium-headless-shell") or which("chromium")


@contextmanager
def chromium() -> Iterator["Browser"]:
    """A browser without a screen. It is loaded here: no other chapter needs it."""
    from playwright.sync_api import sync_playwright

    program = browser_program()
    if program is None:
        raise DemoError(
            "Chromium is not installed: apt-get install chromium-headless-shell fonts-liberation"
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=SWITCHES)
        yield browser
        browser.close()
