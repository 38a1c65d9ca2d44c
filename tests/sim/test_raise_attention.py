"""Attention to the team around a client: who is told, who is not, and what the sender learns.

specs/06-requests.md §9.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest

from audit.findings import FindingCode as Code
from node.actions.attention import raise_attention, see_attention
from node.requests.attention import Alert
from node.store.attention import RaisedState
from node.views.inbox import inbox_value
from protocol.errors import ErrorCode, LocalError, RemoteError
from tests.sim.federation import AMIRA, DUTY, SAMIR, SimFederation, SimNode, row
from tests.sim.test_audit_people import audited, rules
from tests.sim.test_charter_change import amend, follow
from tests.sim.test_daily_statements import answers, days

Agencies = tuple[SimNode, SimNode]


async def raised(node: SimNode, client: str, kind: str = "moved_home", **more: bool) -> RaisedState:
    """Somebody there raises attention about a client."""
    return await raise_attention(node.service, Alert(client, 1, "health_visitor", kind), **more)


async def seen_by(node: SimNode) -> list[tuple[str, str, str]]:
    """About whom, by whom and why: what waits for somebody there."""
    value = await node.read(lambda tables: inbox_value(tables, node.membership))
    return [(item["client"], item["agency"], item["title"]) for item in value["attention"]]


async def team(federation: SimFederation, *, sensitive: bool) -> Mapping[str, SimNode]:
    """Health visiting, social care and a school with one child, who has a twin at health; a drug
    service that nobody sees, and housing, which is not shown health's second kind of work.
    """
    nodes = {
        "health": await federation.join("Health visiting", "health_provider"),
        "care": await federation.join("Social care", "childrens_social_care"),
        "school": await federation.join("Rowan School", "school"),
        "clinic": await federation.join("Lea Recovery", "health_provider"),
        "housing": await federation.join("Lex Housing", "housing"),
    }
    await nodes["health"].take_in(
        row("h1", AMIRA, "community_nursing", DUTY, "H. Visitor"),
        row("h2", SAMIR, "health_visiting", DUTY, "H. Visitor"),
    )
    await nodes["care"].take_in(row("c1", AMIRA, "child_in_need", DUTY))
    await nodes["school"].take_in(
        row("s1", AMIRA, "school_nursing", DUTY), row("s2", SAMIR, "school_nursing", DUTY)
    )
    client = AMIRA if sensitive else SAMIR
    await nodes["clinic"].take_in(row("x1", client, "drug_and_alcohol", DUTY, "D. Worker"))
    await nodes["housing"].take_in(row("l1", AMIRA, "early_help", DUTY))
    for node in nodes.values():
        await node.publish()
    await federation.round()
    return nodes


async def test_whoever_sees_the_work_is_told_and_nobody_else(federation: SimFederation) -> None:
    """Housing may not see community nursing; the school has the twin too and is told of her."""
    nodes = await team(federation, sensitive=True)
    assert await raised(nodes["health"], "h1") is RaisedState.SENT
    await federation.settle()
    told = {name: await seen_by(node) for name, node in nodes.items()}
    line = ("Health visiting", "Moved home")
    assert told == {
        "health": [],
        "care": [("c1", *line)],
        "school": [("s1", *line)],
        "clinic": [("x1", *line)],
        "housing": [],
    }
    await days(federation)
    assert set(await answers(federation)) == {"agree"}
    assert await audited(federation) == set()
