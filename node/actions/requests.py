"""Asking for contact details, and answering: written down, and sent at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from pydantic import ValidationError

from node.links.references import Entry, entries_of, entry_named
from node.links.team import label_of
from node.membership.hub import HubMembership
from node.records.people import acting
from node.requests.answering import Answer
from node.requests.asking import ContactRequest
from node.requests.passing import pass_on
from node.service import NodeService
from node.store.people import Act, Deed
from node.store.requests import ReceivedState
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.requests.decide import Decision
from protocol.requests.disclosure import Disclosure, Override


@dataclass(frozen=True)
class Grounds:
    """Why a practitioner asks: purpose, lawful basis, and the facts that the basis demands."""

    purpose: str
    basis: str
    facts: Mapping[str, str]


@dataclass(frozen=True)
class Addressee:
    """To whom a request goes: what a reference in a client's team names, and whose it is."""

    entry: Entry
    agency: str

    @property
    def title(self) -> str:
        """The organisation and the work, in words."""
        return f"{self.agency} ({label_of(self.entry.involvement)})"


@dataclass(frozen=True)
class Ask:
    """A request for the contact details of somebody in a client's team; `person` is who asks (a
    row's id).
    """

    client: str
    addressee: Addressee
    person: int
    role: str
    grounds: Grounds


async def addressee_of(service: NodeService, client: str, reference: str) -> Addressee:
    """To whom a request by this reference goes. Raises LocalError.

    What was shown before and has ended can be asked for too: the hub refuses, and logs that it did.
    """
    return await service.read(partial(_addressee, client=client, reference=reference))


async def ask_now(service: NodeService, ask: Ask) -> str:
    """Ask and send at once; the request's id. Raises LocalError or RemoteError.

    It goes to this addressee, or nowhere: the team may have changed since it was looked up.
    """
    membership, entry = service.membership, ask.addressee.entry
    asked = ContactRequest(
        local_id=ask.client,
        link_id=entry.link.link_id,
        involvement_id=entry.involvement.id,
        holder=entry.agency_id,
        practitioner=ask.person,
        role=ask.role,
        purpose=ask.grounds.purpose,
        basis=ask.grounds.basis,
        facts=ask.grounds.facts,
    )
    await membership.begin()
    request_id = await membership.engine.write(lambda tables: service.asking.ask(tables, asked))
    await service.advance()
    return request_id


async def answer_now(service: NodeService, answer: Answer) -> Decision:
    """Answer, send at once, and release when a quorum has seen the decision; what was decided, a
    refusal of the rules where nobody may allow it. Raises LocalError, or RemoteError if the hub
    did not take it: then it waits for a person again.
    """
    membership = service.membership
    await membership.begin()
    decision = await membership.engine.write(
        lambda tables: service.answering.answer(tables, answer)
    )
    await service.advance()
    hub_id = membership.hub.hub_id
    request = await membership.engine.read(
        lambda tables: tables.received_requests.get(hub_id, answer.request_id)
    )
    if request is not None and request.state is ReceivedState.ASKS_PERSON:
        raise RemoteError(
            ErrorCode.NOT_ALLOWED,
            "the hub did not take your answer; the request waits for one again, and what you wrote "
            "is kept",
        )
    return decision


async def pass_on_now(service: NodeService, request_id: str, person: int, to: str) -> str:
    """Pass a request on in a person's name (a row's id) to the one colleague of a name; who it is.
    Raises LocalError.
    """
    await service.membership.check_synced()

    def work(tables: NodeTables) -> str:
        colleague = acting(tables, to)
        pass_on(tables, service.membership, request_id, (person, colleague.id))
        return colleague.title

    return await service.membership.engine.write(work)


def read_override(reason: str, role: str) -> Override | None:
    """Why somebody allows a request in spite of an objection, as typed. Raises LocalError."""
    if not reason and not role:
        return None
    try:
        return Override(reason=reason, role=role)
    except ValidationError:
        raise LocalError(
            ErrorCode.NOT_READY, "an objection is overridden with --override REASON and --role ROLE"
        ) from None


async def disclose(
    service: NodeService, request_id: str, person: int, *, with_reason: bool = False
) -> Disclosure:
    """What we went by when we decided on a request, for an auditor; `person` (a row's id) opens it.
    `with_reason`: with what somebody wrote who refused, which may name a client.

    Raises LocalError(NOT_FOUND) where nothing was decided, or by a program that did not keep it.
    """
    hub_id, now = service.membership.hub.hub_id, service.membership.env.clock()

    def work(tables: NodeTables) -> Disclosure:
        request = tables.received_requests.get(hub_id, request_id)
        if request is None or request.disclosure is None:
            raise LocalError(ErrorCode.NOT_FOUND, "nothing was kept of a decision on that request")
        tables.people.acted(Act(person, Deed.DISCLOSED, request_id, now))
        reason = request.reason if with_reason else None
        return request.disclosure.model_copy(update={"reason": reason})

    return await service.membership.engine.write(work)


def _addressee(
    tables: NodeTables, membership: HubMembership, client: str, reference: str
) -> Addressee:
    row = tables.records.client(client)
    if row is None:
        raise LocalError(ErrorCode.NOT_FOUND, "no client has that id here")
    stub = tables.stubs.of_client(membership.hub.hub_id, row.id)
    links = tables.links.of_stub(membership.hub.hub_id, stub.stub_id) if stub else []
    entry = entry_named(entries_of(links), reference)
    member = membership.directory.member(entry.agency_id)
    return Addressee(entry, member.body.name if member else "an organisation that has left")
