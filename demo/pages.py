"""People at their browsers: logins for everybody, and a request from one window to the other."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from demo.council import CHARITY, CHILD, HEALTH, enrol
from demo.logins import OFFERS, Logins
from demo.stage import ROOT, Stage
from demo.window import chromium, window

if TYPE_CHECKING:
    from playwright.sync_api import Browser

JUNIPER = {
    "First names": "Juniper", "Last name": "Vale", "Date of birth": "21 6 2018",
    "Postcode (if you know it)": "LX9 3HT",
}  # fmt: skip
RECEIPT = ROOT / "receipt.pdf"


class Pages:
    """The steps of the chapter."""

    def __init__(self, stage: Stage, logins: Logins, tell: Callable[[str], None]) -> None:
        self._stage, self._logins, self._tell = stage, logins, tell

    def people_get_logins(self) -> None:
        """Each agency lets somebody in by a one-time link; they choose a password themselves."""
        if not CHARITY.folder.exists():
            enrol(self._stage, CHARITY)
        self._logins.give()

    def people_meet(self) -> None:
        """Three add the same child; one asks, another answers, the card opens. The council sees
        that, and no child.
        """
        with chromium() as browser:
            self._a_consent(browser)
            self._two_windows(browser)
            self._the_council(browser)

    def _a_consent(self, browser: "Browser") -> None:
        charity = window(self._stage, browser, self._logins.of(CHARITY))
        today = datetime.now(UTC).date()
        charity.adds(JUNIPER, OFFERS[CHARITY.key][0], agreed_on=today)
        charity.records_a_consent("Family form 3", "Coordinate early help for a family")
        charity.prints_the_receipt(RECEIPT)
        self._tell(
            "At the charity a youth worker adds Juniper Vale, records what the mother agreed to, "
            f"one question a page, and prints the receipt for her: {RECEIPT}"
        )
        if self._stage.pictures is not None:
            charity.looks_at("/import", "Import", "import")
            charity.looks_at("/help", "Help", "help")

    def _two_windows(self, browser: "Browser") -> None:
        health = window(self._stage, browser, self._logins.of(HEALTH))
        child = window(self._stage, browser, self._logins.of(CHILD), picture="sign-in")
        child.picture("clients")
        for one, agency in ((health, HEALTH), (child, CHILD)):
            one.adds(JUNIPER, OFFERS[agency.key][0])
        self._tell("Both others add Juniper too: a name, a birth date, a postcode, one button.")
        child.waits_for_team(HEALTH.name, CHARITY.name)
        child.picture("team")
        self._tell(f"Social care sees who else there is, and dials {HEALTH.duty_line} at once.")
        child.asks(HEALTH.name)
        health.allows("Juniper Vale")
        self._tell("Social care asks, one question a page. Health visiting reads it and allows.")
        child.waits_for("Contact details from")
        child.picture("card")
        self._tell("The card opens in social care's window, with a number to press.")

    def _the_council(self, browser: "Browser") -> None:
        council = window(self._stage, browser, self._logins.council)
        council.looks_at("/", "Overview", "operator")
        council.looks_at("/members", "Members", "members")
        council.looks_at("/take-up", "Take-up", "take-up")
        self._tell("The council signs in, and sees who takes part and how much. No child.")
