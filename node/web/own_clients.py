"""The agency's own clients over the local interface. Their ids are never in an address.

specs/07-transport.md §1. Like commands: what is done, is done in somebody's name.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

from pydantic import Field

from node.actions import clients as acts
from node.actions.clients import NewClient
from node.actions.register import who_acts
from node.records import by_hand
from node.service import NodeService
from node.store.tables import NodeTables
from node.views.clients import client_value, clients_value
from protocol.fields import WireModel

Value = TypeVar("Value")
Text = Annotated[str, Field(max_length=200)]
LocalId = Annotated[str, Field(min_length=1, max_length=80)]


class SearchIn(WireModel):
    """Words to find own clients by."""

    text: Text


class ShowIn(WireModel):
    """Whom to show."""

    client: LocalId


class TypedIn(WireModel):
    """What is typed of a client; empty is not said."""

    given: Text = ""
    middle: Text = ""
    family: Text = ""
    date_of_birth: Text = ""
    sex: Text = ""
    address: Text = ""
    postcode: Text = ""
    nhs_number: Text = ""


class AddIn(WireModel):
    """A client to add, as `NewClient`; `practitioner` is who adds them, by name."""

    client: Annotated[str, Field(max_length=80)] = ""
    typed: TypedIn
    preset: Text = ""
    consent: Text = ""
    is_new: bool = False
    practitioner: Text


class CorrectIn(WireModel):
    """What is right of a client, and which fields are to be empty."""

    client: LocalId
    typed: TypedIn
    cleared: Annotated[
        list[Text], Field(default_factory=list, max_length=len(TypedIn.model_fields))
    ]
    practitioner: Text


class WorkIn(WireModel):
    """A piece of work with a client, by its number; null is all."""

    client: LocalId
    work: Annotated[int, Field(ge=1, le=10_000)] | None = None
    practitioner: Text


class MergeIn(WireModel):
    """Two clients who are one, who goes by the id `into`."""

    client: LocalId
    into: LocalId
    practitioner: Text


class PartIn(WireModel):
    """A merged client who was another one after all."""

    client: LocalId
    practitioner: Text


async def search(service: NodeService, body: SearchIn) -> dict[str, object]:
    """Own clients whom a text may mean."""
    found = await _read(
        service, lambda tables, now: clients_value(tables, by_hand.search(tables, body.text), now)
    )
    return {"clients": found}


async def show(service: NodeService, body: ShowIn) -> dict[str, object]:
    """A client and all work with them."""
    return await _read(service, lambda tables, now: client_value(tables, body.client, now))


async def add(service: NodeService, body: AddIn) -> dict[str, object]:
    """Add a client and publish them."""
    person = await who_acts(service, body.practitioner)
    typed = body.typed.model_dump()
    new = NewClient(typed, body.client, body.preset, body.consent, body.is_new)
    return {"client": await acts.add_client(service, new, person)}


async def correct(service: NodeService, body: CorrectIn) -> dict[str, object]:
    """Say what is right of a client."""
    person = await who_acts(service, body.practitioner)
    await acts.correct_client(service, body.client, body.typed.model_dump(), body.cleared, person)
    return {"client": body.client}


async def close(service: NodeService, body: WorkIn) -> dict[str, object]:
    """End work with a client."""
    person = await who_acts(service, body.practitioner)
    return {"closed": await acts.close_work(service, body.client, body.work, person)}


async def reopen(service: NodeService, body: WorkIn) -> dict[str, object]:
    """Let work go on."""
    person = await who_acts(service, body.practitioner)
    return {"reopened": await acts.reopen_work(service, body.client, body.work, person)}


async def merge(service: NodeService, body: MergeIn) -> dict[str, object]:
    """Say that two clients are one."""
    person = await who_acts(service, body.practitioner)
    await acts.merge_clients(service, body.client, body.into, person)
    return {"client": body.into}


async def part(service: NodeService, body: PartIn) -> dict[str, object]:
    """Take a merge back."""
    person = await who_acts(service, body.practitioner)
    return {"went_back": await acts.part_clients(service, body.client, person)}


CALLS: dict[str, tuple[type[WireModel], Callable[[NodeService, Any], Awaitable[Any]]]] = {
    "/v1/clients/search": (SearchIn, search),
    "/v1/clients/show": (ShowIn, show),
    "/v1/clients/add": (AddIn, add),
    "/v1/clients/correct": (CorrectIn, correct),
    "/v1/clients/close": (WorkIn, close),
    "/v1/clients/reopen": (WorkIn, reopen),
    "/v1/clients/merge": (MergeIn, merge),
    "/v1/clients/part": (PartIn, part),
}
"""What may be posted where: the body, and what answers it."""


async def _read(service: NodeService, view: Callable[[NodeTables, int], Value]) -> Value:
    now = service.membership.env.clock()
    return await service.read(lambda tables, _membership: view(tables, now))
