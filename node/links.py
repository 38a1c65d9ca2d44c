"""Links as the hub's rounds tell them, and the team around a client (specs/01-statements.md §5).

A link is the hub's claim. It becomes more than that only when both sides prove, with their link
secret, that they hold the same value.
"""

import json
from dataclasses import dataclass

from node.federation import Federation
from node.store import NodeTables
from node.tokens import TokenCache
from protocol.charter import DutyDesk
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.messages import LinkEvidence, LinkNotice, NoticeBody
from protocol.statement import Statement
from storage.tables import Row


@dataclass(frozen=True)
class TeamMember:
    """One involvement of another agency with the same client, and whom to ring."""

    involvement_id: str
    label: str
    agency: str
    duty_line: str
    duty_hours: str


@dataclass(frozen=True)
class Team:
    """The team around a client: others, how many possible matches wait, and the duty desk.

    An empty team never means that nobody works with the client.
    """

    own: tuple[str, ...]
    others: tuple[TeamMember, ...]
    possible: int
    duty_desk: DutyDesk
    published: bool


def on_notice(tables: NodeTables, federation: Federation, statement: Statement[NoticeBody]) -> None:
    """Take what a round means for us. Raises RemoteError unless the hub said it."""
    if statement.preamble.sender != federation.hub.hub_id:
        raise RemoteError(ErrorCode.NOT_ALLOWED, "only the hub tells of links")
    for notice in statement.body.links:
        _take(tables, federation.hub.hub_id, statement.body.round, notice)


def team_of(tables: NodeTables, federation: Federation, local_id: str) -> Team:
    """The team around a client. Raises LocalError(NOT_FOUND) for no client of ours."""
    client = tables.client(local_id)
    if client is None:
        raise LocalError(ErrorCode.NOT_FOUND, "no client has that id here")
    hub_id, now = federation.hub.hub_id, federation.outside.clock()
    stub = tables.stub_of(hub_id, client["id"])
    published = stub is not None and not stub["retired"]
    links = (
        tables.rows(
            "SELECT * FROM link WHERE hub_id = ? AND stub_id = ? AND state <> 'ended' "
            "ORDER BY link_id",
            hub_id, stub["stub_id"],
        )
        if stub
        else []
    )  # fmt: skip
    others = [member for link in links for member in _members(federation, link)]
    titles = {item.code: item.title for item in federation.charter.involvement_types}
    own = [str(titles.get(row["type"])) for row in tables.in_force(client["id"], now)]
    possible = sum(link["state"] == "possible" for link in links)
    desk = federation.charter.duty_desk
    return Team(tuple(own), tuple(others), possible, desk, published)


def evidence_secret(
    tables: NodeTables, federation: Federation, link: Row
) -> tuple[LinkEvidence, bytes]:
    """The evidence the hub named for a link, and our own link secret for it."""
    if link["evidence"] is None:
        raise LocalError(ErrorCode.NOT_READY, "the hub named no evidence for this link")
    evidence = LinkEvidence.model_validate(json.loads(link["evidence"]))
    row = tables.one(
        "SELECT input_digest FROM published_token "
        "WHERE hub_id = ? AND stub_id = ? AND match_key_id = ? AND ordinal = ?",
        federation.hub.hub_id, link["stub_id"], evidence.match_key_id, evidence.ordinal,
    )  # fmt: skip
    if row is None:
        raise LocalError(ErrorCode.NOT_READY, "the link rests on a token we no longer publish")
    return evidence, TokenCache(federation).get(tables, row["input_digest"]).link_secret


def link_secrets(
    tables: NodeTables, federation: Federation, stub_id: str, match_key_id: str
) -> list[bytes]:
    """All our link secrets of one match-key type for a stub: one of them must fit a request."""
    cache = TokenCache(federation)
    rows = tables.rows(
        "SELECT input_digest FROM published_token "
        "WHERE hub_id = ? AND stub_id = ? AND match_key_id = ?",
        federation.hub.hub_id, stub_id, match_key_id,
    )  # fmt: skip
    return [cache.get(tables, row["input_digest"]).link_secret for row in rows]


def _take(tables: NodeTables, hub_id: str, round_id: str, notice: LinkNotice) -> None:
    # Kept whatever stub it names: ours may be of a publication whose answer is still to come.
    if notice.state == "ended":
        tables.run(
            "UPDATE link SET state = 'ended' WHERE hub_id = ? AND link_id = ?",
            hub_id, notice.link_id,
        )  # fmt: skip
        return
    evidence = notice.evidence.model_dump() if notice.evidence else None
    row = {
        "hub_id": hub_id,
        "link_id": notice.link_id,
        "stub_id": notice.stub_id,
        "state": notice.state,
        "agency_id": notice.agency_id,
        "involvements": json.dumps([item.model_dump() for item in notice.involvements]),
        "evidence": json.dumps(evidence) if evidence else None,
        "round_id": round_id,
    }
    tables.database.table("link").insert(row, pk=("hub_id", "link_id"), replace=True)


def _members(federation: Federation, link: Row) -> list[TeamMember]:
    member = federation.directory.active(link["agency_id"]) if link["agency_id"] else None
    if member is None:
        return []
    return [
        TeamMember(
            item["id"],
            item["label"],
            member.body.name,
            member.body.duty_line,
            member.body.duty_hours,
        )
        for item in json.loads(link["involvements"])
    ]
