"""Raising attention, and attention that others raise (specs/06-requests.md §13).

Whom it reaches is the hub's to work out: services that we are not shown are among them, and nothing
here depends on them.
"""

from dataclasses import dataclass, replace

from node.links.review import latest_publication
from node.membership.hub import HubMembership
from node.membership.outbox import Sent
from node.news.telling import Event, tell
from node.store.attention import Raised, RaisedState, Received
from node.store.journal import ExpectedEntry
from node.store.links import LinkState
from node.store.news import NewsKind
from node.store.outbox import Outgoing
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import WireModel, from_base64
from protocol.governance.retention import DAY
from protocol.messages.attention import AttentionBody, AttentionNoticeBody, AttentionPins
from protocol.messages.parts import RequestPractitioner
from protocol.messages.statement import Statement, parse_statement


@dataclass(frozen=True)
class Alert:
    """Attention that somebody (a row's id) wants to raise: about which client (our own id), in
    which role, and why (a code of the charter's).
    """

    local_id: str
    practitioner: int
    role: str
    kind: str


class Attention:
    """Attention at one hub."""

    def __init__(self, membership: HubMembership) -> None:
        self._membership = membership

    def raise_(self, tables: NodeTables, alert: Alert) -> str:
        """Put attention into the outbox; its id. Raises LocalError for what the hub would refuse,
        with a sentence that says what to do.
        """
        membership, hub_id = self._membership, self._membership.hub.hub_id
        membership.check_bound()
        client, stub_id = self._client(tables, alert.local_id)
        attention_id, fresh_id = membership.env.new_id(), membership.env.new_id()
        body = AttentionBody(
            attention_id=attention_id,
            stub_id=stub_id,
            practitioner=RequestPractitioner(
                id=tables.people.id_at(hub_id, alert.practitioner, fresh_id), role=alert.role
            ),
            kind=alert.kind,
            pins=AttentionPins(
                publication=latest_publication(tables, hub_id),
                requester_membership=membership.me().statement_id,
                charter=membership.directory.charter_at(None).statement_id,
            ),
        )
        now = membership.env.clock()
        raised = Raised(hub_id, attention_id, client, alert.practitioner, alert.kind, now)
        tables.attention.raise_(raised)
        tables.outbox.enqueue(Outgoing(hub_id, hub_id, body))
        return attention_id

    def on_sent(self, tables: NodeTables, sent: Sent) -> None:
        """The hub has logged it, and tells the team."""
        body = sent.statement.expect(AttentionBody).body
        self._became(tables, body.attention_id, RaisedState.SENT, None)

    def on_failed(
        self, tables: NodeTables, statement: Statement[WireModel], error: RemoteError
    ) -> None:
        """The hub did not take it; what it has taken before, under another signature, it has."""
        body = statement.expect(AttentionBody).body
        taken = error.code is ErrorCode.REPLAYED
        state = RaisedState.SENT if taken else RaisedState.FAILED
        self._became(tables, body.attention_id, state, None if taken else error.code.value)

    def on_notice(self, tables: NodeTables, statement: Statement[AttentionNoticeBody]) -> None:
        """Keep what another agency raised, about a client of ours. Raises RemoteError unless the
        hub says it, over a link that it told us of to that very agency, which signed it.
        """
        membership, body = self._membership, statement.body
        hub_id, now = membership.hub.hub_id, membership.env.clock()
        if statement.preamble.sender != hub_id:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "only the hub tells of attention")
        envelope = from_base64(body.attention)
        raised = parse_statement(envelope).expect(AttentionBody)
        membership.directory.verify(raised, body.index)
        link = tables.links.get(hub_id, body.link_id)
        ends = (raised.preamble.sender, body.stub_id)
        if link is None or (link.agency_id, link.stub_id) != ends:
            raise RemoteError(ErrorCode.NOT_FOUND, "attention over a link that is not the sender's")
        entry = ExpectedEntry(body.index, raised.id, body.salt, envelope)
        tables.journal.expect(hub_id, entry, now)
        kept = membership.charter.node_retention
        if kept is not None and raised.preamble.iat <= now - kept.news_days * DAY:
            return  # told again after a restore, and forgotten here since
        client = tables.stubs.client_of(hub_id, link.stub_id)
        if client is not None:
            raised_here = Event(NewsKind.ATTENTION, client.id, raised.body.attention_id)
            tell(tables, hub_id, [raised_here], now)
        tables.attention.receive(
            Received(
                hub_id=hub_id,
                attention_id=raised.body.attention_id,
                agency_id=raised.preamble.sender,
                link_id=link.link_id,
                stub_id=link.stub_id,
                role=raised.body.practitioner.role,
                kind=raised.body.kind,
                raised_at=raised.preamble.iat,
            )
        )

    def _became(
        self, tables: NodeTables, attention_id: str, state: RaisedState, code: str | None
    ) -> None:
        raised = tables.attention.raised(self._membership.hub.hub_id, attention_id)
        if raised is not None and raised.state is RaisedState.SENDING:
            tables.attention.change(raised, replace(raised, state=state, code=code))

    def _client(self, tables: NodeTables, local_id: str) -> tuple[int, str]:
        """The row of a client whom others can see that we work with, and its stub's id."""
        membership = self._membership
        client = tables.records.client(local_id)
        if client is None:
            raise LocalError(ErrorCode.NOT_FOUND, "no client has that id here")
        stub = tables.stubs.of_client(membership.hub.hub_id, client.id)
        if stub is None or stub.retired:
            raise LocalError(
                ErrorCode.NOT_READY,
                "nobody is told that you work with this client, so there is no team to tell: see "
                "patchwork-node team for why",
            )
        works = tables.records.in_force(client.id, membership.at())
        types = [membership.agreement.kind(item.type) for item in works]
        if not any(kind and kind.openness != "sensitive" for kind in types):
            raise LocalError(
                ErrorCode.NOT_ALLOWED,
                "your work with this client is shown to nobody, or is over, so nobody can be told "
                "of it: ask for the contact details of somebody in the team instead",
            )
        return client.id, stub.stub_id


def team_as_shown(tables: NodeTables, membership: HubMembership, local_id: str) -> list[str]:
    """The names of the agencies that are shown to work with a client of ours now, each once."""
    hub_id = membership.hub.hub_id
    client = tables.records.client(local_id)
    stub = tables.stubs.of_client(hub_id, client.id) if client else None
    links = tables.links.of_stub(hub_id, stub.stub_id) if stub else []
    agencies = {
        link.agency_id
        for link in links
        if link.state is LinkState.MATCH and any(not item.is_past for item in link.involvements)
    }
    members = (membership.directory.active(one) for one in agencies if one)
    return sorted(member.body.name for member in members if member)
