"""The operator's desk: invitations that are listed and taken back, members by their names."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from typer.testing import CliRunner

from hub.cli.main import app
from hub.members.invitations import reference_of
from hub.members.office import Candidate, candidates, party_of
from hub.store.tables import HubTables
from protocol.errors import ErrorCode, LocalError, RemoteError
from tests.sim.federation import SimFederation, SimNode

Agencies = tuple[SimNode, SimNode]


PLAN = {"charter_id": "0a" * 16, "hub_name": "H", "control_domain": "C", "origin": "h.example/l"}


async def hub(federation: SimFederation, *words: str) -> Any:
    """A command of the operator's, in the folder of the hub that serves."""
    place = federation.folder / "hub"
    (place / "plan.json").write_text(json.dumps(PLAN), encoding="utf-8")
    (place / "genesis").write_text(federation.genesis, encoding="utf-8")
    (place / "hub.toml").write_text('public_url = "https://hub.example"\n', encoding="utf-8")
    folder = ["--dir", str(place)]
    return await asyncio.to_thread(CliRunner().invoke, app, [*words, *folder])


async def test_an_invitation_is_listed_until_somebody_uses_it(
    federation: SimFederation, agencies: Agencies
) -> None:
    made = json.loads((await hub(federation, "invite", "--json")).stdout)
    assert made.keys() == {"invitation", "reference", "expires"}
    listed = json.loads((await hub(federation, "invite", "--list", "--json")).stdout)
    by_state = {item["state"]: item for item in listed}
    assert by_state["waiting"]["reference"] == made["reference"]
    used = {item["used_by"] for item in listed if item["state"] == "used"}
    assert used == {"Health visiting", "Social care"}
    shown = (await hub(federation, "invite", "--list")).stdout
    assert f"{made['reference']}  waiting, until " in shown
    assert "used by Social care" in shown
    assert made["invitation"] not in shown, "the code is shown once, to be handed over"


async def test_an_invitation_that_was_taken_back_lets_nobody_in(federation: SimFederation) -> None:
    invitation = await federation.invite(b"\x07" * 32)
    done = await hub(federation, "invite", "--cancel", reference_of(invitation))
    assert (done.exit_code, "taken back" in done.output) == (0, True)
    joining, engine = federation.joining("Housing", "housing")
    try:
        with pytest.raises(RemoteError) as caught:
            await joining.apply(engine, invitation)
        assert caught.value.code is ErrorCode.INVITATION
    finally:
        await engine.close()
    again = await hub(federation, "invite", "--cancel", reference_of(invitation))
    assert (again.exit_code, "invite --list" in again.output) == (1, True)


async def test_what_was_used_is_not_taken_back(
    federation: SimFederation, agencies: Agencies
) -> None:
    (first, *_) = json.loads((await hub(federation, "invite", "--list", "--json")).stdout)
    done = await hub(federation, "invite", "--cancel", first["reference"])
    assert (done.exit_code, "no unused invitation" in done.output) == (1, True)


async def test_a_member_is_stopped_by_its_name(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    done = await hub(federation, "members", "--suspend", "social  CARE", "--json")
    assert json.loads(done.stdout) == {"party_id": care.party_id, "ordered": "suspended"}
    await federation.hub.jobs.admit()
    states = await federation.hub_read(lambda t: t.directory.current().member(care.party_id))
    assert states is not None
    assert states.body.status == "suspended"
    unknown = await hub(federation, "members", "--suspend", "Socail care")
    assert (unknown.exit_code, "no member with that id or name" in unknown.output) == (1, True)


async def test_of_two_of_one_name_the_id_says_which(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that somebody gave up may be borne by somebody who only applies."""
    health, care = agencies

    def same(tables: HubTables) -> list[Candidate]:
        return [replace(item, name="Same name") for item in candidates(tables)]

    monkeypatch.setattr("hub.members.office.candidates", same)
    with pytest.raises(LocalError) as caught:
        await federation.hub_read(lambda tables: party_of(tables, "same name"))
    assert caught.value.code is ErrorCode.CONFLICT
    assert health.party_id in caught.value.detail
    assert await federation.hub_read(lambda tables: party_of(tables, care.party_id))


async def test_an_application_is_turned_down_by_its_name(federation: SimFederation) -> None:
    joining, engine = federation.joining("Housing", "housing")
    membership, _ = await joining.apply(engine, await federation.invite(b"\x07" * 32))
    await engine.close()
    done = await hub(federation, "members", "--refuse", "housing")
    assert (done.exit_code, "turned down" in done.output) == (0, True)
    found = await federation.hub_read(lambda t: t.members.applicant(membership.hub.party_id))
    assert found is not None
    assert found.state == "rejected"
    (act,) = await federation.hub_read(lambda t: t.office.acts(membership.hub.party_id, 9))
    assert (act.act, act.who.endswith(" (command)")) == ("refused", True)
    again = await hub(federation, "members", "--refuse", "housing")
    assert again.exit_code == 1


async def test_who_may_sign_in_to_the_pages_is_said_by_command(federation: SimFederation) -> None:
    made = json.loads((await hub(federation, "accounts", "invite", "Olive", "--json")).stdout)
    assert made["name"] == "olive"
    assert made["link"].startswith("http://127.0.0.1:PORT/welcome/")
    said = (await hub(federation, "accounts", "invite", "Olive")).output
    assert "set web_port in hub.toml" in said
    listed = json.loads((await hub(federation, "accounts", "list", "--json")).stdout)
    assert listed == [{"name": "olive", "state": "invited"}]
    assert "Signed out of 0" in (await hub(federation, "accounts", "sign-out", "OLIVE")).output
    assert (await hub(federation, "accounts", "close", "olive")).exit_code == 0
    assert "olive: may not sign in" in (await hub(federation, "accounts", "list")).output
    assert (await hub(federation, "accounts", "close", "nobody")).exit_code == 1
    assert (await hub(federation, "accounts", "invite", "o" * 200)).exit_code == 1
    await hub(federation, "accounts", "invite", "olive")
    assert "has a link" in (await hub(federation, "accounts", "list")).output
