"""What pages make of numbers and of what was typed, and that each state has its words."""

import re
from pathlib import Path

import pytest
from markupsafe import escape

from node.links.team import Unpublished
from node.store.requests import SentState
from node.views import asked
from node.views.around import NEWS_OF_TEAMS
from web.forms import Form, InvalidForm
from web.look import lines_of
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
    for kind in NEWS_OF_TEAMS:
        assert WORDS(f"team.change.{kind.value}", agency="Social care", work="Child in need")
