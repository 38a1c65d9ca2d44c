"""Enquiring about somebody who is no client: what commands, API and browser do.

An enquiry is asked of the hub and, if it is allowed, published at once; whom others have is shown
after the next round, as for a client.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from node.actions.asking import Grounds
from node.actions.clients import tell_hub
from node.publishing.publisher import Publisher
from node.records import by_hand, enquiries
from node.records.by_hand import By
from node.records.search import MOST_FOUND
from node.requests.enquiring import WantedEnquiry
from node.service import NodeService
from node.store.enquiries import Enquiry, EnquiryState
from node.store.tables import NodeTables
from node.views.enquiries import enquiry_value
from protocol.errors import ErrorCode, LocalError
from protocol.requests.refusals import RefusalCode, sentence


@dataclass(frozen=True)
class NewEnquiry:
    """What somebody types of who they enquire about, by field; in which role, and why. `is_new`:
    they have looked at who of our own clients is alike.
    """

    typed: Mapping[str, str]
    role: str
    grounds: Grounds
    is_new: bool = False


async def enquire(service: NodeService, new: NewEnquiry, person: int) -> dict[str, Any]:
    """Enquire in a person's name (a row's id); the enquiry as a value.

    Raises LocalError naming what to mend, the own client whom it would be about, or why the hub
    refused; RemoteError if the hub is away: then the enquiry is here and goes by itself.
    """
    membership = service.membership
    now = membership.env.clock()
    record = by_hand.read_record(new.typed, datetime.fromtimestamp(now, UTC).date())
    found = await service.read(lambda tables, _: enquiries.alike(tables, record, now))
    _check_not_ours(found, is_new=new.is_new)
    wanted = WantedEnquiry(
        record=record,
        practitioner=person,
        role=new.role,
        purpose=new.grounds.purpose,
        basis=new.grounds.basis,
        facts=new.grounds.facts,
    )
    await membership.begin()
    made = await membership.engine.write(lambda tables: service.enquiring.enquire(tables, wanted))
    await service.advance()
    done = await service.read(lambda tables, _: tables.enquiries.get(made.hub_id, made.enquiry_id))
    _check_allowed(done or made)
    await membership.follow()
    await Publisher(membership).publish_enquiries()
    return await service.read(lambda tables, _: _published(tables, service, made))


async def close_enquiry(service: NodeService, local_id: str, person: int) -> None:
    """End an enquiry before its time, and tell the hub. Raises LocalError, RemoteError."""
    by = By(person, service.membership.env.clock())
    await service.membership.engine.write(lambda tables: enquiries.close(tables, local_id, by))
    await tell_hub(service, "closed here, but the hub was not told; run publish: ")


def _check_not_ours(found: enquiries.Alike, *, is_new: bool) -> None:
    if found.ours:
        local_id = found.ours[0].local_id
        raise LocalError(
            ErrorCode.CONFLICT,
            f"nothing was asked: this is your own client {local_id}; patchwork-node team "
            f"{local_id} shows who works with them",
        )
    if found.perhaps and not is_new:
        ids = ", ".join(client.local_id for client in found.perhaps[:MOST_FOUND])
        raise LocalError(
            ErrorCode.CONFLICT,
            f"nothing was asked: is it one of your own, {ids}? If you looked, say that it is none "
            "of them",
        )


def _check_allowed(done: Enquiry) -> None:
    if done.state is EnquiryState.SENDING:
        raise LocalError(
            ErrorCode.NOT_READY, "the enquiry waits to be sent: see patchwork-node enquire list"
        )
    if done.state is EnquiryState.REFUSED or done.code == RefusalCode.OVER_QUOTA:
        raise LocalError(ErrorCode.NOT_ALLOWED, sentence(str(done.code), done.field))
    if done.state is not EnquiryState.ALLOWED:
        code = ErrorCode(done.code) if done.code else ErrorCode.CONFLICT
        raise LocalError(code, "the hub did not take the enquiry")


def _published(tables: NodeTables, service: NodeService, made: Enquiry) -> dict[str, Any]:
    (client,) = tables.records.clients_by_row([made.client])
    value = enquiry_value(tables, service.membership, client)
    if not value["published"]:
        raise LocalError(
            ErrorCode.NOT_READY,
            f"the enquiry is here as {client.local_id}, and cannot be published today: a limit of "
            "the sharing agreement on new or changed records is reached. It goes by itself",
        )
    return value
