"""specs/vectors/news.json: a mail as it goes out, and when mail is due."""

import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from node.config import MailSettings, MailWish
from node.news.mailing import SUBJECT, due_at, text_of
from node.store.news import NewsLevel
from runtime.mail import Mail, MailServer, written

VECTORS = Path(__file__).parents[2] / "specs/vectors"
CASES: dict[str, Any] = json.loads((VECTORS / "news.json").read_text("utf-8"))
MAIL = CASES["mail"]


def settings(**change: Any) -> MailSettings:
    return MailSettings(host="localhost", sender=MAIL["sender"], **change)


def test_a_mail_is_these_lines_and_no_other() -> None:
    text = text_of(settings(web_address=MAIL["web_address"]))
    mail = Mail(MAIL["to"], SUBJECT, text, MAIL["message_id"], MAIL["at"])
    server = MailServer("localhost", 25, "none", MAIL["sender"])
    expected = "".join(f"{line}\r\n" for line in MAIL["lines"])
    assert written(mail, server).as_bytes() == expected.encode("ascii")


@pytest.mark.parametrize("case", CASES["due"], ids=lambda case: case["name"])
def test_when_mail_is_due(case: dict[str, Any]) -> None:
    since = {NewsLevel(level): at for level, at in case["since"].items()}
    zone = ZoneInfo("Europe/London")
    assert due_at(since, MailWish(case["wish"]), settings(), zone) == case["due"]
