"""A card arrives whatever the worker's record holds: what cannot be sent costs its field."""

import json

import pytest

from protocol.errors import ErrorCode, LocalError
from tests.sim.federation import SimFederation, SimNode

Agencies = tuple[SimNode, SimNode]
WORKER = {"name": "H. Visitor", "role": "Practitioner", "phone": "07700 900123",
          "email": "w@agency.example", "team": "East"}  # fmt: skip


async def holds(agency: SimNode, field: str, value: str) -> None:
    """The agency's worker as an earlier import left it."""
    sql = {
        "name": "UPDATE practitioner SET name = ?",
        "role": "UPDATE practitioner SET role = ?",
        "phone": "UPDATE practitioner SET phone = ?",
        "email": "UPDATE practitioner SET email = ?",
        "team": "UPDATE practitioner SET team = ?",
    }[field]
    await agency.write(lambda tables: tables.tx.run(sql, value))


@pytest.mark.parametrize(
    ("field", "held", "shown"),
    [
        ("phone", "(01632) 960-100 ext 12", "(01632) 960-100 ext 12"),
        ("phone", "(01632) 960-100 x12", "(01632) 960-100 ext 12"),
        ("phone", "ask reception", None),
        ("email", "j\u00f6rg@agency.example", "j\u00f6rg@agency.example"),
        ("email", "w@agency.example; x@agency.example", None),
        ("name", "Zoe\u0308 Smith", "Zo\u00eb Smith"),
        ("name", "\u0410nna Smith", None),
        ("role", "x" * 90, None),
        ("team", "East \u2028 West", "East West"),
        ("team", "", None),
    ],
)
async def test_the_card_opens_without_what_cannot_be_sent(
    federation: SimFederation, agencies: Agencies, field: str, held: str, shown: str | None
) -> None:
    health, care = agencies
    await holds(health, field, held)
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    await health.answer(request_id)
    await federation.settle()
    sent = await care.sent(request_id)
    assert sent["state"] == "opened"
    card = json.loads(sent["card"])
    key = {"name": "practitioner"}.get(field, field)
    assert card[key] == shown
    others = {("practitioner" if name == "name" else name): said for name, said in WORKER.items()}
    assert {name: card[name] for name in others if name != key} == {
        name: said for name, said in others.items() if name != key
    }


async def test_who_asks_under_a_name_that_cannot_be_sent_is_told_so(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await holds(care, "name", "\u0410nna Smith")
    involvement = (await care.team("c1")).others[0].involvement_id
    with pytest.raises(LocalError) as refused:
        await care.ask("c1", involvement)
    assert refused.value.code is ErrorCode.NOT_READY
    await holds(care, "name", "Anna Smith")
    request_id = await care.ask("c1", involvement)
    await federation.settle()
    assert (await health.received(request_id))["state"] == "asks_person"
