"""Who asked whom about whom, both ways, as values for the lead for information governance: a client
is our own id, and of a card nothing is shown.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from node.membership.hub import HubMembership
from node.oversight.floods import Flood, floods
from node.store.checks import ReceivedCheck, SentCheck
from node.store.enquiries import Enquiry
from node.store.requests import ReceivedRequest, SentRequest
from node.store.tables import NodeTables
from protocol.governance.retention import DAY
from protocol.messages.bodies import DecisionBody
from protocol.messages.introductions import IntroductionRequestBody
from protocol.messages.statement import Statement, parse_statement
from protocol.requests.refusals import RefusalCode

LEAST_OPENED, LEAST_ASKED = 20, 10
"""Fewer openings or requests of one person on a day are never unusual."""
WAITS, SHARED, COMPARED, NAMED, ALLOWED, REFUSED, RECALLED, ENDED = (
    "waits", "shared", "compared", "named", "allowed", "refused", "recalled", "ended",
)  # fmt: skip
CARD, CHECK, INTRODUCTION, ENQUIRY = "card", "check", "introduction", "enquiry"
OUTCOMES: Mapping[str, Mapping[str, Sequence[str]]] = {
    CARD: {
        WAITS: ("sending", "waiting", "arrived", "asks_person", "deciding"),
        SHARED: ("allowed", "released", "opened", "closed", "expired"),
        REFUSED: ("refused", "failed"),
        RECALLED: ("recalled",),
    },
    CHECK: {
        WAITS: (
            "sending", "waiting", "allowed", "sending_details", "compared", "arrived",
            "asks_person",
        ),
        COMPARED: ("answered",),
        REFUSED: ("refused", "failed"),
    },
    INTRODUCTION: {WAITS: ("asking",), NAMED: ("named",), REFUSED: ("refused", "failed")},
    ENQUIRY: {WAITS: ("sending",), ALLOWED: ("allowed",), REFUSED: ("refused", "failed")},
}  # fmt: skip
"""What became of what somebody asked, by both sides' states; of others: it ended."""


def who_asked(
    tables: NodeTables, membership: HubMembership, since: int, until: int
) -> list[dict[str, Any]]:
    """Requests, identity checks, introductions and enquiries from one time to before another at a
    hub, the newest first.
    """
    span = (membership.hub.hub_id, since, until)
    clients = _Clients(tables, membership.hub.hub_id)
    sent, checks = tables.sent_requests.between(*span), tables.sent_checks.between(*span)
    said = {
        **tables.outbox.bodies_about(span[0], "request", [one.request_id for one in sent]),
        **tables.outbox.bodies_about(span[0], "identity_request", [one.check_id for one in checks]),
    }
    found = [
        _sent(tables, membership, clients, one) | _said(membership, said.get(one.request_id))
        for one in sent
    ]
    found += [
        _sent_check(membership, clients, one) | _said(membership, said.get(one.check_id))
        for one in checks
    ]
    found += [
        _received(tables, membership, clients, one)
        for one in tables.received_requests.between(*span)
    ]
    found += [
        _received_check(membership, clients, one) for one in tables.received_checks.between(*span)
    ]
    found += _introductions(tables, membership, clients, (since, until))
    found += [_enquiry(tables, membership, clients, one) for one in tables.enquiries.between(*span)]
    return sorted(found, key=lambda one: (-one["at"], one["agency"] or "", one["client"] or ""))


def floods_value(tables: NodeTables, since: int, until: int) -> list[dict[str, Any]]:
    """Days with unusually many openings or requests of one of our people, the newest first."""
    opened = floods(tables.openings.per_day(since, until), LEAST_OPENED)
    asked = floods(tables.sent_requests.per_day(since, until), LEAST_ASKED)
    found = [_flood(tables, "opened", one) for one in opened]
    found += [_flood(tables, "asked", one) for one in asked]
    return sorted(found, key=lambda one: (-one["at"], one["person"] or "", one["what"]))


def _flood(tables: NodeTables, what: str, one: Flood) -> dict[str, Any]:
    person = tables.people.get(one.person)
    return {
        "what": what,
        "person": person.title if person is not None else None,
        "at": one.day * DAY,
        "count": one.count,
        "usual": one.usual,
    }


class _Clients:
    """Our own ids of clients, by what requests name them by."""

    def __init__(self, tables: NodeTables, hub_id: str) -> None:
        self._tables, self._hub_id = tables, hub_id

    def by_row(self, client: int | None) -> str | None:
        return next(iter(self._tables.records.local_ids([client])), None) if client else None

    def over(self, link_id: str | None) -> str | None:
        link = self._tables.links.get(self._hub_id, link_id) if link_id else None
        return self.of_stub(link.stub_id) if link else None

    def of_stub(self, stub_id: str) -> str | None:
        client = self._tables.stubs.client_of(self._hub_id, stub_id)
        return client.local_id if client else None


def _sent(
    tables: NodeTables, membership: HubMembership, clients: _Clients, one: SentRequest
) -> dict[str, Any]:
    person = tables.people.get(one.practitioner) if one.practitioner is not None else None
    return {
        **_common(membership, CARD, _stands(one), one.code),
        "ours": True,
        "at": one.asked_at,
        "agency": _name(membership, one.holder),
        "practitioner": person.title if person is not None else None,
        "client": clients.by_row(one.client),
    }


def _received(
    tables: NodeTables, membership: HubMembership, clients: _Clients, one: ReceivedRequest
) -> dict[str, Any]:
    work = tables.records.involvement(one.involvement)
    client = clients.by_row(work.client) if work is not None else clients.over(one.link_id)
    by = tables.people.get(one.answered_by) if one.answered_by is not None else None
    return {
        **_common(membership, CARD, _stands(one), _code(one)),
        **_grounds(membership, one.basis, one.purpose),
        "ours": False,
        "at": one.received_at,
        "agency": _name(membership, one.requester),
        "practitioner": f"{one.asker.name}, {one.asker.role.replace('_', ' ')}",
        "client": client,
        "by": by.title if by is not None else None,
    }


def _sent_check(membership: HubMembership, clients: _Clients, one: SentCheck) -> dict[str, Any]:
    return {
        **_common(membership, CHECK, _stands(one), one.code),
        "ours": True,
        "at": one.asked_at,
        "agency": _name(membership, one.holder) if one.holder else None,
        "practitioner": one.practitioner,
        "client": clients.over(one.link_id),
    }


def _received_check(
    membership: HubMembership, clients: _Clients, one: ReceivedCheck
) -> dict[str, Any]:
    role = one.role.replace("_", " ")
    return {
        **_common(membership, CHECK, _stands(one), one.code),
        **_grounds(membership, one.basis, one.purpose),
        "ours": False,
        "at": one.received_at,
        "agency": _name(membership, one.requester),
        "practitioner": f"{one.practitioner}, {role}" if one.practitioner else role,
        "client": clients.over(one.link_id),
    }


def _introductions(
    tables: NodeTables, membership: HubMembership, clients: _Clients, span: tuple[int, int]
) -> Iterator[dict[str, Any]]:
    """Who of us asked to be introduced, and who was introduced to us, or asked the hub for it."""
    hub_id, (since, until) = membership.hub.hub_id, span
    for envelope in tables.outbox.signed(hub_id, IntroductionRequestBody):
        statement = parse_statement(envelope).expect(IntroductionRequestBody)
        if since <= statement.preamble.iat < until:
            yield _sent_introduction(tables, membership, clients, statement)
    for one in tables.hints.asked_between(hub_id, since, until):
        outcome = {"outcome": NAMED if one.stub_id else ENDED}
        yield {
            **_common(membership, INTRODUCTION, _Stands(""), None),
            **_grounds(membership, one.basis, one.purpose),
            **outcome,
            "ours": False,
            "at": one.received_at,
            "agency": _name(membership, one.requester),
            "practitioner": one.role.replace("_", " "),
            "client": clients.of_stub(one.stub_id) if one.stub_id else None,
        }


def _sent_introduction(
    tables: NodeTables,
    membership: HubMembership,
    clients: _Clients,
    statement: Statement[IntroductionRequestBody],
) -> dict[str, Any]:
    """What we asked; what came of it is known of the newest over a hint."""
    body, hub_id = statement.body, membership.hub.hub_id
    person = tables.people.by_id_at(hub_id, body.practitioner.id)
    hint = tables.hints.get(hub_id, body.hint_id)
    last = hint is not None and hint.request_id in {None, statement.id}
    service = hint.service if hint is not None and last else None
    stands = _Stands(hint.state.value if hint is not None and last else "")
    return {
        **_common(membership, INTRODUCTION, stands, hint.code if hint is not None else None),
        **_grounds(membership, body.basis, body.purpose),
        "ours": True,
        "at": statement.preamble.iat,
        "agency": _name(membership, service.agency_id) if service is not None else None,
        "practitioner": person.title if person is not None else None,
        "client": clients.of_stub(body.stub_id),
    }


def _enquiry(
    tables: NodeTables, membership: HubMembership, clients: _Clients, one: Enquiry
) -> dict[str, Any]:
    """Asked of the hub itself: who works with somebody who is no client of ours."""
    person = tables.people.get(one.practitioner)
    return {
        **_common(membership, ENQUIRY, _Stands(one.state.value), one.code),
        **_grounds(membership, one.basis, one.purpose),
        "ours": True,
        "at": one.made_at,
        "agency": membership.hub.name,
        "practitioner": person.title if person is not None else None,
        "client": clients.by_row(one.client),
    }


@dataclass(frozen=True)
class _Stands:
    """How far something has come, and until when it can go on (Unix seconds)."""

    state: str
    expires: int | None = None


def _stands(one: SentRequest | ReceivedRequest | SentCheck | ReceivedCheck) -> _Stands:
    return _Stands(one.state.value, one.expires)


def _common(
    membership: HubMembership, what: str, stands: _Stands, code: str | None
) -> dict[str, Any]:
    """What became of it, and why if it was refused: a code of the specification's, or "unknown"."""
    states = OUTCOMES[what].items()
    outcome = next((said for said, values in states if stands.state in values), ENDED)
    over = stands.expires is not None and stands.expires <= membership.env.clock()
    if outcome == WAITS and over:
        outcome = ENDED
    known = {item.value for item in RefusalCode}
    why = (code if code in known else "unknown") if outcome == REFUSED else None
    nothing = {"basis": None, "purpose": None, "by": None}
    return {"hub": membership.hub.name, "what": what, "outcome": outcome, "why": why, **nothing}


def _grounds(membership: HubMembership, basis: str, purpose: str) -> dict[str, Any]:
    found = membership.charter.lawful_basis(basis)
    titles = {one.code: one.title for one in membership.charter.purposes}
    return {"basis": found.title if found else basis, "purpose": titles.get(purpose, purpose)}


def _said(membership: HubMembership, body: Mapping[str, Any] | None) -> dict[str, Any]:
    """The grounds of something that we asked, as long as what we sent is kept."""
    return _grounds(membership, body["basis"], body["purpose"]) if body is not None else {}


def _name(membership: HubMembership, party_id: str) -> str | None:
    member = membership.directory.member(party_id)
    return member.body.name if member else None


def _code(request: ReceivedRequest) -> str | None:
    """Why we refused, as our decision in the log says it."""
    if request.decision is None:
        return None
    return parse_statement(request.decision.envelope).expect(DecisionBody).body.code


GROUPS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "agency": lambda one: one["agency"] or "",
    "practitioner": lambda one: one["practitioner"] or "",
    "client": lambda one: one["client"] or "",
}
"""By what the lead may gather them."""


def gathered_by(found: Iterable[Mapping[str, Any]], by: str) -> list[dict[str, Any]]:
    """How much each agency, practitioner or client has, the most first; `who` "": nobody knows."""
    rows: dict[str, dict[str, Any]] = {}
    for one in found:
        who = GROUPS[by](one)
        empty = {"who": who, "ours": 0, "theirs": 0, SHARED: 0, REFUSED: 0}
        row = rows.setdefault(who, empty)
        row["ours" if one["ours"] else "theirs"] += 1
        if one["outcome"] in (SHARED, REFUSED):
            row[one["outcome"]] += 1
    return sorted(rows.values(), key=lambda row: (-row["ours"] - row["theirs"], row["who"]))
