"""What two people compare: our own record beside what may be shown of another.

Of a possible match the design shows nothing of the other side. An identity check that the hub
allows names one kind of detail that agrees; one that came to us brings the asker's details. Shows
client data to the agency's own people on their own screen; nothing here is logged.
"""

from collections.abc import Collection, Mapping
from typing import Any

from node.identity_checks.initiating import shown
from node.links.review import Reviewing
from node.links.team import team_of
from node.membership.hub import HubMembership
from node.records import caseload
from node.store.checks import ReceivedCheck, ReceivedCheckState, SentCheck
from node.store.links import Link, LinkState, Review, ReviewState
from node.store.people import Person
from node.store.records import Client
from node.store.tables import NodeTables
from node.views.review import asked_value, check_value, received_value
from protocol.matchkeys.folding import fold
from protocol.matchkeys.recipes import RECIPES, Reads
from protocol.matchkeys.records import ClientRecord, NormalRecord, normalise_record

OWN = {
    "given": Reads.GIVEN, "middle": Reads.MIDDLE, "family": Reads.FAMILY,
    "date_of_birth": Reads.BORN, "sex": Reads.SEX, "address": Reads.PLACE,
    "postcode": Reads.PLACE, "nhs_number": Reads.IDENTIFIER,
}  # fmt: skip
"""What of our own record stands on a page, and what of a person each tells."""
COMPARED = ("given", "family", "date_of_birth", "postcode")
MOST = 50
"""So many wait on a list, those that have waited longest."""


def matches_for(
    tables: NodeTables, membership: HubMembership, person: Person
) -> list[dict[str, Any]]:
    """Links of somebody's and their teams' clients that wait for a person: of each client one."""
    asked = tables.reviews.asked(membership.hub.hub_id)
    now = membership.env.clock()
    own = caseload.theirs(tables, person, set(asked.values()), now) if asked else set()
    return _lines(tables, membership, [one for one, client in asked.items() if client in own])


def matches_of(
    tables: NodeTables, membership: HubMembership, client: Client
) -> list[dict[str, Any]]:
    """Those of one client."""
    asked = tables.reviews.asked(membership.hub.hub_id)
    return _lines(tables, membership, [one for one, whose in asked.items() if whose == client.id])


def _lines(
    tables: NodeTables, membership: HubMembership, links: Collection[str]
) -> list[dict[str, Any]]:
    if not links:
        return []
    waiting = Reviewing(membership).queue(tables, links)[:MOST]
    clients = tables.records.clients([one.client for one in waiting])
    checks = _checks(tables, membership)
    return [
        {
            **vars(one),
            "hub": membership.hub.name,
            "hub_id": membership.hub.hub_id,
            "check": checks.get(one.link_id),
            **_named(clients[one.client]),
        }
        for one in waiting
        if one.client in clients
    ]


def match_value(
    tables: NodeTables, membership: HubMembership, client: Client, link_id: str
) -> dict[str, Any] | None:
    """One link of a client to be compared, whether it waits or not; None: there is none."""
    hub_id = membership.hub.hub_id
    link = tables.links.get(hub_id, link_id)
    stub = tables.stubs.client_of(hub_id, link.stub_id) if link is not None else None
    if link is None or link.state is LinkState.ENDED or stub is None or stub.id != client.id:
        return None
    review = tables.reviews.get(hub_id, link_id)
    check = _checks(tables, membership).get(link_id)
    agrees = _agreeing(tables, membership, link)
    member = membership.directory.member(link.agency_id or (check or {}).get("holder") or "")
    team = team_of(tables, membership, client.local_id)
    return {
        **_named(client),
        "hub": membership.hub.name,
        "hub_id": hub_id,
        "link_id": link_id,
        "state": link.state.value,
        "labels": [one.label for one in link.involvements],
        "agency": member.body.name if member is not None else None,
        "duty_line": member.body.duty_line if member is not None else None,
        "duty_hours": member.body.duty_hours if member is not None else None,
        "desk": team.duty_desk.model_dump(),
        "fields": [
            (name, getattr(client.record, name), reads in agrees) for name, reads in OWN.items()
        ],
        "agrees": bool(agrees),
        "check": check,
        "said": review.answer if review is not None else None,
        "on_its_way": review is not None and review.state is ReviewState.SENDING,
        "waits": review is not None and review.state is ReviewState.ASKED,
        "problem": review is not None and review.error is not None,
        "may_check": _may_check(link, review),
    }


def _may_check(link: Link, review: Review | None) -> bool:
    """Whether an identity check over it can be asked for, as node/identity_checks has it."""
    doubted = review is not None and (
        review.state is ReviewState.ASKED or review.answer == "not_same"
    )
    return link.state is LinkState.POSSIBLE or doubted


def _agreeing(tables: NodeTables, membership: HubMembership, link: Link) -> frozenset[Reads]:
    """What of a person agrees, as far as the hub has said: by a link, or by a check of ours."""
    hub_id = membership.hub.hub_id
    named = [link.evidence, *(one.evidence for one in _of_link(tables, hub_id, link.link_id))]
    keys = {one.match_key_id for one in named if one is not None}
    return frozenset().union(*(RECIPES[key].reads for key in keys if key in RECIPES))


def _of_link(tables: NodeTables, hub_id: str, link_id: str) -> list[SentCheck]:
    return [one for one in tables.sent_checks.of_hub(hub_id) if one.link_id == link_id]


def _checks(tables: NodeTables, membership: HubMembership) -> dict[str, dict[str, Any]]:
    """The newest identity check of ours over each link."""
    return {
        one.link_id: {**check_value(membership, one), "holder": one.holder, "by": one.practitioner}
        for one in tables.sent_checks.of_hub(membership.hub.hub_id)
    }


def checks_for(
    tables: NodeTables, membership: HubMembership, person: Person
) -> list[dict[str, Any]]:
    """Identity checks about somebody's and their teams' clients that wait for an answer, or of
    which nothing has come yet to compare.
    """
    hub_id, now = membership.hub.hub_id, membership.env.clock()
    waiting = tables.received_checks.to_answer(hub_id)
    coming = [
        one
        for one in tables.received_checks.without_details(hub_id)
        if one.state is ReceivedCheckState.ARRIVED
    ]
    about = {one.check_id: _client(tables, one) for one in (*waiting, *coming)}
    clients = {client.id for client in about.values() if client is not None}
    own = caseload.theirs(tables, person, clients, now) if clients else set()
    return [
        {
            **_named(client),
            "check_id": one.check_id,
            "hub": membership.hub.name,
            "waits": one.state is ReceivedCheckState.ASKS_PERSON,
            **_asker(membership, one),
        }
        for one in (*waiting, *coming)
        if (client := about[one.check_id]) is not None and client.id in own
    ]


def checks_of(
    tables: NodeTables, membership: HubMembership, client: Client
) -> list[dict[str, Any]]:
    """Who asked whether a client of ours is one of theirs, the newest first."""
    hub_id = membership.hub.hub_id
    found = [*tables.received_checks.to_answer(hub_id)]
    found += tables.received_checks.without_details(hub_id)
    return [
        {**asked_value(tables, membership, one), "state": one.state.value}
        for one in sorted(found, key=lambda one: -one.received_at)
        if (about := _client(tables, one)) is not None and about.id == client.id
    ]


def received_check(
    tables: NodeTables, membership: HubMembership, check: ReceivedCheck, client: Client
) -> dict[str, Any]:
    """An identity check with all that an answer needs: their details beside ours, and which agree;
    once it is answered their details are gone.
    """
    value = received_value(tables, membership, check)
    basis = membership.charter.lawful_basis(check.basis)
    rules = {rule.field: (rule.title, rule.type) for rule in basis.must_record} if basis else {}
    facts = check.facts if check.details is not None else {}
    return {
        **value,
        **_named(client),
        **_asker(membership, check),
        "basis": basis.title if basis else check.basis,
        "source": basis.source if basis else "",
        "facts": [(*rules.get(key, (key, "")), text) for key, text in facts.items()],
        "fields": compared(client.record, value["theirs"]) if check.details else [],
        "state": check.state.value,
        "answer": check.answer,
        "waits": check.state is ReceivedCheckState.ASKS_PERSON
        and check.expires > membership.env.clock(),
    }


def compared(
    ours: ClientRecord, theirs: Mapping[str, str | None]
) -> list[tuple[str, str | None, str | None, str]]:
    """Each field with both its values, and in one word how they stand: `agree`, `alike` (names that
    sound so, or one short for the other), `differ`, or `unknown` where one says nothing.
    """
    one, other = normalise_record(ours), normalise_record(ClientRecord(**theirs))
    rows = []
    for name in COMPARED:
        own, their = shown(getattr(ours, name)), theirs.get(name)
        rows.append((name, own, their, _how(name, (own, their), (one, other))))
    return rows


def _how(
    name: str, texts: tuple[str | None, str | None], records: tuple[NormalRecord, NormalRecord]
) -> str:
    first, second = texts
    if not first or not second:
        return "unknown"
    clean = {"given": "given", "family": "family", "date_of_birth": "born", "postcode": "postcode"}
    values = [getattr(record, clean[name]) for record in records]
    if fold(first) == fold(second) or (values[0] and values[0] == values[1]):
        return "agree"
    if name == "given":
        sounds = [{record.given_skeleton} - {None} for record in records]
    elif name == "family":
        sounds = [{*record.family_skeletons} for record in records]
    else:
        return "differ"
    return "alike" if sounds[0] & sounds[1] else "differ"


def _named(client: Client) -> dict[str, Any]:
    return {
        "row": client.id,
        "local_id": client.local_id,
        "given": client.record.given,
        "family": client.record.family,
        "date_of_birth": client.record.date_of_birth,
    }


def _asker(membership: HubMembership, check: ReceivedCheck) -> dict[str, Any]:
    """Who asks, why, and whom to call there."""
    member = membership.directory.member(check.requester)
    purposes = {purpose.code: purpose.title for purpose in membership.charter.purposes}
    return {
        "agency": member.body.name if member else None,
        "duty_line": member.body.duty_line if member else None,
        "duty_hours": member.body.duty_hours if member else None,
        "purpose": purposes.get(check.purpose, check.purpose),
        "asked_at": check.received_at,
    }


def _client(tables: NodeTables, check: ReceivedCheck) -> Client | None:
    link = tables.links.get(check.hub_id, check.link_id)
    return tables.stubs.client_of(check.hub_id, link.stub_id) if link is not None else None
