"""A clock is an hour off: both times are said, and what was refused for it never happened."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from hub.server.routes import HubApp
from node.actions import people
from node.actions.asking import Ask, Grounds, addressee_of, ask_now
from node.actions.records import publish_now, withdraw_now
from node.actions.requests import answer_now
from node.identity_checks.comparing import Comparison
from node.identity_checks.initiating import IdentityCheckRequest
from node.links.review import Opinion
from node.links.team import Unpublished
from node.membership.hub import check_clock
from node.membership.rotation import Rotating
from node.requests.answering import Answer
from node.requests.without_quorum import Urgent
from node.views.inbox import alarms_value
from node.views.team import team_value
from protocol.errors import ERROR_TEXTS, ErrorCode, RemoteError
from tests.sim.federation import AMEERA, DUTY, SimFederation, SimNode, row
from tests.sim.test_identity_check import check
from tests.sim.test_recall import released
from tests.sim.test_review import queue
from tests.sim.test_unwitnessed_card import allowed, ask
from transport.client import HttpClient

Agencies = tuple[SimNode, SimNode]
HOUR = 3600
# The federation's clock stands at 21 September 2026, 14:13:20 UTC.
BOTH = "your clock says 13:13, the council's says 14:13 on 21 September 2026 (all in UTC)"
GROUNDS = Grounds(
    "safeguarding_child", "UK-CA89-S47", {"enquiry_reference": "S47-1", "informed": "informed"}
)
# What is not a person's: where the log stands, and names that stay the same for ever.
ASIDE = {"log_view", "public_leaf", "charter_document", "hub_practitioner", "watched", "hub"}


def off(federation: SimFederation, node: SimNode, seconds: int) -> None:
    """Set a node's clock wrong by so much, or right again."""
    env = node.membership.env
    node.membership.env = replace(env, clock=lambda: federation.clock() + seconds)


async def everything(node: SimNode) -> Mapping[str, Any]:
    """All rows of a node's database, but for where its view of the log stands."""

    def read(tables: Any) -> Mapping[str, Any]:
        names = [
            item["name"]
            for item in tables.tx.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return {
            name: [tuple(item) for item in tables.tx.rows(f"SELECT * FROM {name}")]  # noqa: S608
            for name in names
            if name not in ASIDE
        }

    return await node.read(read)


@asynccontextmanager
async def refused(federation: SimFederation, node: SimNode) -> AsyncIterator[None]:
    """What is done here is refused for the clock, in words, and changes nothing; then it is
    right again.
    """
    before, entries = await everything(node), await logged(federation)
    off(federation, node, -HOUR)
    with pytest.raises(RemoteError) as caught:
        yield
    assert caught.value.code is ErrorCode.EXPIRED
    assert BOTH in caught.value.detail
    assert await everything(node) == before
    assert await logged(federation) == entries
    off(federation, node, 0)
    await federation.settle()
    assert await logged(federation) == entries, "nothing of it is sent later"


async def logged(federation: SimFederation) -> int:
    """How many statements of agencies are in the log."""
    sql = "SELECT COUNT(*) AS n FROM entry WHERE kind NOT IN ('rejection', 'erasure')"
    row_ = await federation.hub_read(lambda tables: tables.tx.one(sql))
    assert row_ is not None
    return int(row_["n"])


async def test_asking(federation: SimFederation, agencies: Agencies) -> None:
    health, care = agencies
    shown = team_value(await care.team("c1"))["others"][0]["reference"]
    addressee = await addressee_of(care.service, "c1", shown)
    wanted = Ask("c1", addressee, 1, "social_worker", GROUNDS)
    async with refused(federation, care):
        await ask_now(care.service, wanted)
    request_id = await ask_now(care.service, wanted)
    await federation.settle()
    assert (await health.received(request_id))["state"] == "asks_person"
    assert len(await federation.entries("request")) == 1


async def test_answering(federation: SimFederation, agencies: Agencies) -> None:
    health, care = agencies
    request_id = await ask(federation, agencies)
    async with refused(federation, health):
        await answer_now(health.service, Answer(request_id, 1, None))
    await answer_now(health.service, Answer(request_id, 1, None))
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "opened"


async def test_saying_who_somebody_is(federation: SimFederation, unsure: Agencies) -> None:
    _, care = unsure
    (waiting,) = await queue(care)
    async with refused(federation, care):
        await people.say_now(care.service, Opinion(waiting.link_id, "same", 1))
    await people.say_now(care.service, Opinion(waiting.link_id, "same", 1))
    assert len(await federation.entries("verdict")) == 1


async def test_an_identity_check_and_its_answer(
    federation: SimFederation, unsure: Agencies
) -> None:
    health, care = unsure
    (waiting,) = await queue(care)
    why = (GROUNDS.purpose, GROUNDS.basis, GROUNDS.facts)
    wanted = IdentityCheckRequest(waiting.link_id, 1, "social_worker", *why)
    async with refused(federation, care):
        await people.check_now(care.service, wanted)
    check_id = await check(care)
    await federation.settle()
    async with refused(federation, health):
        await people.answer_now(health.service, Comparison(check_id, 1, "same", None))
    await people.answer_now(health.service, Comparison(check_id, 1, "same", None))
    assert len(await federation.entries("identity_answer")) == 1


async def test_letting_a_card_go(federation: SimFederation, agencies: Agencies) -> None:
    health, _ = agencies
    request_id = await allowed(federation, agencies)
    async with refused(federation, health):
        await people.let_go_now(health.service, Urgent(request_id, 1))
    await people.let_go_now(health.service, Urgent(request_id, 1))
    assert len(await federation.entries("provisional")) == 1


async def test_publishing(federation: SimFederation, agencies: Agencies) -> None:
    _, care = agencies
    moved = replace(AMEERA, address="1 Elm Way", postcode="LX1 1AA")
    await care.take_in(row("c1", moved, "child_in_need", DUTY, "S. Worker"))
    off(federation, care, -HOUR)
    with pytest.raises(RemoteError, match="clock says 13:13, the key holder's says 14:13"):
        await publish_now(care.service, lambda step: None)
    off(federation, care, 0)
    assert (await publish_now(care.service, lambda step: None))[0][1].changed == 1
    assert len(await federation.entries("publication")) == 3


async def test_a_withdrawal_is_in_force_here_at_once_and_told_when_the_clock_is_right(
    federation: SimFederation, agencies: Agencies
) -> None:
    """That nobody is told any more does not wait for a clock."""
    health, care = agencies

    async def shown() -> tuple[bool, bool, Unpublished | None]:
        team = await health.team("h1")
        return team.published, team.compared, team.unpublished

    assert await shown() == (True, True, None)
    request_id = await ask(federation, agencies)
    off(federation, health, -HOUR)
    with pytest.raises(RemoteError) as caught:
        await withdraw_now(health.service, "h1", 1)
    assert "withdrawn here, but the hub was not told; run this command again" in str(caught.value)
    assert BOTH in caught.value.detail
    off(federation, health, 0)
    await answer_now(health.service, Answer(request_id, 1, None))
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "refused"
    await withdraw_now(health.service, "h1", 1)
    await federation.round()
    assert (await care.team("c1")).others == ()
    assert await shown() == (False, False, Unpublished.NO_PERMISSION)
    assert len(await federation.entries("publication")) == 3


async def test_a_wrong_person_is_recalled_here_at_once_and_told_when_the_clock_is_right(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    request_id = await released(federation, agencies)
    off(federation, care, -HOUR)
    with pytest.raises(RemoteError) as caught:
        await people.recall_now(care.service, request_id, 1)
    assert "deleted here, and patchwork-node serve tells the others later" in str(caught.value)
    assert BOTH in caught.value.detail
    assert (await care.sent(request_id))["card"] is None
    assert await federation.entries("wrong_person") == []
    off(federation, care, 0)
    await federation.settle()
    assert len(await federation.entries("wrong_person")) == 1
    assert len(await federation.entries("recall_done")) == 1


async def test_what_a_node_says_by_itself_waits_for_the_right_time(
    federation: SimFederation, agencies: Agencies
) -> None:
    """A receipt and a release were refused for good before: now the hour is only lost."""
    health, care = agencies
    request_id = await ask(federation, agencies)
    await health.answer(request_id)
    off(federation, health, -HOUR)
    await federation.checkpoint()
    with pytest.raises(RemoteError, match="13:13"):
        await health.service.advance()
    assert await health.read(lambda tables: tables.count("refused")) == 0, "not over quota"
    off(federation, health, 0)
    await health.service.advance()
    assert len(await federation.entries("release")) == 1
    await federation.checkpoint()
    await care.membership.sync()
    await care.service.receive(wait=0)
    off(federation, care, -HOUR)
    with pytest.raises(RemoteError, match="13:13"):
        await care.service.advance()
    off(federation, care, 0)
    await federation.settle()
    assert (await health.received(request_id))["state"] == "opened"
    assert len(await federation.entries("receipt")) == 1


async def test_new_keys(federation: SimFederation, agencies: Agencies) -> None:
    _, care = agencies
    off(federation, care, -HOUR)
    safe = care.folder / f"recovery-{care.membership.hub.hub_id}.json"
    rotating = Rotating(care.folder, care.membership, safe)
    with pytest.raises(RemoteError, match="13:13"):
        await rotating.apply()
    off(federation, care, 0)
    assert len(await rotating.apply()) > 20, "words"


async def test_joining_and_signing_the_agreement(federation: SimFederation) -> None:
    invitation = await federation.invite(b"i" * 32)
    joining, engine = federation.joining("Charity", "charity")
    right = joining._env
    joining._env = replace(right, clock=lambda: federation.clock() - HOUR)
    with pytest.raises(RemoteError) as caught:
        await joining.apply(engine, invitation)
    assert BOTH in caught.value.detail
    assert await engine.read(lambda tables: tables.hubs.all()) == []
    joining._env = right
    member, words = await joining.apply(engine, invitation)
    await federation._approve(member.hub.party_id, words)
    await member.follow()
    member.env = replace(right, clock=lambda: federation.clock() - HOUR)
    with pytest.raises(RemoteError) as caught:
        await joining.accept_charter(member)
    assert BOTH in caught.value.detail
    assert await federation.entries("charter_accept") == []
    member.env = right
    await joining.accept_charter(member)
    assert len(await federation.entries("charter_accept")) == 1
    await engine.close()


async def test_an_application_that_lay_here_too_long_is_signed_anew(
    federation: SimFederation,
) -> None:
    """The hub was away when it was to be sent, and everything was found signed a day later."""
    invitation = await federation.invite(b"i" * 32)
    joining, engine = federation.joining("Charity", "charity")
    posted, tried = federation.network._hub_post, []

    async def away(url: str, body: bytes) -> bytes:
        tried.append(url)
        raise RemoteError(ErrorCode.UNREACHABLE, "away")

    federation.network._hub_post = away  # type: ignore[method-assign]
    with pytest.raises(RemoteError, match="away"):
        await joining.apply(engine, invitation)
    federation.network._hub_post = posted  # type: ignore[method-assign]
    assert len(tried) == 1, "that is no reason for another application"
    federation.clock.now += 1200
    member, words = await joining.apply(engine, invitation)
    await federation._approve(member.hub.party_id, words)
    await engine.close()


async def test_who_polls_with_a_wrong_clock_is_told_both_times(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    off(federation, care, 86_400)
    with pytest.raises(RemoteError) as caught:
        await care.service.receive(wait=0)
    assert caught.value.detail == (
        "your clock says 14:13 on 22 September 2026, "
        "the council's says 14:13 on 21 September 2026 (all in UTC)"
    )
    assert ERROR_TEXTS[caught.value.code].what_to_do.startswith("Set this computer's clock")


async def test_a_time_beyond_every_calendar_is_refused_and_breaks_nothing(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    off(federation, care, 2**40 - federation.clock())
    with pytest.raises(RemoteError, match="your clock says 23:59 on 31 December 9999"):
        await care.service.receive(wait=0)


async def test_the_alarm_that_witnesses_are_ahead_says_both_times(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    off(federation, care, -HOUR)
    await care.service.monitor.look()
    (alarm,) = await care.read(lambda tables: alarms_value(tables, care.membership))
    assert alarm["says"] == (
        "The witnesses' clocks are ahead of yours. Your clock says 13:13, "
        "the witnesses' says 14:13 on 21 September 2026 (all in UTC)."
    )


async def test_the_hub_tells_its_time_to_everybody(
    federation: SimFederation, tmp_path: Path
) -> None:
    app = HubApp(federation.services).application()
    async with TestServer(app) as server, HttpClient(allow_private=True) as http:
        url = str(server.make_url("")).rstrip("/")
        assert json.loads(await http.get(f"{url}/v1/status"))["now"] == federation.clock()
        await check_clock(http, url, federation.clock() + 299)
        with pytest.raises(RemoteError, match="your clock says 14:18, the council's says 14:13"):
            await check_clock(http, url, federation.clock() + 301)
        await check_clock(http, f"{url}/nowhere", 0)


async def test_a_clock_that_goes_wrong_little_by_little_while_people_are_busy(
    federation: SimFederation, agencies: Agencies
) -> None:
    """Within a minute of the act before nobody asks for the hub's time, but not for ever."""
    _, care = agencies

    async def busy() -> None:
        for step in range(10):
            off(federation, care, -50 * step)
            await care.membership.begin()

    with pytest.raises(RemoteError) as caught:
        await busy()
    assert caught.value.code is ErrorCode.EXPIRED
