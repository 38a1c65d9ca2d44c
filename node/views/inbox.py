"""What the node's commands print: plain English, and the same as JSON for scripts.

Reads the node's own database. Shows client data to the agency's own people on their own screen;
nothing here is logged.
"""

import json
from dataclasses import asdict
from typing import Any

from node.alarms import open_alarms
from node.links.team import Team
from node.membership.hub import HubMembership
from node.oversight.governance import governance_value
from node.requests.without_quorum import is_shown
from node.store.tables import NodeTables
from protocol.requests.refusals import sentence
from storage.engine import Row

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
    "recalled": "recalled: it was the wrong person",
    "stopped": "stopped: permission, time or membership ended",
    "closed": "a card came that could not be opened; use the duty line, and ask again",
    "log_lost": "ended: the council's log was lost and has a successor; ask again",
}
UNFINISHED = frozenset({"sending", "waiting", "allowed", "asks_person", "deciding", "released"})


def team_value(team: Team) -> dict[str, Any]:
    """The team for scripts."""
    return {
        "own": list(team.own),
        "others": [asdict(member) for member in team.others],
        "possible": team.possible,
        "duty_desk": team.duty_desk.model_dump(),
        "published": team.published,
        "unpublished": team.unpublished,
        "waiting": team.waiting,
        "ring": [asdict(line) for line in team.ring],
    }


def inbox_value(tables: NodeTables, membership: HubMembership) -> dict[str, list[dict[str, Any]]]:
    """Requests to us and by us, for scripts."""
    hub_id, now = membership.hub.hub_id, membership.env.clock()
    received = tables.tx.rows(
        "SELECT r.*, c.local_id FROM received_request r "
        "LEFT JOIN involvement i ON i.id = r.involvement LEFT JOIN client c ON c.id = i.client "
        "WHERE r.hub_id = ? ORDER BY r.received_at",
        hub_id,
    )
    sent = tables.tx.rows(
        "SELECT s.*, c.local_id FROM sent_request s JOIN client c ON c.id = s.client "
        "WHERE s.hub_id = ? ORDER BY s.asked_at",
        hub_id,
    )
    return {
        "alarms": alarms_value(tables, hub_id),
        "governance": [item for item in governance_value(tables, membership) if not item["seen"]],
        "received": [_received(tables, membership, row) for row in received],
        "sent": [_sent(row, now) for row in sent],
    }


def alarms_value(tables: NodeTables, hub_id: str) -> list[dict[str, Any]]:
    """What this node has noticed of a hub and nobody has dealt with yet, the worst first."""
    return [
        {
            "id": alarm.id,
            "code": alarm.code.value,
            "place": alarm.place,
            "since": alarm.first_seen,
            "severity": alarm.text.severity.name.lower(),
            "says": alarm.text.sentence,
            "what_to_do": alarm.text.what_to_do,
        }
        for alarm in open_alarms(tables, hub_id)
    ]


def _received(tables: NodeTables, membership: HubMembership, row: Row) -> dict[str, Any]:
    now = membership.env.clock()
    charter = membership.charter
    practitioner = json.loads(row["practitioner"])
    member = membership.directory.member(row["requester"])
    basis = charter.lawful_basis(row["basis"])
    purposes = {purpose.code: purpose.title for purpose in charter.purposes}
    titles = {rule.field: rule.title for rule in basis.must_record} if basis else {}
    return {
        "request_id": row["request_id"],
        "client": row["local_id"],
        "agency": member.body.name if member else "an organisation that has left",
        "practitioner": practitioner["name"],
        "role": practitioner["role"].replace("_", " "),
        "purpose": purposes.get(row["purpose"], row["purpose"]),
        "basis": f"{basis.title} ({basis.code})" if basis else row["basis"],
        "facts": {titles.get(key, key): value for key, value in json.loads(row["facts"]).items()},
        "state": row["state"],
        "state_text": _state_text(row, now),
        "may_go_now": is_shown(tables, membership, row),
    }


def _sent(row: Row, now: int) -> dict[str, Any]:
    refused = row["state"] in {"refused", "failed"} and row["code"]
    return {
        "request_id": row["request_id"],
        "client": row["local_id"],
        "state": row["state"],
        "state_text": _state_text(row, now),
        "code": row["code"],
        "sentence": sentence(row["code"], row["field"]) if refused else None,
        "card": json.loads(row["card"]) if row["card"] else None,
    }


def _state_text(row: Row, now: int) -> str:
    if row["expires"] <= now and row["state"] in UNFINISHED:
        return "expired; it can be asked again"
    return WAITING.get(row["state"], str(row["state"]))
