"""Enquiring about somebody who is no client: asked of the hub, and published when it allows it.

specs/06-requests.md §11. The hub is told who asks (by an opaque id), for what and on what basis;
about whom, only the tokens of the stub say, once it may be published.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from node.membership.hub import HubMembership
from node.membership.outbox import Sent
from node.records import enquiries
from node.requests.facts import request_facts
from node.store.enquiries import Enquiry, EnquiryState
from node.store.outbox import Outgoing
from node.store.people import Act, Deed
from node.store.records import Client, record_of
from node.store.stubs import PublishedStub
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import WireModel
from protocol.governance.enquiries import EnquiryRule
from protocol.governance.limits import DAY
from protocol.matchkeys.recipes import match_keys, names_somebody
from protocol.matchkeys.records import ClientRecord
from protocol.messages.enquiries import EnquiryBody, EnquiryDecisionBody
from protocol.messages.parts import RequestPractitioner
from protocol.messages.statement import Statement


@dataclass(frozen=True)
class WantedEnquiry:
    """About whom somebody wants to enquire, who that is (a row id), in which role, for what and on
    what basis. `facts` are in the clear, as typed; what the charter marks `committed` stays here.
    """

    record: ClientRecord
    practitioner: int
    role: str
    purpose: str
    basis: str
    facts: Mapping[str, str]


class Enquiring:
    """Enquiries at one hub."""

    def __init__(self, membership: HubMembership) -> None:
        self._membership = membership

    @property
    def rule(self) -> EnquiryRule:
        """What the charter says of enquiries. Raises LocalError if it knows none."""
        if self._membership.charter.enquiry is None:
            raise LocalError(ErrorCode.NOT_ALLOWED, "the sharing agreement knows no enquiries")
        return self._membership.charter.enquiry

    def enquire(self, tables: NodeTables, wanted: WantedEnquiry) -> Enquiry:
        """Put an enquiry into the outbox; the same person's again is the same record and stub.

        Whether it is allowed is the hub's decision, so that refusals are logged too. Raises
        LocalError.
        """
        membership = self._membership
        membership.check_bound()
        hub_id, now, rule = membership.hub.hub_id, membership.env.clock(), self.rule
        client = self._person(tables, wanted.record)
        if any(one.state is EnquiryState.SENDING for one in tables.enquiries.of_client(client.id)):
            raise LocalError(
                ErrorCode.CONFLICT,
                f"{client.local_id} is on its way to the hub already: it goes by itself",
            )
        facts, openings = request_facts(membership, wanted.basis, wanted.facts)
        enquiry = Enquiry(
            hub_id=hub_id,
            enquiry_id=membership.env.new_id(),
            client=client.id,
            practitioner=wanted.practitioner,
            role=wanted.role,
            purpose=wanted.purpose,
            basis=wanted.basis,
            openings=openings,
            made_at=now,
            until=now + rule.days * DAY,
        )
        fresh_id = membership.env.new_id()
        person = tables.people.id_at(hub_id, wanted.practitioner, fresh_id)
        body = EnquiryBody(
            enquiry_id=enquiry.enquiry_id,
            stub_id=self._stub(tables, client.id),
            practitioner=RequestPractitioner(id=person, role=wanted.role),
            purpose=wanted.purpose,
            basis=wanted.basis,
            facts=facts,
            until=enquiry.until,
        )
        tables.enquiries.add(enquiry)
        tables.people.acted(Act(wanted.practitioner, Deed.ENQUIRED, client.local_id, now))
        tables.outbox.enqueue(Outgoing(hub_id, hub_id, body))
        return enquiry

    def on_sent(self, tables: NodeTables, sent: Sent) -> None:
        """Take the hub's decision; what is allowed is to be published."""
        body = sent.statement.expect(EnquiryBody).body
        enquiry = self._sending(tables, body.enquiry_id)
        if enquiry is None:
            return
        if sent.decision is None:  # a backup that was put back was not told it again
            tables.enquiries.decide(enquiry, EnquiryState.STOPPED)
            return
        decision = sent.decision.expect(EnquiryDecisionBody).body
        if decision.enquiry != sent.statement.id:
            raise RemoteError(ErrorCode.WRONG_RECIPIENT, "the hub decided another enquiry")
        if decision.outcome == "refuse":
            state = EnquiryState.REFUSED
            tables.enquiries.decide(enquiry, state, decision.code, decision.field)
            return
        tables.enquiries.decide(enquiry, EnquiryState.ALLOWED)
        basis = self._membership.agreement.own_basis(enquiry.basis)
        enquiries.go_on(tables, enquiry.client, basis, enquiry.until, enquiry.practitioner)
        tables.stubs.publish_again(enquiry.hub_id, enquiry.client)

    def on_failed(
        self, tables: NodeTables, statement: Statement[WireModel], error: RemoteError
    ) -> None:
        """The hub did not take the enquiry at all."""
        enquiry = self._sending(tables, statement.expect(EnquiryBody).body.enquiry_id)
        if enquiry is not None:
            tables.enquiries.decide(enquiry, EnquiryState.FAILED, error.code.value)

    def _person(self, tables: NodeTables, record: ClientRecord) -> Client:
        """Who it is about, as kept here. Raises LocalError for somebody whom nobody could find."""
        membership = self._membership
        people = tables.enquiries.about(membership.hub.hub_id)
        found = enquiries.known_enquiry(people, record)
        if found is not None:
            enquiries.say_more(tables, found, record)
        else:
            local_id = f"enquiry-{membership.env.random(4).hex()}"
            found = Client(enquiries.begin(tables, record, local_id), local_id, record)
        policy, shared = membership.charter.policy, membership.shared_places
        if not names_somebody(match_keys(record_of(found, shared), policy.keys)):
            raise LocalError(
                ErrorCode.NOT_READY,
                "nobody can be found by so little: a name with a date of birth, or an NHS number",
            )
        return found

    def _stub(self, tables: NodeTables, client: int) -> str:
        """The stub of somebody at the hub; one that it does not know yet, if there is none."""
        hub_id = self._membership.hub.hub_id
        stub = tables.stubs.of_client(hub_id, client)
        if stub is None:
            stub = PublishedStub(client, self._membership.env.new_id(), 0, "", retired=True)
            tables.stubs.put(hub_id, [stub], 0)
        return stub.stub_id

    def _sending(self, tables: NodeTables, enquiry_id: str) -> Enquiry | None:
        enquiry = tables.enquiries.get(self._membership.hub.hub_id, enquiry_id)
        waits = enquiry is not None and enquiry.state is EnquiryState.SENDING
        return enquiry if waits else None
