"""Who acts is said, is known here, and is nobody else."""

import json
from typing import Any

import pytest
from typer.testing import Result

from tests.sim.federation import AMEERA, DUTY, SimNode, row, two_agencies
from tests.sim.test_people_cli import Town
from tests.sim.test_people_cli import town as town
from tests.sim.test_references import GROUNDS, asks, received, shown

CHECK = ("--basis", "UK-CA89-S47", "--purpose", "safeguarding_child", "--fact", "informed=informed")


def people(town: Town, node: SimNode, *words: str) -> Result:
    """What `people` says in a node's folder, which has settings as `init` leaves them."""
    (node.folder / "node.toml").write_text('name = "An agency"\n', encoding="utf-8")
    return town.types("Social care", "people", *words, "--dir", str(node.folder))


def asked(town: Town, who: str) -> Result:
    (health,) = shown(town)
    words = ("ask", "c1", health["reference"], *GROUNDS)
    return town.types("Social care", *words, who=who)


@pytest.mark.parametrize(
    "words",
    [
        ["ask", "c1", "ABCD", *GROUNDS],
        ["answer", "11" * 16, "--allow"],
        ["review", "11" * 16, "--same"],
        ["identity-check", "11" * 16, "--role", "social_worker", *CHECK],
        ["identity-answer", "11" * 16, "--same"],
        ["wrong-person", "11" * 16],
        ["release-now", "11" * 16, "--yes"],
        ["withdraw", "c1"],
        ["alerts", "--seen"],
        ["alarms", "--acknowledge", "1"],
        ["charter", "accept", "--yes"],
    ],
    ids=lambda words: words[0],
)
def test_what_acts_for_a_person_is_refused_while_nobody_says_who(
    town: Town, words: list[str]
) -> None:
    """There is one worker here, who works with the client: nobody takes it that it is her."""
    _, care = town.now(two_agencies(town.federation))
    before = town.now(town.federation.hub_read(lambda tables: tables.log.next_index()))
    for who, says in (
        ("", "say who you are with --as NAME"),
        ("N. Obody", "nobody here has that name"),
    ):
        said = town.types("Social care", *words, who=who)
        assert (said.exit_code, says in said.output) == (1, True), said.output
    assert town.now(town.federation.hub_read(lambda t: t.log.next_index())) == before
    withdrawn = "SELECT * FROM involvement WHERE withdrawn_at IS NOT NULL"
    assert town.now(care.read(lambda tables: tables.tx.rows(withdrawn))) == []


def test_a_duty_worker_asks_and_a_manager_answers_each_in_their_own_name(town: Town) -> None:
    health, care = town.now(two_agencies(town.federation))
    said = people(town, care, "add", "D. Uty", "--kind", "duty_worker")
    assert said.stdout == "D. Uty may act here as duty worker: --as 'D. Uty'.\n"
    assert people(town, health, "add", "M. Anager", "--kind", "manager").exit_code == 0
    assert asked(town, "D. Uty").exit_code == 0
    town.now(town.federation.settle())
    (request,) = received(town, "Health visiting")
    assert request["practitioner"] == "D. Uty", "not S. Worker, who works with the client"
    words = ("answer", request["request_id"], "--allow", "--as", "M. Anager")
    assert town.types("Health visiting", *words).exit_code == 0
    signed = "SELECT p.name FROM hub_practitioner h JOIN practitioner p ON p.id = h.practitioner"
    for node, name in ((care, "D. Uty"), (health, "M. Anager")):
        rows = town.now(node.read(lambda tables: tables.tx.rows(signed)))
        assert [item["name"] for item in rows] == [name]


def test_who_was_closed_acts_no_longer_and_no_import_brings_them_back(town: Town) -> None:
    _, care = town.now(two_agencies(town.federation))
    assert "S. Worker (East): worker since" in people(town, care, "list").stdout
    closed = people(town, care, "close", "S. Worker").stdout
    assert closed.startswith("S. Worker (East) acts here no longer.\n")
    assert "has nobody to call now" in closed
    again = row("c9", AMEERA, "child_in_need", DUTY, "S. Worker")
    town.now(care.take_in(again))
    said = asked(town, "S. Worker")
    assert (said.exit_code, "was closed" in said.output) == (1, True)
    assert "S. Worker" not in people(town, care, "list").stdout
    assert ", closed " in people(town, care, "list", "--all").stdout
    assert people(town, care, "close", "S. Worker").exit_code == 1, "once"
    assert people(town, care, "add", "S. Worker", "--kind", "worker").exit_code == 0
    assert asked(town, "S. Worker").exit_code == 0


def test_who_has_left_is_not_named_on_a_card(town: Town) -> None:
    health, _ = town.now(two_agencies(town.federation))
    assert people(town, health, "add", "M. Anager", "--kind", "manager").exit_code == 0
    assert people(town, health, "close", "H. Visitor").exit_code == 0
    assert asked(town, "S. Worker").exit_code == 0
    town.now(town.federation.settle())
    (request,) = received(town, "Health visiting")
    words = ("answer", request["request_id"], "--allow", "--as", "M. Anager")
    assert town.types("Health visiting", *words).exit_code == 0
    town.now(town.federation.settle())
    (sent,) = json.loads(town.types("Social care", "inbox", "--json").stdout)["sent"]
    assert (sent["state"], sent["agency"]) == ("opened", "Health visiting")
    assert (sent["card"]["practitioner"], sent["card"]["phone"]) == (None, None)
    assert sent["card"]["duty_line"] == "01632 960100"


def test_two_of_one_name_are_told_apart_and_never_guessed(town: Town) -> None:
    _, care = town.now(two_agencies(town.federation))
    added = people(town, care, "add", "S. Worker", "--kind", "manager", "--team", "West")
    assert added.exit_code == 0
    for words in (("close", "S. Worker"), ("add", "S. Worker", "--kind", "worker")):
        assert "several people here have that name" in people(town, care, *words).output
    said = asked(town, "S. Worker")
    assert (said.exit_code, "several people here have that name" in said.output) == (1, True)
    assert asked(town, "S. Worker (West)").exit_code == 0
    found = json.loads(people(town, care, "list", "--json").stdout)
    assert [(item["name"], item["kind"]) for item in found] == [
        ("S. Worker (East)", "worker"),
        ("S. Worker (West)", "manager"),
    ]
    assert people(town, care, "close", "S. Worker (West)").exit_code == 0
    assert asked(town, "S. Worker").exit_code == 0, "one is left"


@pytest.mark.parametrize("name", ["", " ", "x" * 81, "S. W\u043erker"])
def test_a_name_that_others_could_not_be_shown_is_not_taken(town: Town, name: str) -> None:
    _, care = town.now(two_agencies(town.federation))
    said = people(town, care, "add", name, "--kind", "manager")
    assert (said.exit_code, "at most 80 characters" in said.output) == (1, True)


def test_what_no_statement_says_is_written_down_with_who_did_it(town: Town) -> None:
    health, _ = town.now(two_agencies(town.federation))
    assert town.types("Health visiting", "withdraw", "h1").exit_code == 0
    assert "Nothing" not in town.types("Health visiting", "team", "h1").stdout
    (person,) = json.loads(people(town, health, "list", "--json").stdout)
    acts: list[dict[str, Any]] = person["acts"]
    assert [(item["what"], item["subject"]) for item in acts] == [("withdrew", "h1")]
    assert "withdrew the permission for h1" in people(town, health, "list", "--acts").stdout
    assert "withdrew" not in people(town, health, "list").stdout


def test_a_register_needs_no_hub(town: Town) -> None:
    """`people add` before `join`: whoever signs the first agreement of a charter is known."""
    town.now(two_agencies(town.federation))
    folder = town.federation.folder / "new"
    folder.mkdir()
    (folder / "node.toml").write_text('name = "New"\n', encoding="utf-8")
    words = ("people", "add", "M. Anager", "--kind", "manager", "--dir", str(folder))
    done = town.types("Social care", *words)
    assert done.exit_code == 0, done.output
    assert asks(town, "ABCD").exit_code == 1
