"""Long work says how far it is: an audit on a terminal, the soak before each test."""

from pathlib import Path

import pytest

from audit.case.case import Case
from audit.cli.bars import shown_on_terminal
from audit.report.figures import audit_case
from audit.rules.signed import verification
from runtime.progress import EVERY, told_of
from tests.soak.progress import said
from tests.unit.audit_log import brokered, council

Heard = list[tuple[str, int, int]]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return brokered(council()).write(tmp_path_factory.mktemp("progress") / "case")


def test_what_goes_by_is_counted_and_nothing_of_it_is_lost() -> None:
    heard: Heard = []
    items = list(told_of(range(600), "Work", 600, lambda *one: heard.append(one)))
    assert items == list(range(600))
    assert heard == [("Work", done, 600) for done in (0, EVERY, 2 * EVERY, 600)]


def steps(heard: Heard) -> list[str]:
    return list(dict.fromkeys(what for what, _, _ in heard))


def test_an_audit_says_how_far_it_is_from_its_beginning_to_its_end(case: Path) -> None:
    heard: Heard = []
    audit_case(Case(case), None, [], told=lambda *one: heard.append(one))
    wanted = ["Tree", "Public entries", "Payloads and decisions", "Times and numbers"]
    assert steps(heard) == wanted
    for what in wanted:
        of_it = [(done, total) for step, done, total in heard if step == what]
        assert of_it[0][0] == 0
        assert of_it[-1][0] == of_it[-1][1] > 0
    heard.clear()
    verification(Case(case), None, None, lambda *one: heard.append(one))
    assert steps(heard) == ["Tree", "Public entries", "Signatures"]


def test_a_script_hears_nothing_of_it(capfd: pytest.CaptureFixture[str]) -> None:
    with shown_on_terminal() as told:
        told("Tree", 1, 2)
    assert capfd.readouterr() == ("", "")


def test_a_terminal_shows_a_bar_with_the_time_that_is_left(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with shown_on_terminal() as told:
        told("Payloads and decisions", 0, 10)
        told("Payloads and decisions", 5, 10)
    shown = capfd.readouterr().err
    assert "Payloads and decisions" in shown
    assert "50%" in shown


def test_the_soak_says_about_how_long_it_still_takes() -> None:
    assert said(0, 40, 3) == "1 of 40, 0 min gone"
    assert said(10, 40, 600) == "11 of 40, 10 min gone, about 30 min left"
