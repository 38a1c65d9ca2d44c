"""An organisation that members miss is asked for, and becomes an invitation (specs/06 §14).

And what people type and read of attention and invites.
"""

from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from typer.testing import CliRunner

from audit.findings import FindingCode as Code
from hub.cli.main import app as hub_commands
from hub.members.wishes import wishes
from node.actions.attention import Wish, invite_agency
from node.store.outbox import OutboxState
from node.web.api import LocalApi
from protocol.errors import ErrorCode, LocalError, RemoteError
from tests.sim.federation import SimFederation, SimNode, two_agencies
from tests.sim.test_api import BEARER, TOKEN
from tests.sim.test_audit_people import audited, rules
from tests.sim.test_charter_change import amend, follow
from tests.sim.test_daily_statements import answers, days
from tests.sim.test_people_cli import Town
from tests.sim.test_people_cli import town as town

Agencies = tuple[SimNode, SimNode]
CLUB = Wish("Youth Club East", "01632 960300", "charity", 1)


def operator(folder: Path, *words: str) -> str:
    """What the hub's operator reads."""
    result = CliRunner().invoke(hub_commands, [*words, "--dir", str(folder)])
    assert result.exit_code == 0, result.output
    return result.output


async def test_it_is_asked_for_called_invited_and_joins(
    federation: SimFederation, agencies: Agencies
) -> None:
    """Two members ask, in their own spelling; the operator reads of one organisation."""
    health, care = agencies
    assert await invite_agency(health.service, CLUB) is OutboxState.SENT
    again = Wish("youth club EAST", "01632 960301", "charity", 1)
    assert await invite_agency(care.service, again) is OutboxState.SENT
    assert await invite_agency(care.service, CLUB) is OutboxState.SENT
    (wish,) = await federation.hub_read(wishes)
    assert (wish.name, wish.member_class) == ("Youth Club East", "charity")
    assert wish.duty_lines == ("01632 960300", "01632 960301")
    assert wish.asked_by == ("Health visiting", "Social care")
    await federation.join("Youth Club East", "charity")
    assert await federation.hub_read(wishes) == []
    await health.membership.sync()
    with pytest.raises(LocalError, match="is a member already"):
        await invite_agency(health.service, CLUB)
    await days(federation)
    assert set(await answers(federation)) == {"agree"}
    assert await audited(federation) == set()


async def test_what_cannot_be_asked_for_is_said_before_anything_leaves(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    cases = (
        (Wish("", "01632 960300", "charity", 1), "at most 80 characters"),
        (Wish("Club", "reception", "charity", 1), "a telephone number alone"),
        (Wish("Club", "01632 960300", "circus", 1), "one of: childrens_social_care"),
        (Wish("Social care", "01632 960300", "charity", 1), "is a member already"),
        (Wish("Friends of Amira Hassan", "01632 960300", "charity", 1), "a client of yours"),
    )
    for wish, words in cases:
        with pytest.raises(LocalError, match=words):
            await invite_agency(health.service, wish)
    assert await federation.entries("invite") == []
    await amend(federation, {"quotas": {"invites_per_day": None}})
    await follow(*agencies)
    with pytest.raises(LocalError, match="call the council"):
        await invite_agency(health.service, CLUB)


async def test_over_the_days_number_it_is_refused_and_a_hub_that_takes_more_is_found(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, _ = agencies
    await amend(federation, {"quotas": {"invites_per_day": 1}})
    await follow(*agencies)
    await invite_agency(health.service, CLUB)
    with pytest.raises(RemoteError) as caught:
        await invite_agency(health.service, CLUB)
    assert caught.value.code is ErrorCode.OVER_QUOTA
    assert await audited(federation) == set()
    monkeypatch.setattr("hub.exchange.intake.check_quota", lambda *_: None)
    await invite_agency(health.service, CLUB)
    assert await audited(federation) == rules(Code.INVITE_UNFOUNDED)


def test_what_is_typed_and_read(town: Town) -> None:
    """From the health visitor's keyboard to social care's inbox and the operator's screen."""
    town.now(two_agencies(town.federation))
    folder = town.federation.folder / "hub"
    assert "Nobody is asked for" in operator(folder, "asked-for")
    role = ("--role", "health_visitor")
    said = town.types("Health visiting", "raise-attention", "h1", "missing", *role)
    assert said.exit_code == 0
    assert "to the team around h1 (Social care)" in said.output
    assert "Sent to the team around the client." in said.output
    alone = town.types("Health visiting", "raise-attention", "h2", "missing", *role)
    assert (alone.exit_code, "nobody is shown in this client's team" in alone.output) == (1, True)
    meant = town.types("Health visiting", "raise-attention", "h2", "missing", *role, "--yes")
    assert (meant.exit_code, "(nobody is shown in it now)" in meant.output) == (0, True)
    town.now(town.federation.settle())
    inbox = town.types("Social care", "inbox").output
    assert "ATTENTION 1  about c1: Missing from home or school." in inbox
    assert "Raised by a health visitor of Health visiting (Health visiting) on" in inbox
    assert "You raised attention about h1: Missing from home or school; sent to the team" in (
        town.types("Health visiting", "inbox").output
    )
    seen = town.types("Social care", "seen-attention", "1")
    assert "Seen to, about c1." in seen.output
    assert "ATTENTION" not in town.types("Social care", "inbox").output
    club = ("--name", "Youth Club East", "--phone", "01632 960300", "--class", "charity")
    asked = town.types("Health visiting", "invite-agency", *club)
    assert (asked.exit_code, "The council sees it now" in asked.output) == (0, True)
    assert "asked to be invited by 1 member," in operator(folder, "asked-for")
    assert '"name": "Youth Club East"' in operator(folder, "asked-for", "--json")
    assert "Members ask you to invite 1 more: patchwork-hub asked-for" in operator(
        folder, "members"
    )


async def test_over_the_local_interface(federation: SimFederation, agencies: Agencies) -> None:
    health, care = agencies
    found: list[dict[str, Any]] = []
    who = {"practitioner": "H. Visitor"}
    alert = {"role": "health_visitor", "though_nobody_shown": False, **who}
    club = {"name": "Youth Club East", "duty_line": "01632 960300", "member_class": "charity"}
    async with TestClient(
        TestServer(LocalApi([health.service], TOKEN, "127.0.0.1").application())
    ) as api:
        for path, body in (
            ("/v1/attention", {"client": "h1", **who}),
            ("/v1/attention/raise", {"client": "h1", "kind": "missing", **alert}),
            ("/v1/attention/raise", {"client": "h2", "kind": "missing", **alert}),
            ("/v1/invites", {**club, **who}),
        ):
            answer = await api.post(path, json=body, headers=BEARER)
            found.append({"status": answer.status, **await answer.json()})
    can, raised, refused, asked = found
    assert (can["shown"], can["kinds"]["missing"]) == (
        ["Social care"], "Missing from home or school"
    )  # fmt: skip
    assert (raised["state"], asked["state"]) == ("sent", "sent")
    assert (refused["status"], refused["code"]) == (409, "not_ready")
    await federation.settle()
    async with TestClient(
        TestServer(LocalApi([care.service], TOKEN, "127.0.0.1").application())
    ) as api:
        inbox = await (await api.post("/v1/inbox", json={}, headers=BEARER)).json()
        number = inbox["attention"][0]["attention"]
        body = {"attention": number, "practitioner": "S. Worker"}
        seen = await api.post("/v1/attention/seen", json=body, headers=BEARER)
        assert (await seen.json()) == {"client": "c1"}


def test_where_nobody_may_ask_it_is_said_before_anything_is_typed(town: Town) -> None:
    town.now(two_agencies(town.federation))
    town.now(amend(town.federation, {"quotas": {"invites_per_day": None}}))
    town.now(follow(town.federation.nodes["Health visiting"]))
    said = town.types("Health visiting", "invite-agency")
    assert (said.exit_code, "call the council" in said.output) == (1, True), said.output
    assert "The organisation's name" not in said.output
