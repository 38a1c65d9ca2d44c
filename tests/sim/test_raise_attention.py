"""Attention to the team around a client: who is told, who is not, and what the sender learns.

specs/06-requests.md §13.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audit.case.case import Case
from audit.findings import FindingCode as Code
from audit.report.figures import Alerts, alerts, audit_case
from audit.report.report_page import to_html
from node.actions.attention import raise_attention, see_attention
from node.actions.clients import close_work
from node.actions.news import read_news
from node.actions.people import say_now
from node.actions.records import withdraw_now
from node.actions.resync import resync_now
from node.config import HubTerms
from node.links.review import Opinion
from node.membership.outbox import Sent
from node.requests.attention import Alert
from node.store.attention import RaisedState
from node.views.inbox import inbox_value
from protocol import canonical
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import to_base64
from protocol.governance.retention import DAY
from protocol.messages.attention import AttentionNoticeBody
from protocol.messages.bodies import AcceptedBody
from protocol.messages.statement import parse_statement
from protocol.wire import Delivery
from tests.sim.federation import AMIRA, DUTY, NOON, SAMIR, SimFederation, SimNode, row
from tests.sim.put_back import copy_aside, put_back
from tests.sim.test_audit_people import audited, rules
from tests.sim.test_charter_change import accept, amend, follow
from tests.sim.test_daily_statements import alarms, answers, days
from tests.sim.test_restart import restart_hub
from tests.sim.test_stolen_node import ordered

Agencies = tuple[SimNode, SimNode]


async def raised(node: SimNode, client: str, kind: str = "moved_home", **more: bool) -> RaisedState:
    """Somebody there raises attention about a client."""
    return await raise_attention(node.service, Alert(client, 1, "health_visitor", kind), **more)


async def seen_by(node: SimNode) -> list[tuple[str, str, str]]:
    """About whom, by whom and why: what waits for somebody there."""
    value = await node.read(lambda tables: inbox_value(tables, node.membership))
    return [(item["client"], item["agency"], item["title"]) for item in value["attention"]]


async def raised_by(node: SimNode) -> list[str]:
    """What became of what was raised there."""
    value = await node.read(lambda tables: inbox_value(tables, node.membership))
    return [item["state_text"] for item in value["raised"]]


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


async def test_who_answers_not_the_same_is_told_nothing_of_that_client(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    (link,) = await care.read(lambda t: t.tx.rows("SELECT link_id FROM link"))
    await say_now(care.service, Opinion(link["link_id"], "not_same", 1, "records"))
    await federation.round()
    assert await raised(health, "h1") is RaisedState.SENT
    await federation.settle()
    assert await seen_by(care) == []
    assert await care.read(lambda t: t.count("received_attention")) == 0


async def test_it_is_seen_to_once_and_the_sender_is_told_nothing(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await raised(health, "h1")
    await federation.settle()
    logged = len(await federation.hub_read(lambda t: t.log.leaves(0, 10_000)))
    (row_,) = await care.read(lambda t: t.tx.rows("SELECT id FROM received_attention"))
    assert await see_attention(care.service, row_["id"], 1) == "c1"
    await federation.settle()
    assert await seen_by(care) == []
    with pytest.raises(LocalError, match="nothing of that number"):
        await see_attention(care.service, row_["id"], 1)
    assert len(await federation.hub_read(lambda t: t.log.leaves(0, 10_000))) == logged
    assert await raised_by(health) == ["sent to the team around the client"]


@pytest.mark.parametrize("when", ["before_it_is_told", "after"])
async def test_with_the_link_it_goes_from_the_screen(
    federation: SimFederation, agencies: Agencies, when: str
) -> None:
    """Permission is withdrawn in the second in which the team would be told, or the day after."""
    health, care = agencies
    await raised(health, "h1")
    if when == "after":
        await federation.settle()
        assert len(await seen_by(care)) == 1
    await withdraw_now(health.service, "h1", 1)
    await federation.settle()
    assert await seen_by(care) == []
    with pytest.raises(LocalError, match="no team to tell"):
        await raised(health, "h1")


async def test_with_the_senders_work_it_goes_from_the_screen_and_from_the_news(
    federation: SimFederation, agencies: Agencies
) -> None:
    """Work that is past is still shown in the team, and nobody is asked to attend to it."""
    health, care = agencies
    await amend(federation, {"past_months": 3})
    await accept(federation, health, care)
    await raised(health, "h1")
    await federation.settle()
    wanted = "c1: somebody in their team wants attention for them."
    assert wanted in [line["says"] for line in await read_news(care.service, 1)]
    await close_work(health.service, "h1", None, 1)
    await federation.settle()
    assert [who.label for who in (await care.team("c1")).others] == ["Health visiting (past)"]
    assert await seen_by(care) == []
    assert wanted not in [line["says"] for line in await read_news(care.service, 1)]


async def test_who_is_suspended_in_between_tells_nobody(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await raised(health, "h1")
    await ordered(federation, health, "suspended")
    await federation.hub.jobs.alert()
    assert await federation.hub_read(lambda t: t.attention.owed()) == []
    await care.service.receive(wait=0)
    assert await care.read(lambda t: t.count("received_attention")) == 0


async def test_one_that_cannot_be_told_keeps_no_other(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await raised(health, "h1", "missing")
    await raised(health, "h1", "moved_home")
    first, _ = await federation.hub_read(lambda t: t.attention.owed())
    await federation.hub_write(
        lambda t: t.tx.update("payload", {"envelope": b"{}"}, {"idx": first})
    )
    await federation.hub.jobs.alert()
    await federation.checkpoint()
    await care.service.receive(wait=0)
    assert [title for _, _, title in await seen_by(care)] == ["Moved home"]


async def test_over_quota_the_sentence_says_so_and_tomorrow_is_another_day(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    terms = (await federation.charter()).to_value()["attention"]
    await amend(federation, {"attention": {**terms, "per_day": 2}})
    await follow(health, care)
    for kind in ("moved_home", "please_call"):
        await raised(health, "h1", kind)
    with pytest.raises(RemoteError) as caught:
        await raised(health, "h1", "missing")
    assert caught.value.code is ErrorCode.OVER_QUOTA
    assert "not taken by the council's hub: nobody is told" in await raised_by(health)
    await days(federation)
    assert [title for _, _, title in await seen_by(care)] == ["Moved home", "Please call me"]
    assert await raised(health, "h1", "missing") is RaisedState.SENT
    await federation.settle()
    assert set(await answers(federation)) == {"agree"}
    assert await audited(federation) == set()


@pytest.mark.parametrize("lie", ["quota", "another_stub", "no_such_kind"])
async def test_a_hub_that_lets_through_what_the_rules_refuse_is_found(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch, lie: str
) -> None:
    health, _ = agencies
    terms = (await federation.charter()).to_value()["attention"]
    await amend(federation, {"attention": {**terms, "per_day": 1}})
    await follow(*agencies)
    monkeypatch.setattr("hub.exchange.intake.check_quota", lambda *_: None)
    monkeypatch.setattr("hub.exchange.alerts.decide_attention", lambda *_: None)
    if lie == "quota":
        await raised(health, "h1")
    change: dict[str, Any] = {
        "quota": {}, "another_stub": {"stub_id": "00" * 16}, "no_such_kind": {"kind": "nonsense"}
    }[lie]  # fmt: skip
    alert = Alert("h1", 1, "health_visitor", "moved_home")
    await health.write(lambda tables: health.service.dispatcher.attention.raise_(tables, alert))
    (waiting,) = await health.read(lambda t: t.outbox.pending(health.membership.hub.hub_id))
    said = json.dumps({**json.loads(waiting.text), **change})
    await health.write(lambda t: t.tx.update("outbox", {"body": said}, {"id": waiting.id}))
    await health.service.advance()
    await federation.settle()
    assert await audited(federation) == rules(Code.ATTENTION_UNFOUNDED)
    case = audit_case(Case(federation.folder / "case"), None, [])
    over = int(lie == "quota")
    assert alerts(case) == {
        health.party_id: Alerts(raised=1 + over, invites=0, most_a_day=1 + over, days_over=over)
    }
    assert ("over the quota on 1 day" in to_html(case, NOON)) == bool(over)


async def test_what_cannot_be_raised_is_said_before_anything_leaves(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await health.take_in(row("h9", replace(AMIRA, given="Zed"), "drug_and_alcohol", DUTY))
    await health.take_in(
        row("h8", replace(SAMIR, given="Una", nhs_number=None), "health_visiting", None)
    )
    await health.publish()
    cases = (
        ("h2", "moved_home", "nobody is shown in this client's team"),
        ("h9", "moved_home", "is shown to nobody"),
        ("h8", "moved_home", "no team to tell"),
        ("h7", "moved_home", "no client has that id"),
        ("h1", "a_rumour", "one of: please_call, new_worry"),
    )
    for client, kind, words in cases:
        with pytest.raises(LocalError, match=words):
            await raised(health, client, kind)
    with pytest.raises(LocalError, match="your role is one of"):
        await raise_attention(health.service, Alert("h1", 1, "king", "moved_home"))
    terms = health.membership.terms
    health.membership.terms = HubTerms(types={"ours": "health_visiting"})
    with pytest.raises(LocalError, match="is shown to nobody"):
        await raised(health, "h1")
    health.membership.terms = terms
    assert await health.read(lambda t: t.count("sent_attention")) == 0
    assert await raised(health, "h2", though_nobody_shown=True) is RaisedState.SENT, "if meant"
    await amend(federation, {"attention": None})
    await follow(health, care)
    with pytest.raises(LocalError, match="does not let anybody"):
        await raised(health, "h1")


@pytest.mark.parametrize("signed_anew", [False, True])
async def test_the_hub_lost_between_each_pair_of_steps(
    federation: SimFederation, agencies: Agencies, signed_anew: bool
) -> None:
    """The answer that it was logged is lost, or even what was signed; then the hub stops before it
    tells anybody; then the mail is read and its acknowledgement is lost. Everybody is told once.
    """
    health, care = agencies
    submit = federation.services.intake.submit

    async def unanswered(*arguments: Any) -> Any:
        await submit(*arguments)
        raise RemoteError(ErrorCode.UNREACHABLE, "the answer is lost")

    object.__setattr__(federation.services.intake, "submit", unanswered)
    assert await raised(health, "h1") is RaisedState.SENDING
    assert len(await federation.entries("attention")) == 1
    await restart_hub(federation)
    assert await federation.hub_read(lambda t: t.attention.owed()) != []
    if signed_anew:
        await health.write(lambda t: t.tx.run("UPDATE outbox SET envelope = NULL"))
    await health.service.advance()
    assert await raised_by(health) == ["sent to the team around the client"]
    await restart_hub(federation)
    await federation.hub.jobs.alert()
    await restart_hub(federation)
    await federation.hub.jobs.alert()
    await federation.checkpoint()
    for _ in range(2):
        await care.write(lambda t: t.tx.run("UPDATE hub SET cursor = 0"))
        care.membership.hub = replace(care.membership.hub, cursor=0)
        await care.service.receive(wait=0)
    await federation.settle()
    assert await seen_by(care) == [("c1", "Health visiting", "Moved home")]
    assert len(await federation.entries("attention")) == 1
    assert await audited(federation) == set()


async def test_nobody_acts_on_it_before_witnesses_have_signed_the_log_that_has_it(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await raised(health, "h1")
    await federation.hub.jobs.alert()
    assert await care.service.receive(wait=0) == 0
    assert await seen_by(care) == []
    await federation.checkpoint()
    assert await care.service.receive(wait=0) == 1
    assert len(await seen_by(care)) == 1


async def test_what_the_log_says_of_one_that_has_ended_here_changes_nothing(
    federation: SimFederation, agencies: Agencies
) -> None:
    """A log that was lost had ended it; then its client was deleted."""
    health, _ = agencies
    await raised(health, "h1")
    (logged,) = await federation.entries("attention")
    statement = parse_statement(logged["envelope"])
    accepted = AcceptedBody(statement=statement.id, index=logged["idx"], received_at=NOON)
    sent = Sent(statement, accepted, None, None)
    for change in ("UPDATE sent_attention SET state = 'log_lost'", "DELETE FROM sent_attention"):
        await health.write(lambda t, sql=change: t.tx.run(sql))  # type: ignore[misc]
        before = await raised_by(health)
        await health.write(lambda t: health.service.dispatcher.on_sent(t, sent))
        assert await raised_by(health) == before


async def test_a_hub_that_is_away_is_sent_it_later(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    post = federation.network.post

    async def away(url: str, *arguments: Any) -> bytes:
        if url.endswith("/v1/statements"):
            raise RemoteError(ErrorCode.UNREACHABLE, "the hub is away")
        return await post(url, *arguments)

    federation.network.post = away  # type: ignore[assignment, method-assign]
    assert await raised(health, "h1") is RaisedState.SENDING
    federation.network.post = post  # type: ignore[method-assign]
    await federation.settle()
    assert await seen_by(care) == [("c1", "Health visiting", "Moved home")]


async def test_a_restored_backup_sends_nothing_twice_and_is_told_again_what_it_lost(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    """Health's backup has attention that was not sent yet; care's is from before it was told."""
    health, care = agencies
    school = await federation.join("Rowan School", "school")
    await school.take_in(row("s1", AMIRA, "school_nursing", DUTY))
    await school.publish()
    await federation.round()
    alert = Alert("h1", 1, "health_visitor", "missing")
    await health.write(lambda t: health.service.dispatcher.attention.raise_(t, alert))
    copy_aside(health, tmp_path / "health")
    copy_aside(care, tmp_path / "care")
    await health.service.advance()
    await federation.settle()
    assert len(await seen_by(care)) == 1
    health = await put_back(federation, health, tmp_path / "health")
    care = await put_back(federation, care, tmp_path / "care")
    for node in (health, care):
        await resync_now(node.service, ask=True)
    await federation.settle()
    assert len(await federation.entries("attention")) == 1
    (sent,) = await health.read(lambda t: t.tx.rows("SELECT state FROM sent_attention"))
    assert sent["state"] == "sent"
    title = "Missing from home or school"
    assert await seen_by(care) == [("c1", "Health visiting", title)]
    assert await seen_by(school) == [("s1", "Health visiting", title)]
    assert await audited(federation) == set()


async def test_attention_that_the_log_does_not_have_is_an_alarm(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hub that makes up where it logged it; and one that tells it over a link with another."""
    health, care = agencies
    real = AttentionNoticeBody

    def elsewhere(**values: Any) -> AttentionNoticeBody:
        return real(**{**values, "salt": "00" * 32})

    monkeypatch.setattr("hub.matching.alerting.AttentionNoticeBody", elsewhere)
    await raised(health, "h1")
    await federation.settle()
    assert "not_in_log" in await alarms(care)
    monkeypatch.setattr(
        "hub.matching.alerting.AttentionNoticeBody",
        lambda **values: real(**{**values, "link_id": "00" * 16}),
    )
    before = await seen_by(care)
    await raised(health, "h1", "missing")
    await federation.settle()
    assert await seen_by(care) == before


async def test_what_the_hub_did_not_sign_or_the_sender_did_not_is_refused(
    federation: SimFederation, agencies: Agencies
) -> None:
    """Nor what comes over a link that care was not told of, or that ends elsewhere."""
    health, care = agencies
    await raised(health, "h1")
    await federation.checkpoint()
    await care.membership.sync()
    (logged,) = await federation.entries("attention")
    (link,) = await care.read(lambda t: t.tx.rows("SELECT * FROM link"))
    payload = await federation.hub_read(lambda t: t.log.payloads(logged["idx"], logged["idx"] + 1))
    true = {
        "attention": to_base64(logged["envelope"]), "index": logged["idx"],
        "salt": payload[0].salt.hex(), "link_id": link["link_id"], "stub_id": link["stub_id"],
    }  # fmt: skip
    envelope = json.loads(logged["envelope"])
    envelope["signatures"][0]["sig"] = to_base64(bytes(64))
    forged = to_base64(canonical.encode(envelope))
    ours = care.membership.sign(parse_statement(logged["envelope"]).body, care.party_id)

    async def told(by: SimNode | None, **change: str) -> ErrorCode | None:
        body = AttentionNoticeBody(**{**true, **change})
        if by is None:
            statement = await federation.hub_read(
                lambda tables: federation.ledger(tables).sign(body, care.party_id)
            )
        else:
            statement = by.membership.sign(body, care.party_id)
        text = to_base64(statement.envelope.encode())
        mail = Delivery(seq=0, index=None, salt=None, envelope=text, sealed=None, proof=None)
        try:
            await care.write(lambda tables: care.service.dispatcher.take(tables, mail))
        except RemoteError as error:
            return error.code
        return None

    assert await told(health) is ErrorCode.NOT_ALLOWED, "a member"
    assert await told(None, attention=forged) is ErrorCode.BAD_SIGNATURE
    for change in (
        {"link_id": "00" * 16}, {"stub_id": "00" * 16},
        {"attention": to_base64(ours.envelope.encode())},
    ):  # fmt: skip
        assert await told(None, **change) is ErrorCode.NOT_FOUND, change
    assert await seen_by(care) == []
    assert await told(None) is None
    assert len(await seen_by(care)) == 1
    await care.write(lambda t: t.tx.run("DELETE FROM received_attention"))
    kept = care.membership.charter.node_retention
    assert kept is not None
    federation.clock.now += kept.news_days * DAY + 1
    assert await told(None) is None
    assert await seen_by(care) == [], "forgotten here, and told again after a restore"
    await amend(federation, {"node_retention": None})
    await federation.checkpoint()
    await care.membership.sync()
    assert await told(None) is None
    assert len(await seen_by(care)) == 1, "no charter bounds it any more"


async def test_who_has_not_signed_the_charter_raises_none(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    terms = (await federation.charter()).to_value()["attention"]
    await amend(federation, {"attention": {**terms, "per_day": 1_000}})
    await federation.checkpoint()
    with pytest.raises(LocalError, match="charter"):
        await raised(health, "h1")
    assert await federation.entries("attention") == []
    assert await federation.entries("rejection") == [], "it was not even sent"


async def test_it_is_forgotten_with_the_news(federation: SimFederation, agencies: Agencies) -> None:
    from node.store.old import old_news

    health, care = agencies
    await raised(health, "h1")
    await federation.settle()
    for node, table in ((health, "sent_attention"), (care, "received_attention")):
        hub_id, at = node.membership.hub.hub_id, federation.clock.now
        for before, left in ((at - 1, 1), (at, 0)):
            for old in old_news(hub_id, before):
                await node.write(lambda t, o=old: t.old.remove(o, 10))  # type: ignore[misc]
            assert await node.read(lambda t, name=table: t.count(name)) == left  # type: ignore[misc]


async def test_it_waits_for_the_entry_that_it_tells_of_whatever_a_delivery_says(
    federation: SimFederation, agencies: Agencies
) -> None:
    """Nobody signs the index of a delivery: the hub could make it any that witnesses have seen."""
    health, care = agencies
    await raised(health, "h1")
    await federation.checkpoint()
    await care.membership.sync()
    (logged,) = await federation.entries("attention")
    size = care.membership.view.size
    body = AttentionNoticeBody(
        attention=to_base64(logged["envelope"]), index=size, salt="00" * 32,
        link_id="00" * 16, stub_id="00" * 16,
    )  # fmt: skip
    said = await federation.hub_read(lambda t: federation.ledger(t).sign(body, care.party_id))
    text = to_base64(said.envelope.encode())
    for index, waits_for in ((None, size), (0, size), (size + 3, size + 3)):
        mail = Delivery(seq=0, index=index, salt=None, envelope=text, sealed=None, proof=None)
        assert care.service.dispatcher.rests_on(mail) == waits_for
