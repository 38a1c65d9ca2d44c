"""Introductions: hints that come, asking who is behind one, and who asked for us.

specs/06-requests.md §12. A practitioner asks, the hub names the other service and tells it who
asked; a request for its contact details follows like any other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from node.links.review import latest_publication
from node.membership.hub import HubMembership
from node.membership.outbox import Sent
from node.requests.facts import request_facts
from node.requests.grounds import Ground, with_recorded
from node.store.hints import Hint, HintState, Introduced
from node.store.outbox import Outgoing
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import WireModel
from protocol.messages.introductions import (
    HintsBody,
    IntroductionDecisionBody,
    IntroductionRequestBody,
)
from protocol.messages.parts import RequestPractitioner
from protocol.messages.review import IdentityPins
from protocol.messages.statement import Statement


@dataclass(frozen=True)
class IntroductionRequest:
    """Which service a practitioner wants to be introduced to, by a hint, and why."""

    hint_id: str
    practitioner: int
    role: str
    purpose: str
    basis: str
    facts: Mapping[str, str]


class Introductions:
    """Introductions at one hub, asked for and received."""

    def __init__(self, membership: HubMembership) -> None:
        self._membership = membership

    def on_hints(self, tables: NodeTables, statement: Statement[HintsBody]) -> None:
        """Take what the hub tells of services that we may not see."""
        hub_id, body = self._membership.hub.hub_id, statement.body
        if statement.preamble.sender != hub_id:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "only the hub tells of services")
        for item in body.hints:
            if item.says == "ended":
                tables.hints.end(hub_id, item.hint_id)
                continue
            told = (item.hint_id, item.stub_id, item.says, item.member_class, body.round)
            tables.hints.take([Hint(hub_id, *told)])

    def ask(self, tables: NodeTables, wanted: IntroductionRequest) -> None:
        """Put a request to be introduced into the outbox. Raises LocalError."""
        membership, hub_id = self._membership, self._membership.hub.hub_id
        membership.check_bound()
        hint = tables.hints.get(hub_id, wanted.hint_id)
        if hint is None or hint.says != "service":
            raise LocalError(ErrorCode.NOT_FOUND, "no service can be reached by that hint now")
        client = tables.stubs.client_of(hub_id, hint.stub_id)
        if client is None:
            raise LocalError(ErrorCode.NOT_FOUND, "the client of that hint is not here any more")
        ground = Ground(wanted.basis, wanted.purpose, hint.member_class)
        values, _ = with_recorded(tables, membership, client.id, ground, wanted.facts)
        facts, _ = request_facts(membership, wanted.basis, values)
        person = tables.people.id_at(hub_id, wanted.practitioner, membership.env.new_id())
        body = IntroductionRequestBody(
            hint_id=hint.hint_id,
            stub_id=hint.stub_id,
            practitioner=RequestPractitioner(id=person, role=wanted.role),
            purpose=wanted.purpose,
            basis=wanted.basis,
            facts=facts,
            pins=IdentityPins(
                round=hint.round_id,
                publication=latest_publication(tables, hub_id),
                requester_membership=membership.me().statement_id,
                charter=membership.directory.charter_at(None).statement_id,
            ),
        )
        asking = replace(hint, state=HintState.ASKING, request_id=None, code=None, field=None)
        tables.hints.change(hint, asking)
        tables.outbox.enqueue(Outgoing(hub_id, hub_id, body))

    def on_sent(self, tables: NodeTables, sent: Sent) -> None:
        """The hub has logged our request; its decision comes by mail, with its place in the log."""
        hint = self._asking(tables, sent.statement.expect(IntroductionRequestBody).body.hint_id)
        if hint is not None:
            tables.hints.change(hint, replace(hint, request_id=sent.statement.id))

    def on_failed(
        self, tables: NodeTables, statement: Statement[WireModel], error: RemoteError
    ) -> None:
        """The hub did not take the request at all."""
        hint = self._asking(tables, statement.expect(IntroductionRequestBody).body.hint_id)
        if hint is not None:
            failed = replace(hint, state=HintState.FAILED, code=error.code.value)
            tables.hints.change(hint, failed)

    def on_request(self, tables: NodeTables, statement: Statement[IntroductionRequestBody]) -> None:
        """Keep what another agency asked the hub; it does not say of whom."""
        body, preamble, hub_id = statement.body, statement.preamble, self._membership.hub.hub_id
        if preamble.aud != hub_id:
            raise RemoteError(ErrorCode.WRONG_RECIPIENT, "such a request goes to the hub")
        asked = (preamble.sender, body.practitioner.role, body.purpose, body.basis)
        now = self._membership.env.clock()
        tables.hints.put_introduced(Introduced(hub_id, statement.id, *asked, now))

    def on_decision(
        self, tables: NodeTables, statement: Statement[IntroductionDecisionBody]
    ) -> None:
        """The hub decided: it names the other service to us, or us to the other."""
        membership = self._membership
        if statement.preamble.sender != membership.hub.hub_id:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "only the hub introduces")
        if statement.preamble.aud == membership.hub.party_id:
            self._decided(tables, statement.body)
        else:
            self._named(tables, statement.body)

    def _decided(self, tables: NodeTables, body: IntroductionDecisionBody) -> None:
        """On our own request; what was told has perhaps ended meanwhile."""
        hint = self._asking(tables, body.hint_id)
        if hint is None or hint.request_id not in {None, body.request}:
            return
        named = body.outcome != "refuse" and body.service is not None
        state = HintState.NAMED if named else HintState.REFUSED
        service = body.service if named else None
        after = replace(hint, state=state, request_id=body.request, service=service)
        tables.hints.change(hint, replace(after, code=body.code, field=body.field))

    def _named(self, tables: NodeTables, body: IntroductionDecisionBody) -> None:
        """Somebody was told of us, over a client of whom we were told the same."""
        hub_id, service = self._membership.hub.hub_id, body.service
        item = tables.hints.introduced(hub_id, body.request)
        unknown = RemoteError(ErrorCode.NOT_FOUND, "no introduction to us that we know of")
        if item is None or service is None or body.outcome == "refuse":
            raise unknown
        hint = tables.hints.get(hub_id, service.hint_id)
        if hint is None or service.agency_id != self._membership.hub.party_id:
            raise unknown
        over = replace(item, stub_id=hint.stub_id, link_id=service.link_id)
        tables.hints.put_introduced(over)

    def _asking(self, tables: NodeTables, hint_id: str) -> Hint | None:
        """A hint that waits for the hub's decision."""
        hint = tables.hints.get(self._membership.hub.hub_id, hint_id)
        return hint if hint is not None and hint.state is HintState.ASKING else None
