"""Attention and invites that no honest node sends: the hub refuses each, and tells nobody."""

import json
from typing import Any

import pytest

from node.actions.attention import Wish, invite_agency
from node.requests.attention import Alert
from tests.sim.federation import SimFederation, SimNode
from tests.sim.test_audit_people import audited
from tests.sim.test_charter_change import amend, follow
from tests.sim.test_stolen_node import ordered

Agencies = tuple[SimNode, SimNode]
CLUB = Wish("Youth Club East", "01632 960300", "charity", 1)


async def refused(node: SimNode, **change: Any) -> str | None:
    """Send what waits with another body; the code that the hub refuses it with."""
    (waiting,) = await node.read(lambda t: t.outbox.pending(node.membership.hub.hub_id))
    said = json.dumps({**json.loads(waiting.text), **change})
    await node.write(lambda t: t.tx.update("outbox", {"body": said}, {"id": waiting.id}))
    await node.service.advance()
    found = {item["id"]: item["error"] for item in await node.outbox()}
    code: str | None = found[waiting.id]
    return code


async def test_attention_that_the_rules_do_not_allow(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    alert = Alert("h1", 1, "health_visitor", "missing")
    pins = {"publication": "00" * 32, "requester_membership": "00" * 32, "charter": "00" * 32}
    for change, code in (
        ({"stub_id": "00" * 16}, "not_found"),
        ({"kind": "nonsense"}, "not_allowed"),
        ({"practitioner": {"id": "0d" * 16, "role": "king"}}, "not_allowed"),
        ({"pins": pins}, "conflict"),
    ):
        await health.write(lambda t: health.service.dispatcher.attention.raise_(t, alert))
        assert await refused(health, **change) == code, change
    assert await federation.entries("attention") == []
    assert len(await federation.entries("rejection")) == 4
    assert await federation.hub_read(lambda t: t.attention.owed()) == []
    assert await audited(federation) == set()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"member_class": "circus"}, "not_allowed"),
        ({"name": "Social care"}, "conflict"),
        ({"name": "Lex Housing"}, None),
    ],
)
async def test_an_invite_of_nobody_or_of_a_member(
    federation: SimFederation,
    agencies: Agencies,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, str],
    code: str | None,
) -> None:
    """Who was a member and is none may be asked for."""
    health, _ = agencies
    housing = await federation.join("Lex Housing", "housing")
    await ordered(federation, housing, "revoked")
    with monkeypatch.context() as patched:
        patched.setattr("node.actions.attention._send", _nothing)
        await invite_agency(health.service, CLUB)
    assert await refused(health, **change) == code


async def test_no_invite_where_the_charter_has_none(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, _ = agencies
    with monkeypatch.context() as patched:
        patched.setattr("node.actions.attention._send", _nothing)
        await invite_agency(health.service, CLUB)
    await amend(federation, {"quotas": {"invites_per_day": None}})
    await follow(*agencies)
    assert await refused(health) == "not_allowed"


async def _nothing(_service: object) -> None:
    """Send nothing."""
