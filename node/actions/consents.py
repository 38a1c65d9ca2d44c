"""Consents of this agency's own clients: given, shown, withdrawn, and a receipt for the client."""

from dataclasses import dataclass
from typing import Any

from node.actions.clients import tell_hub
from node.membership.hub import HubMembership
from node.records import agreements
from node.records.agreements import Agency, Given
from node.records.by_hand import By
from node.service import NodeService
from node.store.tables import NodeTables
from node.views.consents import Choices, choices, consents_value
from node.views.receipt import receipt_text, receipt_value, said_of


@dataclass(frozen=True)
class Receipt:
    """What a client is given: a value by the fields of ISO/IEC TS 27560, and a page to read."""

    value: dict[str, Any]
    text: str


async def give_consent(service: NodeService, given: Given, person: int) -> list[int]:
    """Record a consent in a person's name (a row's id) and publish at once; its number for each
    piece of work that it is to.

    Raises LocalError, changing nothing; RemoteError if it is recorded and the hub was not told.
    """
    membership = service.membership
    agency = Agency(membership.agreement, membership.me().body.member_class, membership.env.new_id)
    by = By(person, membership.env.clock())
    numbers = await membership.engine.write(
        lambda tables: agreements.give(tables, agency, given, by)
    )
    await tell_hub(service, "recorded here, but the hub was not told; run publish: ")
    return numbers


async def consent_choices(service: NodeService, client: str) -> Choices:
    """What a consent of a client can say: from what to choose. Raises LocalError."""

    def read(tables: NodeTables, membership: HubMembership) -> Choices:
        return choices(tables, membership, client)

    return await service.read(read)


async def show_consents(service: NodeService, client: str) -> dict[str, Any]:
    """All that was ever agreed of a client's work, as a value. Raises LocalError."""

    def read(tables: NodeTables, membership: HubMembership) -> dict[str, Any]:
        return consents_value(tables, client, membership.env.clock())

    return await service.read(read)


async def receipt_of(service: NodeService, number: int) -> Receipt:
    """The receipt of a consent by its number. Raises LocalError. Nothing of it leaves the node."""
    receipt_id = service.membership.env.new_id()

    def read(tables: NodeTables, membership: HubMembership) -> Receipt:
        said = said_of(tables, membership, number)
        return Receipt(receipt_value(said, receipt_id), receipt_text(said))

    return await service.read(read)
