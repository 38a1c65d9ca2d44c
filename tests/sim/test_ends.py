"""What ended is gone from the other side's screen at its next poll; the log tells nothing of it.

No test here runs a round between an end and the poll that shows it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import pytest

from hub.matching import ends, uploading
from hub.store import ends as ends_store
from node.records.clients import withdraw
from node.records.importer.rows import Permission
from node.store.records import InvolvementRow
from protocol.errors import ErrorCode, LocalError
from protocol.log.leaf import LeafKind, parse_leaf
from protocol.messages.bodies import LinkNotice, MatchRoundBody, NoticeBody, RoundsBody
from protocol.messages.statement import parse_statement
from tests.sim.crowd import crowd
from tests.sim.federation import AMIRA, DUTY, SAMIR, SimFederation, SimNode, row
from tests.sim.test_audit_people import audited
from tests.sim.test_charter_change import amend
from tests.sim.test_recall import released, wrong
from tests.sim.test_restart import restart_hub
from tests.sim.test_review import logged_states, queue, say
from tests.sim.test_stolen_node import ordered
from tests.sim.test_support import AT_CARE, enrol, origins
from tests.sim.test_support import three as three

Agencies = tuple[SimNode, SimNode]
Cause = Callable[[SimFederation, Agencies], Awaitable[None]]

FIVE_DAYS = 5 * 86_400
SHORT = Permission("UK-CA04-S10-S11", date(2026, 9, 24), None)


async def withdrawn(federation: SimFederation, agencies: Agencies) -> None:
    health, _ = agencies
    now = federation.clock()
    await health.write(lambda tables: withdraw(tables, "h1", now))
    await health.publish()


async def closed(federation: SimFederation, agencies: Agencies) -> None:
    """The row comes without a permission."""
    del federation
    health, _ = agencies
    await health.take_in(row("h1", AMIRA, "health_visiting", None, "H. Visitor"))
    await health.publish()


async def expired(federation: SimFederation, agencies: Agencies) -> None:
    health, _ = agencies
    await health.take_in(row("h1", AMIRA, "health_visiting", SHORT, "H. Visitor"))
    await health.publish()
    await federation.round()
    federation.clock.now += FIVE_DAYS
    await federation.hub.jobs.expire()


async def suspended(federation: SimFederation, agencies: Agencies) -> None:
    health, _ = agencies
    await ordered(federation, health, "suspended")


async def wrong_person(federation: SimFederation, agencies: Agencies) -> None:
    health, _ = agencies
    await wrong(health, await released(federation, agencies))


async def both_deny(federation: SimFederation, agencies: Agencies) -> None:
    """Health visiting says that it is somebody else, social care is asked, and says so too."""
    health, care = agencies
    (link,) = await care.read(lambda tables: tables.tx.rows("SELECT * FROM link"))
    await say(health, "not_same", link["link_id"])
    await federation.round()
    assert await logged_states(federation) == ["match"]
    await say(care, "not_same", link["link_id"])


CAUSES = [withdrawn, closed, expired, suspended, wrong_person, both_deny]


async def polled(federation: SimFederation, node: SimNode) -> None:
    """The hub tells what ended and publishes its log, as it does each second, and one node asks for
    its mail once.
    """
    await federation.hub.jobs.ends()
    await federation.checkpoint()
    await node.service.receive(wait=0)


async def rounds(federation: SimFederation) -> list[MatchRoundBody]:
    """The leaves of rounds and ends passes."""
    entries = await federation.entries("match_round")
    return [parse_statement(item["envelope"]).expect(MatchRoundBody).body for item in entries]


async def mail(federation: SimFederation, kind: type[Any]) -> list[Any]:
    """All that lies in mailboxes of one kind, oldest first."""
    rows = await federation.hub_read(
        lambda tables: tables.tx.rows("SELECT envelope FROM mailbox ORDER BY seq")
    )
    found = [parse_statement(item["envelope"]).body for item in rows]
    return [body for body in found if isinstance(body, kind)]


async def shown(node: SimNode, local_id: str) -> list[str]:
    """The work of others that a node shows with a client."""
    return [item.label for item in (await node.team(local_id)).others]


@pytest.mark.parametrize("cause", CAUSES)
async def test_what_ended_is_gone_at_the_next_poll_and_no_notice_says_why(
    federation: SimFederation, agencies: Agencies, cause: Cause
) -> None:
    health, care = agencies
    await federation.settle()
    (link,) = await care.read(lambda tables: tables.tx.rows("SELECT * FROM link"))
    assert await shown(care, "c1") == ["Health visiting"]
    await cause(federation, agencies)
    await federation.hub.jobs.ends()
    told = [item for body in await mail(federation, NoticeBody) for item in body.links]
    nothing = {"link_id": link["link_id"], "state": "ended", "agency_id": None, "involvements": [],
               "evidence": None}  # fmt: skip
    assert [item for item in told if item.stub_id == link["stub_id"]] == [
        LinkNotice(stub_id=link["stub_id"], **nothing)
    ], "the same to the byte, whatever the cause"
    # Who said "not the same" first was told by a round then.
    others = 0 if cause is both_deny else 1
    assert len([item for item in told if item.state == "ended"]) == 1 + others, "both sides"
    await polled(federation, care)
    assert await shown(care, "c1") == []
    if cause is not suspended:  # who is suspended polls no more
        await polled(federation, health)
        assert await shown(health, "h1") == []


@pytest.mark.parametrize("cause", CAUSES)
async def test_the_round_after_tells_nothing_more_and_an_auditor_finds_nothing_wrong(
    federation: SimFederation, agencies: Agencies, cause: Cause
) -> None:
    _, care = agencies
    await cause(federation, agencies)
    await polled(federation, care)
    last = (await rounds(federation))[-1]
    assert last.count == (0 if cause is wrong_person else 1), "a wrong_person is in the log itself"
    notices = await mail(federation, NoticeBody)
    await federation.hub.jobs.round()
    assert await mail(federation, NoticeBody) == notices
    after = (await rounds(federation))[-1]
    assert (after.round, after.count) == (last.round + 1, 0)
    await polled(federation, care)
    assert await shown(care, "c1") == []
    assert await audited(federation) == set()


async def test_a_poll_that_waits_is_woken(federation: SimFederation, agencies: Agencies) -> None:
    _, care = agencies
    await federation.settle()
    async with federation.polling(care.service.receive(wait=30)) as poll:
        await withdrawn(federation, agencies)
        await federation.hub.jobs.ends()
        async with asyncio.timeout(10):
            await poll
    assert await shown(care, "c1") == []


async def two_works(federation: SimFederation, health: SimNode) -> None:
    """Health visiting does two things for Amira."""
    more = InvolvementRow(
        client=1, type="school_nursing", permission_basis=DUTY.basis, valid_until=2_000_000_000
    )
    await health.write(lambda tables: tables.records.add_involvements([more]))
    await health.publish()
    await federation.round()


async def test_of_two_works_the_one_that_ended_is_gone_and_the_other_stays(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await two_works(federation, health)
    assert sorted(await shown(care, "c1")) == ["Health visiting", "School nursing"]
    sql = "UPDATE involvement SET withdrawn_at = 1 WHERE type = 'health_visiting' AND client = 1"
    await health.write(lambda tables: tables.tx.run(sql))
    await health.publish()
    await polled(federation, care)
    assert await shown(care, "c1") == ["School nursing"]
    assert await shown(health, "h1") == ["Child in need"]
    assert (await rounds(federation))[-1].count == 0, "the link has not ended"
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    assert (await care.sent(request_id))["code"] is None
    await federation.round()
    assert await shown(care, "c1") == ["School nursing"]
    assert await audited(federation) == set()


async def test_a_work_that_begins_waits_for_a_round(
    federation: SimFederation, agencies: Agencies
) -> None:
    """Neither another work with a client who is found, nor a client who would be found now."""
    health, care = agencies
    more = InvolvementRow(
        client=1, type="school_nursing", permission_basis=DUTY.basis, valid_until=2_000_000_000
    )
    await health.write(lambda tables: tables.records.add_involvements([more]))
    await health.publish()
    await care.take_in(row("c2", SAMIR, "child_in_need", DUTY, "S. Worker"))
    await care.publish()
    before = await federation.hub_read(lambda tables: tables.links.open_links())
    await federation.settle()
    assert await shown(care, "c1") == ["Health visiting"]
    assert await shown(care, "c2") == []
    assert not (await care.team("c2")).compared, "an ends pass is no round"
    assert await federation.hub_read(lambda tables: tables.links.open_links()) == before
    await federation.round()
    assert sorted(await shown(care, "c1")) == ["Health visiting", "School nursing"]
    assert await shown(care, "c2") == ["Health visiting"]


async def test_an_ends_pass_is_not_told_as_a_round(
    federation: SimFederation, agencies: Agencies
) -> None:
    await federation.settle()
    await withdrawn(federation, agencies)
    before = await mail(federation, RoundsBody)
    await federation.hub.jobs.ends()
    await federation.hub.jobs.expire()
    await federation.hub.jobs.ends()
    assert await mail(federation, RoundsBody) == before


async def test_a_question_about_what_ended_is_taken_back(
    federation: SimFederation, unsure: Agencies
) -> None:
    _, care = unsure
    assert len(await queue(care)) == 1
    assert (await care.team("c1")).possible == 1
    await withdrawn(federation, unsure)
    await polled(federation, care)
    assert await queue(care) == []
    assert (await care.team("c1")).possible == 0


async def leaves(federation: SimFederation, since: int) -> list[tuple[str, int]]:
    """Kind and size of what the log shows to anybody."""
    raw = await federation.hub_read(lambda tables: tables.log.leaves(since, 10_000))
    assert all(parse_leaf(leaf).kind is LeafKind.SEALED for leaf in raw)
    kinds = await federation.hub_read(
        lambda tables: tables.tx.rows("SELECT kind FROM entry WHERE idx >= ? ORDER BY idx", since)
    )
    return [(item["kind"], len(leaf)) for item, leaf in zip(kinds, raw, strict=True)]


async def test_the_log_does_not_tell_whether_anything_ended(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    seen = []
    for change in ("nothing ends", "one ends"):
        since = await federation.hub_read(lambda tables: tables.log.next_index())
        if change == "nothing ends":
            await care.take_in(row("c2", SAMIR, "child_in_need", DUTY, "S. Worker"))
            await care.publish()
        else:
            await withdrawn(federation, (health, care))
        await federation.hub.jobs.ends()
        seen.append(await leaves(federation, since))
    assert seen[0] == seen[1]
    assert [kind for kind, _ in seen[0]] == ["publication", "match_round"]
    assert [body.count for body in await rounds(federation)][-2:] == [0, 1]


def leaf_for(stubs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (ends, ends_store):
        monkeypatch.setattr(module, "STUBS_A_LEAF", stubs)


async def test_nor_whether_two_people_agreed(federation: SimFederation, unsure: Agencies) -> None:
    """Whatever they say, each time: one leaf."""
    health, care = unsure
    (link,) = await care.read(lambda tables: tables.tx.rows("SELECT * FROM link"))
    await say(health, "same", link["link_id"])
    seen, counts = [], []
    for node in (care, health):  # now one denies it, and then both do
        await federation.round()
        since = await federation.hub_read(lambda tables: tables.log.next_index())
        await say(node, "not_same", link["link_id"])
        await federation.hub.jobs.ends()
        seen.append(await leaves(federation, since))
        counts.append((await rounds(federation))[-1].count)
    assert seen[0] == seen[1]
    assert [kind for kind, _ in seen[0]] == ["verdict", "match_round"]
    assert counts == [0, 1]


async def test_a_narrower_charter_takes_what_it_shows_no_more_from_screens_at_once(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    kinds = (await federation.charter()).model_dump(mode="json")["involvement_types"]
    (kind,) = [item for item in kinds if item["code"] == "health_visiting"]
    seers = [item for item in kind["visible_to"] if item != "childrens_social_care"]
    await federation.settle()
    await amend(
        federation, {"involvement_types": [{"code": "health_visiting", "visible_to": seers}]}
    )
    await polled(federation, care)
    assert await shown(care, "c1") == []
    await polled(federation, health)
    assert await shown(health, "h1") == ["Child in need"], "the other side's is as visible as ever"
    await federation.round()
    assert await shown(care, "c1") == []
    assert await audited(federation) == set()


async def test_a_large_publication_has_as_many_leaves_whatever_ended(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaf_for(2, monkeypatch)
    health, _ = agencies
    seen, end = [], "UPDATE involvement SET withdrawn_at = 1 WHERE client > 2"
    for change in ("five are new", "five end"):
        since = await federation.hub_read(lambda tables: tables.log.next_index())
        if change == "five are new":
            await health.take_in(*crowd(5))
        else:
            await health.write(lambda tables: tables.tx.run(end))
        await health.publish()
        await federation.hub.jobs.ends()
        seen.append(await leaves(federation, since))
    assert seen[0] == seen[1]
    assert [kind for kind, _ in seen[0]] == ["publication", *["match_round"] * 3]


async def test_a_look_for_what_ran_out_leaves_one_leaf_whatever_it_finds(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaf_for(1, monkeypatch)
    health, care = agencies
    await care.take_in(row("c2", SAMIR, "child_in_need", DUTY, "S. Worker"))
    await care.publish()
    await health.take_in(
        row("h1", AMIRA, "health_visiting", SHORT, "H. Visitor"),
        row("h2", SAMIR, "health_visiting", SHORT, "H. Visitor"),
    )
    await health.publish()
    await federation.round()
    federation.clock.now += FIVE_DAYS
    found = []
    for _ in range(3):
        before = len(await rounds(federation))
        await federation.hub.jobs.expire()
        await federation.settle()
        found.append([body.count for body in (await rounds(federation))[before:]])
    assert found == [[1], [1], [0]]
    assert await shown(care, "c1") == await shown(care, "c2") == []


async def test_what_is_behind_an_end_is_looked_at_by_the_next_round(
    federation: SimFederation, three: tuple[SimNode, SimNode, SimNode]
) -> None:
    """Two automatic links support a third pair; one of them is said to be the wrong person."""
    health, care, school = three
    await enrol(federation, school)
    assert ("match", "supported") in await origins(federation)
    others = (await care.team("c1")).others
    at_school = next(item for item in others if item.agency == "School")
    request_id = await care.ask("c1", at_school.involvement_id)
    await federation.settle()
    await school.answer(request_id)
    await federation.settle()
    await wrong(care, request_id)
    await federation.settle()
    assert ("match", "supported") in await origins(federation), "an ends pass scores nothing"
    await federation.round()
    assert ("possible", "score") in await origins(federation)
    assert len(await queue(health)) == 1
    assert await audited(federation) == set()


async def test_a_rival_that_ended_lets_a_support_come_back_by_the_next_round(
    federation: SimFederation, three: tuple[SimNode, SimNode, SimNode]
) -> None:
    _, care, school = three
    await care.take_in(row("c2", AT_CARE, "child_in_need", DUTY, "S. Worker"))
    await care.publish()
    await enrol(federation, school)
    assert ("match", "supported") not in await origins(federation)
    now = federation.clock()
    await care.write(lambda tables: withdraw(tables, "c2", now))
    await care.publish()
    await federation.settle()
    assert ("match", "supported") not in await origins(federation), "that raises a link"
    await federation.round()
    assert ("match", "supported") in await origins(federation)


async def test_a_member_that_is_reinstated_is_found_again_by_a_round(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await suspended(federation, agencies)
    await federation.hub.jobs.ends()
    await ordered(federation, health, "active")
    await federation.settle()
    assert await shown(care, "c1") == []
    await federation.round()
    assert await shown(care, "c1") == ["Health visiting"]
    assert await audited(federation) == set()


async def test_a_hub_that_stops_between_the_publication_and_the_notice_tells_it_when_it_starts(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    await withdrawn(federation, agencies)
    await restart_hub(federation)
    await polled(federation, care)
    assert await shown(care, "c1") == []
    assert len(await rounds(federation)) == len({body.round for body in await rounds(federation)})


async def test_so_does_one_that_stops_before_the_publication_is_in_force(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, care = agencies

    def stopped(upload: object) -> Any:
        raise LocalError(ErrorCode.STORAGE, "stopped")

    with monkeypatch.context() as patch:
        patch.setattr(uploading, "put_in_force", stopped)
        with pytest.raises(LocalError):
            await withdrawn(federation, agencies)
    await restart_hub(federation)
    await polled(federation, care)
    assert await shown(care, "c1") == []
