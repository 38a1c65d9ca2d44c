"""What pages make of numbers and of what was typed, and that each state has its words."""

import re
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from markupsafe import escape

from node.links.team import Unpublished
from node.store.news import ON_PAGES
from node.store.people import Deed
from node.store.requests import SentState
from node.views import asked
from node.web.pages.site import PAGES
from web.forms import Form, InvalidForm
from web.look import Brand, Look, lines_of
from web.places import places
from web.words import Words

ROOT = Path(__file__).parents[2]
TERMS = dict.fromkeys(("person", "people", "Person", "People", "a_person", "agency"), "client")
WORDS = Words([ROOT / "web" / "words", ROOT / "node" / "web" / "words"], TERMS)
STANDS = {*SentState, asked.LATE, asked.WRONG_PERSON, asked.RENEWED, asked.BY_THEM}


@pytest.mark.parametrize(
    ("number", "dialled"),
    [
        ("01632 960100", ["tel:01632960100"]),
        ("(01632) 960-100", ["tel:01632960100"]),
        ("+44 (0)1632 960100", ["tel:+441632960100"]),
        ("01632 960100 ext 12", ["tel:01632960100;ext=12"]),
        ("01632 960100 / 07700 900123", ["tel:01632960100", "tel:07700900123"]),
    ],
)
def test_a_number_is_dialled_as_it_is_written(number: str, dialled: list[str]) -> None:
    assert [href for _, href in lines_of(number)] == dialled


def test_lines_of_text_are_taken_as_browsers_send_them() -> None:
    assert Form([("fact", " one\r\ntwo ")]).text("fact") == "one\ntwo"
    with pytest.raises(InvalidForm):
        Form([("fact", "one\rtwo")]).text("fact")


@pytest.mark.parametrize("year", ["9" * 20, "9" * 5_000, "0", "٢٠١٨"])
def test_a_year_that_no_calendar_has_is_told_to_whoever_typed_it(year: str) -> None:
    form = Form([("born-day", "1"), ("born-month", "1"), ("born-year", year)])
    with pytest.raises(InvalidForm) as caught:
        form.day("born", "", "clients.wrong.no_day")
    assert caught.value.wrong == {"born": "clients.wrong.no_day"}


@pytest.mark.parametrize("stands", sorted(STANDS))
def test_every_state_of_a_request_has_words(stands: str) -> None:
    assert WORDS(f"sent.title.{stands}", agency="Social care")
    assert WORDS(f"sent.says.{stands}")


def test_a_name_with_an_apostrophe_is_said_as_it_is_written() -> None:
    """A macro of a template gives it escaped; the page escapes the whole text once more."""
    said = WORDS("inbox.request.heading", agency=escape("Children's Services"))
    assert said == WORDS("inbox.request.heading", agency="Children's Services")
    assert escape(said).count("&#39;") == 1
    assert escape(WORDS("inbox.request.heading", agency=escape("<b>"))).count("&lt;b&gt;") == 1


def test_two_sentences_have_a_blank_between_them() -> None:
    """Jinja takes the end of a line away after a block: `+%}` keeps it."""
    glued = re.compile(
        r"\{\{ (?:say|count)\([^\n]*\{% (?:endif|endfor) %\}\n"
        r"(?:\{% [^\n%]*%\})*\{\{ (?:say|count)\("
    )
    templates = [
        path for role in ("web", "node/web", "hub/web") for path in (ROOT / role).rglob("*.html")
    ]
    assert len(templates) > 100
    assert [path.name for path in templates if glued.search(path.read_text("utf-8"))] == []


def test_every_reason_why_nobody_is_found_and_every_change_has_words() -> None:
    said = {WORDS(f"team.unpublished.{why.value}") for why in Unpublished}
    assert len(said) == len(Unpublished)
    for kind in ON_PAGES:
        assert WORDS(f"team.change.{kind.value}", agency="Social care", work="Child in need")


def test_everything_that_is_done_in_a_name_has_its_words() -> None:
    assert all(WORDS.has(f"governance.deed.{deed}") for deed in Deed)


def test_a_page_that_is_in_no_navigation_is_listed_in_words_where_its_room_is() -> None:
    roles = frozenset({"administrator"})
    found = places(PAGES, WORDS, roles, "/administration")
    assert [one["text"] for one in found["nav"]] == ["Import", "Administration", "Duty"]
    listed = {one["href"] for one in found["rooms"]}
    rooms = {page.path for page in PAGES if page.room == "/administration"}
    assert listed == rooms
    assert all(one["says"].endswith(".") for one in found["rooms"])
    inside = places(PAGES, WORDS, roles, "/administration/accounts/1")
    assert [one["here"] for one in inside["nav"]] == ["", "true", ""]
    assert inside["rooms"] == []


@pytest.mark.parametrize(
    ("at", "says"),
    [
        ("2026-09-29T00:00", "the end of 28 September 2026"),
        ("2026-09-28T23:59", "the end of 28 September 2026"),
        ("2026-09-28T09:05", "28 September 2026 at 9:05am"),
    ],
)
def test_nobody_has_to_know_to_which_day_midnight_belongs(at: str, says: str) -> None:
    zone = ZoneInfo("Europe/London")
    look = Look(Brand("O\u2019Neil & Sons"), [ROOT / "node" / "web"], zone)
    assert look.until(int(datetime.fromisoformat(at).replace(tzinfo=zone).timestamp())) == says


def test_what_a_page_is_called_is_escaped_once(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    page = '{% extends "base.html" %}{% block title %}{{ asked }}{% endblock %}'
    (tmp_path / "templates" / "page.html").write_text(page, "utf-8")
    look = Look(Brand("O'Neil"), [tmp_path], ZoneInfo("Europe/London"))
    names = ("who", "nav", "path", "csrf", "own_page", "done")
    values = {**dict.fromkeys(names, ""), "errors": {}, "asked": "<b> the family's views?"}
    said = look.render("page.html", values)
    assert "<title>&lt;b&gt; the family&#39;s views? – O&#39;Neil – Patchwork</title>" in said
