"""The pages: each names who may open it, all words are in the words' files, and none is unused."""

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub.members.accounts import OPERATOR
from hub.web.pages.help import HELP as HUB_HELP
from hub.web.pages.site import PAGES as HUB_PAGES
from node.alarms import AlarmCode
from node.records.accounts import Role
from node.records.forgetting import Stays
from node.store.old import Kind
from node.store.people import PersonKind
from node.web.pages.help import HELP
from node.web.pages.site import PAGES
from protocol.requests.refusals import RefusalCode
from web.help import Help
from web.look import Brand, Look
from web.site import Page

ROOT = Path(__file__).parents[2]
SITES = [ROOT / "node" / "web", ROOT / "hub" / "web"]
FOLDERS = [ROOT / "web", *SITES]
LOOKS = [Look(Brand("An agency"), [folder], ZoneInfo("Europe/London")) for folder in SITES]
TEMPLATES = sorted(path for folder in FOLDERS for path in (folder / "templates").rglob("*.html"))
TAGS = re.compile(r"{#.*?#}|{%.*?%}|{{.*?}}", re.DOTALL)
SAID = re.compile(r"""\b(?:say|count)\(\s*["']([a-z0-9_.]+)["']\s*[,)]""")
COMPOSED = re.compile(r"""\b(?:say|count)\(\s*["']([a-z0-9_.]+\.)["']\s*~""")
IN_CODE = re.compile(r'"((?:[a-z0-9_]+\.){2,}[a-z0-9_]+)"')
READ_OUT = ("aria-label", "title", "alt", "placeholder", "content")


class Text(HTMLParser):
    """What a reader would see or hear of a template whose tags were taken out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found += re.findall(r"[A-Za-z]{2,}", data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            said = [word or "" for name, word in attrs if name in READ_OUT]
            self.found += [word for word in said if re.search("[A-Za-z]", word)]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_no_words_of_its_own(path: Path) -> None:
    text = Text()
    text.feed(TAGS.sub("", path.read_text("utf-8")))
    assert text.found == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_no_code_of_the_browsers_and_escapes_everything(path: Path) -> None:
    source = path.read_text("utf-8")
    assert not re.search(r"""\son[a-z]+=|\sstyle=|javascript:|<style|<script(?! src=)""", source)
    assert "| safe" not in source
    assert "|safe" not in source
    assert "autoescape" not in source


def keys_used() -> set[str]:
    pages = [path for folder in FOLDERS for path in folder.rglob("*.py")]
    found = {key for path in TEMPLATES for key in SAID.findall(path.read_text("utf-8"))}
    return found | {key for path in pages for key in IN_CODE.findall(path.read_text("utf-8"))}


@pytest.mark.parametrize(("site", "look"), [*zip(SITES, LOOKS, strict=True)])
def test_every_text_that_a_page_wants_is_there(site: Path, look: Look) -> None:
    known = look.words.texts.keys()
    counted = {key.rpartition(".")[0] for key in known if key.endswith(".one")}
    own = [
        path
        for path in TEMPLATES
        if any(path.is_relative_to(folder) for folder in (site, ROOT / "web"))
    ]
    wanted = {key for path in own for key in SAID.findall(path.read_text("utf-8"))}
    assert wanted - known - counted == set()


def test_no_text_is_unused() -> None:
    used = keys_used()
    used |= {f"{key}_says" for key in used if key.endswith(".nav")}  # where a room lists it
    sources = [path.read_text("utf-8") for path in TEMPLATES]
    made = ("errors", *(start for source in sources for start in COMPOSED.findall(source)))
    whole = {
        key.rpartition(".")[0] if key.endswith((".one", ".other")) else key
        for look in LOOKS
        for key in look.words.texts
    }
    assert {key for key in whole if key not in used and not key.startswith(made)} == set()


def test_no_text_names_a_command_or_a_file() -> None:
    """Whoever reads a page has no terminal: alarms, too, say what to do in words of the pages."""
    named = re.compile("patchwork-|node\\.toml|--[a-z]")
    assert [key for key, text in LOOKS[0].words.texts.items() if named.search(text)] == []
    for code in AlarmCode:
        assert LOOKS[0].words.has(f"alarms.says.{code}"), code
        assert LOOKS[0].words.has(f"alarms.do.{code}"), code


@pytest.mark.parametrize(
    ("group", "codes"),
    [
        ("asked.why", [*RefusalCode, "unknown"]),
        ("keeping.gone", [*Kind]),
        ("keeping.stays", [*Stays]),
        ("people.kind", [*PersonKind]),
    ],
)
def test_every_code_that_a_page_shows_has_words(group: str, codes: list[str]) -> None:
    assert [code for code in codes if not LOOKS[0].words.has(f"{group}.{code}")] == []


@pytest.mark.parametrize("look", LOOKS)
def test_a_number_has_both_its_texts(look: Look) -> None:
    texts = look.words.texts
    ones = {key[:-4] for key in texts if key.endswith(".one")}
    others = {key[:-6] for key in texts if key.endswith(".other") and key != "errors.other"}
    assert ones == others


@pytest.mark.parametrize(
    ("pages", "roles"), [(PAGES, frozenset(Role)), (HUB_PAGES, OPERATOR)], ids=["node", "hub"]
)
def test_every_page_is_for_roles_that_there_are(
    pages: Sequence[Page[Any]], roles: frozenset[str]
) -> None:
    paths = [page.path for page in pages]
    assert len(paths) == len(set(paths))
    for page in pages:
        assert page.roles is None or (page.roles and page.roles <= roles), page.path
    anybody = {
        "/sign-in", "/sign-in/code", "/sign-in/passkey", "/sign-out", "/welcome/{secret}",
        "/help", "/help/{topic}",
    }  # fmt: skip
    if pages is PAGES:
        anybody |= {
            "/sign-in/organisation", "/sign-in/organisation/link/{secret}",
            "/sign-in/organisation/again", "/sign-in/organisation/back",
        }  # fmt: skip
    assert {page.path for page in pages if page.roles is None} == anybody


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_form_carries_its_tokens(path: Path) -> None:
    source = path.read_text("utf-8")
    forms = re.findall(r"<form.*?</form>", source, re.DOTALL)
    for form in forms:
        assert 'method="post"' in form
        assert "tokens()" in form or 'name="csrf"' in form


@pytest.mark.parametrize(
    ("pages", "help_of", "look"),
    [(PAGES, HELP, LOOKS[0]), (HUB_PAGES, HUB_HELP, LOOKS[1])],
    ids=["node", "hub"],
)
def test_every_page_has_its_help_and_every_help_its_words(
    pages: Sequence[Page[Any]], help_of: Help, look: Look
) -> None:
    for page in pages:
        path = re.sub(r"{\w+}", "7", page.path)
        if not path.startswith("/help"):
            assert help_of.for_page(path) != "/help", page.path
    for topic in help_of.topics:
        words = [key for key in look.words.texts if key.startswith(f"help.{topic}.")]
        kinds = [sum(f".{kind}." in key for key in words) for kind in ("step", "asked", "answered")]
        assert kinds[0] >= 2, topic
        assert kinds[1] == kinds[2] >= 1, topic
