"""The pages: each names who may open it, all words are in the words' files, and none is unused."""

import re
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from node.records.accounts import Role
from node.web.pages.site import PAGES
from web.look import Brand, Look

ROOT = Path(__file__).parents[2]
FOLDERS = [ROOT / "web", ROOT / "node" / "web"]
LOOK = Look(Brand("An agency"), [ROOT / "node" / "web"], ZoneInfo("Europe/London"))
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


def test_every_text_that_a_page_wants_is_there() -> None:
    known = LOOK.words.texts.keys()
    counted = {key.rpartition(".")[0] for key in known if key.endswith(".one")}
    wanted = {key for path in TEMPLATES for key in SAID.findall(path.read_text("utf-8"))}
    assert wanted - known - counted == set()


def test_no_text_is_unused() -> None:
    used = keys_used()
    sources = [path.read_text("utf-8") for path in TEMPLATES]
    made = ("errors", *(start for source in sources for start in COMPOSED.findall(source)))
    whole = {
        key.rpartition(".")[0] if key.endswith((".one", ".other")) else key
        for key in LOOK.words.texts
    }
    assert {key for key in whole if key not in used and not key.startswith(made)} == set()


def test_a_number_has_both_its_texts() -> None:
    ones = {key[:-4] for key in LOOK.words.texts if key.endswith(".one")}
    others = {
        key[:-6] for key in LOOK.words.texts if key.endswith(".other") and key != "errors.other"
    }
    assert ones == others


def test_every_page_is_for_roles_that_there_are() -> None:
    paths = [page.path for page in PAGES]
    assert len(paths) == len(set(paths))
    for page in PAGES:
        assert page.roles is None or (page.roles and page.roles <= frozenset(Role)), page.path
    assert {page.path for page in PAGES if page.roles is None} == {
        "/sign-in", "/sign-in/code", "/sign-in/passkey", "/sign-in/organisation",
        "/sign-in/organisation/link/{secret}", "/sign-in/organisation/again",
        "/sign-in/organisation/back", "/sign-out", "/welcome/{secret}",
    }  # fmt: skip


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_form_carries_its_tokens(path: Path) -> None:
    source = path.read_text("utf-8")
    forms = re.findall(r"<form.*?</form>", source, re.DOTALL)
    for form in forms:
        assert 'method="post"' in form
        assert "tokens()" in form or 'name="csrf"' in form
