"""To whom a request goes: it is said, and nobody who comes in between gets it."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import Result

from protocol.errors import ErrorCode, LocalError
from tests.sim.federation import AMIRA, DUTY, SimFederation, SimNode, row, two_agencies
from tests.sim.test_people_cli import Town
from tests.sim.test_people_cli import town as town

GROUNDS = (
    "--role", "social_worker", "--purpose", "safeguarding_child", "--basis", "UK-CA89-S47",
    "--fact", "informed=informed", "--fact", "enquiry_reference=S47-1",
)  # fmt: skip


async def joins(federation: SimFederation, name: str) -> SimNode:
    """A charity that works with Amira too."""
    charity = await federation.join(name, "charity")
    await charity.take_in(row("v1", AMIRA, "early_help", DUTY, "C. Helper"))
    await charity.publish()
    await federation.round()
    for node in federation.nodes.values():
        await node.membership.sync()
    return charity


def shown(town: Town) -> list[dict[str, Any]]:
    others: list[dict[str, Any]] = json.loads(
        town.types("Social care", "team", "c1", "--json").stdout
    )["others"]
    return others


def asks(town: Town, reference: str, *more: str) -> Result:
    return town.types("Social care", "ask", "c1", reference, *GROUNDS, *more)


def received(town: Town, name: str) -> list[Any]:
    value: dict[str, list[Any]] = json.loads(town.types(name, "inbox", "--json").stdout)
    return value["received"]


def test_a_charity_that_joins_in_between_does_not_get_the_request(town: Town) -> None:
    town.now(two_agencies(town.federation))
    (health,) = shown(town)
    assert health["reference"] in town.types("Social care", "team", "c1").stdout
    charities: list[str] = []
    while shown(town)[0] == health:  # until what was number 1 is another
        charities.append(f"Charity {len(charities)}")
        town.now(joins(town.federation, charities[-1]))
    assert health in shown(town), "its reference is the same"
    said = asks(town, health["reference"])
    assert said.exit_code == 0, said.output
    before, _, after = said.stdout.partition("\n")
    assert before == "This goes to Health visiting (Health visiting)."
    assert "to Health visiting (Health visiting): with the other organisation" in after
    town.now(town.federation.settle())
    assert len(received(town, "Health visiting")) == 1
    assert [received(town, name) for name in charities] == [[]] * len(charities)
    assert "about c1, to Health visiting:" in town.types("Social care", "inbox").stdout


@pytest.mark.parametrize("typed", ["1", "0", "-1", "ZZZZ", ""])
def test_what_is_no_reference_of_this_team_is_refused_in_a_sentence(town: Town, typed: str) -> None:
    town.now(two_agencies(town.federation))
    said = town.types("Social care", "ask", *GROUNDS, "--", "c1", typed)
    assert said.exit_code == 1
    assert "nobody in this client's team has that reference" in said.output
    assert town.now(town.federation.entries("request")) == []


def test_what_was_there_and_has_gone_names_nobody_else(town: Town) -> None:
    """The link goes on without them: the other side no longer says what it does."""
    _, care = town.now(two_agencies(town.federation))
    (health,) = shown(town)
    town.now(joins(town.federation, "Charity A"))
    gone = "UPDATE link SET involvements = '[]' WHERE involvements LIKE ?"
    town.now(care.write(lambda t: t.tx.run(gone, f"%{health['involvement_id']}%")))
    said = asks(town, health["reference"])
    assert (said.exit_code, "see patchwork-node team" in said.output) == (1, True)
    assert town.now(town.federation.entries("request")) == []


def test_a_person_at_a_keyboard_is_asked_once_more(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.now(two_agencies(town.federation))
    (health,) = shown(town)
    keyboard = SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("node.cli.prompts.sys", keyboard)
    said = asks(town, health["reference"], "--needed-by", "tomorrow")
    assert (said.exit_code, "This goes to Health visiting" in said.output) == (1, True)
    assert "Send it?" in said.output
    assert town.now(town.federation.entries("request")) == [], "nobody said yes"
    assert asks(town, health["reference"], "--needed-by", "tomorrow", "--yes").exit_code == 0
    assert len(town.now(town.federation.entries("request"))) == 1


async def test_who_copies_the_id_of_anothers_work_does_not_get_the_request(
    federation: SimFederation,
) -> None:
    """The charity is linked with the health visitor's client, so it has been told that id."""
    health, care = await two_agencies(federation)
    (visitor,) = (await care.team("c1")).others
    charity = await joins(federation, "Charity A")
    theirs = next(item for item in (await care.team("c1")).others if item != visitor)
    copied = "UPDATE stub_involvement SET involvement_id = ? WHERE involvement_id = ?"
    ids = (visitor.involvement_id, theirs.involvement_id)
    await charity.write(lambda tables: tables.tx.run(copied, *ids))
    await charity.publish()
    await federation.round()
    both = (await care.team("c1")).others
    assert [item.involvement_id for item in both] == [visitor.involvement_id] * 2
    by_name = {node.membership.me().body.name: node for node in (charity, health)}
    assert {item.agency for item in both} == by_name.keys()
    for item in both:
        node = by_name[item.agency]
        await care.ask("c1", item.involvement_id, link_id=item.link_id, holder=node.party_id)
        await federation.settle()
        requests = await node.read(lambda t: t.tx.rows("SELECT * FROM received_request"))
        assert len(requests) == 1
    (at_charity,) = (item for item in both if item.agency == "Charity A")
    mixed = {"link_id": at_charity.link_id, "holder": health.party_id}
    with pytest.raises(LocalError) as caught:
        await care.ask("c1", visitor.involvement_id, **mixed)
    assert caught.value.code is ErrorCode.NOT_FOUND
