"""The inbox as values: requests to us and by us, cards, alarms.

Reads the node's own database. Shows client data to the agency's own people on their own screen;
nothing here is logged.
"""

from collections.abc import Collection
from typing import Any

from node.alarms import Alarm, AlarmCode, open_alarms
from node.membership.hub import HubMembership
from node.oversight.about import about
from node.requests.keeping import to_decide
from node.requests.objections import objection_to
from node.requests.without_quorum import is_shown
from node.store.hints import Introduced
from node.store.requests import ReceivedRequest, ReceivedState, SentRequest, SentState
from node.store.tables import NodeTables
from node.views.attention import attention_value, raised_value
from node.views.clock import clock_value
from node.views.governance import governance_value
from node.views.objections import override_value
from node.views.whose import answered_value, reason_is_closed, with_value
from protocol.governance.follow import verify_note_by_charter
from protocol.messages.statement import clocks_differ
from protocol.requests.refusals import sentence

WAITING = {
    "sending": "on its way to the council's hub",
    "waiting": "with the other organisation",
    "allowed": "allowed; the card is on its way",
    "refused": "refused",
    "failed": "could not be sent",
    "opened": "answered",
    "arrived": "arriving",
    "asks_person": "waits for your answer",
    "deciding": "your answer is on its way",
    "released": "allowed; the card is on its way",
    "recalled": "recalled: the card is deleted here",
    "expired": "over: the card could be kept no longer, and is deleted",
    "stopped": "stopped: permission, time or membership ended",
    "closed": "a card came that could not be opened; use the duty line, and ask again",
    "log_lost": "ended: the council's log was lost and has a successor; ask again",
}
RECALLED = {
    False: "recalled; the other organisation has not said yet that the card is deleted",
    True: "recalled; the other organisation states that its node deleted the card",
}
RENEWED = {
    ReceivedState.RECALLED: "being renewed, because its details have changed: a new card leaves "
    "once the other organisation states that its node deleted the old one",
    ReceivedState.ALLOWED: "being renewed: the old card is deleted there; the new one is on its "
    "way",
    ReceivedState.RELEASED: "renewed with the details as they are now; the card is on its way",
    ReceivedState.OPENED: "answered; since renewed with the details as they are now",
    ReceivedState.STOPPED: "recalled, and not renewed: permission, time or membership ended",
}
UNFINISHED = frozenset(
    {
        *(SentState.SENDING, SentState.WAITING, SentState.ALLOWED),
        *(ReceivedState.ASKS_PERSON, ReceivedState.DECIDING, ReceivedState.RELEASED),
    }
)


def inbox_value(tables: NodeTables, membership: HubMembership) -> dict[str, list[dict[str, Any]]]:
    """Requests to us and by us, for scripts."""
    hub_id, now = membership.hub.hub_id, membership.env.clock()
    wrong = {notice.request_id for notice in tables.governance.recalls(hub_id)}
    decide = {card.request.request_id for card in to_decide(tables, membership)}
    received = [
        {
            **_received(tables, membership, client, request),
            "state_text": _state_text(request, now, wrong),
            "recall_or_keep": request.request_id in decide,
        }
        for client, request in tables.received_requests.of_hub(hub_id)
    ]
    sent = tables.sent_requests.of_hub(hub_id)
    return {
        "alarms": alarms_value(tables, membership),
        "governance": [item for item in governance_value(tables, membership) if not item["seen"]],
        "attention": attention_value(tables, membership),
        "raised": raised_value(tables, membership),
        "received": received,
        "introduced": [
            _introduced(tables, membership, item) for item in tables.hints.introductions(hub_id)
        ],
        "sent": [
            {
                **sent_value(membership, client, request, now),
                "state_text": _state_text(request, now, wrong),
            }
            for client, request in sent
        ],
    }


def alarms_value(tables: NodeTables, membership: HubMembership) -> list[dict[str, Any]]:
    """What this node has noticed of a hub and nobody has dealt with yet, the worst first."""
    return [
        {
            "id": alarm.id,
            "code": alarm.code.value,
            "place": alarm.place,
            "about": _about(tables, membership, alarm),
            "since": alarm.first_seen,
            "severity": alarm.text.severity.name.lower(),
            "says": _says(alarm, membership),
            "what_to_do": alarm.text.what_to_do,
        }
        for alarm in open_alarms(tables, membership.hub.hub_id)
    ]


def _about(tables: NodeTables, membership: HubMembership, alarm: Alarm) -> str:
    if alarm.code is not AlarmCode.MAIL_REFUSED:
        return about(tables, membership, alarm)
    person = tables.people.get(int(alarm.place))
    return f"It is that of {person.title}." if person else ""


def _says(alarm: Alarm, membership: HubMembership) -> str:
    if alarm.code is not AlarmCode.CHECKPOINT_FUTURE:
        return alarm.text.sentence
    theirs = verify_note_by_charter(membership.view.note, membership.charter).seen_at
    times = clocks_differ(membership.env.clock(), theirs, "the witnesses'")
    return f"{alarm.text.sentence} Y{times[1:]}."


def _received(
    tables: NodeTables, membership: HubMembership, client: str | None, request: ReceivedRequest
) -> dict[str, Any]:
    charter = membership.charter
    member = membership.directory.member(request.requester)
    basis = charter.lawful_basis(request.basis)
    purposes = {purpose.code: purpose.title for purpose in charter.purposes}
    titles = {rule.field: rule.title for rule in basis.must_record} if basis else {}
    waits = request.state is ReceivedState.ASKS_PERSON
    asked = tables.records.involvement(request.involvement) if waits else None
    objects = objection_to(tables, membership, request, asked) is not None
    return {
        "request_id": request.request_id,
        "client": client,
        "agency": member.body.name if member else "an organisation that has left",
        "practitioner": request.asker.name,
        "role": request.asker.role.replace("_", " "),
        "purpose": purposes.get(request.purpose, request.purpose),
        "basis": f"{basis.title} ({basis.code})" if basis else request.basis,
        "facts": {titles.get(key, key): value for key, value in request.facts.items()},
        "needed_by": request.needed_by,
        "state": request.state.value,
        "clock": clock_value(membership, request, membership.env.clock()),
        "may_go_now": is_shown(tables, membership, request),
        "override": override_value(membership, request.basis) if objects else None,
        "with": with_value(tables, membership, request),
        **answered_value(tables, request),
    }


def _introduced(tables: NodeTables, membership: HubMembership, item: Introduced) -> dict[str, Any]:
    """Somebody to whom the hub named us, about whom, in which role and why."""
    member = membership.directory.member(item.requester)
    basis = membership.charter.lawful_basis(item.basis)
    purposes = {purpose.code: purpose.title for purpose in membership.charter.purposes}
    client = tables.stubs.client_of(item.hub_id, item.stub_id or "")
    return {
        "client": client.local_id if client else None,
        "agency": member.body.name if member else "an organisation that has left",
        "role": item.role.replace("_", " "),
        "purpose": purposes.get(item.purpose, item.purpose),
        "basis": f"{basis.title} ({basis.code})" if basis else item.basis,
        "asked_at": item.received_at,
    }


def sent_value(
    membership: HubMembership, client: str, request: SentRequest, now: int
) -> dict[str, Any]:
    """A request of ours; `client` is our own id of whom it is about. A card that is over is not
    shown.
    """
    member = membership.directory.member(request.holder)
    refused = request.state in {SentState.REFUSED, SentState.FAILED} and request.code
    return {
        "request_id": request.request_id,
        "client": client,
        "agency": member.body.name if member else "an organisation that has left",
        "needed_by": request.needed_by,
        "state": request.state.value,
        "code": request.code,
        "sentence": sentence(request.code, request.field) if refused and request.code else None,
        "card": _card(membership, request) if not is_over(request, now) else None,
        "keep_until": request.keep_until,
        "reason": request.reason.value if request.reason is not None else None,
        "reason_closed": reason_is_closed(request),
        "clock": clock_value(membership, request, now),
    }


def _card(membership: HubMembership, request: SentRequest) -> dict[str, Any] | None:
    """The card, with the agency's duty line and hours as the log has them now."""
    if request.card is None:
        return None
    member = membership.directory.member(request.holder)
    card = {"since": None, **request.card.model_dump()}
    if member is not None:
        card |= {"duty_line": member.body.duty_line, "duty_hours": member.body.duty_hours}
    return card


def is_over(request: SentRequest, now: int) -> bool:
    """Whether a card may not be shown any more, though it was not deleted yet."""
    return request.keep_until is not None and request.keep_until <= now


def _state_text(request: SentRequest | ReceivedRequest, now: int, wrong: Collection[str]) -> str:
    is_recalled = request.state in {SentState.RECALLED, ReceivedState.RECALLED}
    if is_recalled and request.request_id in wrong:
        return "recalled: it was the wrong person"
    renewed = _renewed_text(request, now)
    if renewed is not None:
        return renewed
    if request.expires <= now and request.state in UNFINISHED:
        return "expired; it can be asked again"
    if isinstance(request, ReceivedRequest) and is_recalled:
        return RECALLED[request.gone_at is not None]
    if isinstance(request, SentRequest) and is_over(request, now):
        return WAITING[SentState.EXPIRED]
    return WAITING.get(request.state, request.state.value)


def _renewed_text(request: SentRequest | ReceivedRequest, now: int) -> str | None:
    """What to say of a card that is or was renewed, or may be; None of any other."""
    in_time = request.keep_until is None or request.keep_until > now
    if isinstance(request, SentRequest):
        if request.recalled_by == request.holder and in_time:
            return (
                "recalled by the other organisation: the card is deleted here; if only its details "
                "have changed, a new one comes by itself"
            )
        if request.renewed_at is not None and request.state is SentState.OPENED and in_time:
            return "answered; their details have changed, and this is the new card"
        return None
    again = request.renew or request.former_release is not None
    if request.renew and not in_time and request.state is ReceivedState.ALLOWED:
        return RENEWED[ReceivedState.STOPPED]
    stopped = request.state is ReceivedState.STOPPED and request.gone_at is not None
    return RENEWED.get(request.state) if (again and in_time) or stopped else None
