"""People at their browsers: logins for everybody, and a request from one window to the other."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar
from shutil import which
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

from demo.council import CHARITY, CHILD, HEALTH, Agency
from demo.stage import DemoError, Stage
from demo.story import Story

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PASSWORD = "harbour tern rowan seven"  # noqa: S105 - of people who do not exist
JUNIPER = {
    "First names": "Juniper", "Last name": "Vale", "Date of birth": "21 6 2018",
    "Postcode (if you know it)": "LX9 3HT",
}  # fmt: skip
LINK = re.compile(r"(http://\S+?)/welcome/\S+")
FIELD = re.compile(r'name="(csrf|once)" value="([^"]+)"')
SWITCHES = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
]  # fmt: skip


@dataclass(frozen=True)
class Login:
    """Where somebody signs in, as what."""

    agency: Agency
    address: str
    name: str


class Pages:
    """The steps of the chapter."""

    def __init__(self, stage: Stage, story: Story, tell: Callable[[str], None]) -> None:
        self._stage, self._story, self._tell = stage, story, tell
        self._logins: dict[str, Login] = {}

    def people_get_logins(self) -> None:
        """Each agency lets somebody in by a one-time link; they choose a password themselves."""
        for agency in (HEALTH, CHILD, CHARITY):
            if agency.folder.exists() and agency.key not in self._logins:
                self._logins[agency.key] = self._invited(agency)
        lines = [
            f"{one.address}  {one.agency.name}: sign in as {one.name}"
            for one in self._logins.values()
        ]
        self._tell("\n".join([*lines, f"The password of each is: {PASSWORD}"]))

    def two_windows(self) -> None:
        """Both add the same child; one asks, the other answers, the card opens."""
        for agency, service in ((HEALTH, "health_visiting"), (CHILD, "child_in_need")):
            self._story.node(
                agency, "clients preset", "usual", "--service", service, "--basis",
                "UK-CA04-S10-S11",
            )  # fmt: skip
        with _chromium() as browser:
            health, child = (
                self._window(browser, self._logins[agency.key]) for agency in (HEALTH, CHILD)
            )
            for window in (health, child):
                window.adds(JUNIPER)
            self._tell("Both add Juniper Vale: a name, a birth date, a postcode, one button.")
            child.waits_for("Ask for contact details")
            child.picture("team")
            self._tell(f"Social care sees who else there is, and dials {HEALTH.duty_line} at once.")
            child.asks()
            health.allows("Juniper Vale")
            self._tell(
                "Social care asks, one question a page. Health visiting reads it and allows."
            )
            child.waits_for("Contact details from")
            child.picture("card")
            self._tell("The card opens in social care's window, with a number to press.")

    def _invited(self, agency: Agency) -> Login:
        person = agency.person.partition(" (")[0]
        name = person.casefold().replace(" ", ".").replace("..", ".")
        said = self._story.node(
            agency, "accounts invite", agency.person, "--sign-in", name, "--administrator"
        )
        link = LINK.search(said)
        if link is None:
            raise DemoError(f"no link for {agency.name}")
        _choose_password(link.group(0), link.group(1))
        return Login(agency, link.group(1), name)

    def _window(self, browser: "Browser", login: Login) -> "Window":
        window = Window(self._stage, browser.new_context().new_page(), login)
        window.signs_in()
        return window


class Window:
    """One person's browser."""

    def __init__(self, stage: Stage, page: "Page", login: Login) -> None:
        self._stage, self._page, self._login = stage, page, login

    def signs_in(self) -> None:
        """With the name and the password that they were told."""
        self._page.goto(f"{self._login.address}/sign-in")
        self._fill("Your sign-in name", self._login.name)
        self._fill("Password", PASSWORD)
        self.picture("sign-in")
        self._press("Sign in")
        self.picture("clients")

    def adds(self, who: Mapping[str, str]) -> None:
        """A client, by hand; the page of the client is open then."""
        self._page.goto(f"{self._login.address}/clients/add")
        for label, text in who.items():
            self._fill(label, text)
        self.picture("add")
        self._press("Add")

    def picture(self, name: str) -> None:
        """Of the page that is open, if pictures are wanted."""
        if self._stage.pictures is not None:
            self._stage.pictures.mkdir(parents=True, exist_ok=True)
            self._page.screenshot(path=self._stage.pictures / f"{name}.png", full_page=True)

    def asks(self) -> None:
        """For contact details of the other one in the team."""
        self._page.get_by_role("link", name="Ask for contact details").first.click()
        for answer in (
            "Safeguard or promote the welfare of a child",
            "Enquiry into significant harm",
        ):
            self._choose(answer)
        self.picture("ask")
        self._choose("Social worker")
        while not self._page.get_by_role("button", name="Send request").count():
            self._answers_a_question()
        self._page.get_by_label("Tomorrow", exact=True).check()
        self.picture("check-answers")
        self._press("Send request")

    def allows(self, client: str) -> None:
        """The request about a client, once it is there."""

        def is_there() -> bool:
            self._page.goto(f"{self._login.address}/inbox")
            return bool(self._page.get_by_role("link", name=client).count())

        self._stage.until(is_there, "the request is in the inbox")
        self.picture("inbox")
        self._page.get_by_role("link", name=client).first.click()
        self.picture("request")
        self._choose("Share these contact details")

    def waits_for(self, text: str) -> None:
        """Until the page that is open says so, when it is opened again."""

        def says() -> bool:
            self._page.reload()
            return text in self._page.inner_text("main")

        self._stage.until(says, f"the page says {text}")

    def _answers_a_question(self) -> None:
        boxes = self._page.get_by_role("radio")
        if boxes.count():
            boxes.first.check()
        else:
            self._page.locator("main input[type=text], main textarea").first.fill("S47-2026-0131")
        self._press("Continue")

    def _fill(self, label: str, text: str) -> None:
        self._page.get_by_label(label, exact=True).fill(text)

    def _choose(self, answer: str, button: str = "Continue") -> None:
        self._page.get_by_label(answer, exact=True).check()
        self._press(button)

    def _press(self, name: str) -> None:
        with self._page.expect_navigation():
            self._page.get_by_role("button", name=name, exact=True).click()


def _choose_password(link: str, address: str) -> None:
    """What somebody does who opens a one-time link."""
    opener = build_opener(HTTPCookieProcessor(CookieJar()))
    with opener.open(link) as page:
        fields = dict(FIELD.findall(page.read().decode()))
    typed = urlencode({**fields, "password": PASSWORD, "again": PASSWORD}).encode()
    with opener.open(Request(link, typed, {"Origin": address})) as page:  # noqa: S310 - our own
        if "/welcome/" in page.url:
            raise DemoError("the one-time link was not taken")


@contextmanager
def _chromium() -> Iterator["Browser"]:
    """A browser without a screen. It is loaded here: no other chapter needs it."""
    from playwright.sync_api import sync_playwright

    program = which("chromium")
    if program is None:
        raise DemoError("Chromium is not installed: apt-get install chromium fonts-liberation")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=SWITCHES)
        yield browser
        browser.close()
