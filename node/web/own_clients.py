"""The agency's own clients over the local interface. No id or name is in an address.

specs/07-transport.md §1. Like commands: what is done, is done in somebody's name.
"""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field

from node.actions import clients as acts
from node.actions.clients import NewClient
from node.actions.register import who_acts
from node.actions.withholding import (
    agree_to_withholding,
    end_withholding,
    propose_withholding,
)
from node.records import by_hand
from node.records.withholding import Wish
from node.service import NodeService
from node.store.tables import NodeTables
from node.views.clients import client_value, clients_value
from node.views.withheld import withheld_value
from protocol.fields import WireModel

Value = TypeVar("Value")
Text = Annotated[str, Field(max_length=200)]
Day = Annotated[str, AfterValidator(lambda text: date.fromisoformat(text).isoformat())]
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


class WithholdIn(WireModel):
    """A client to be withheld, why, to the end of which day, and when to look at it again."""

    client: LocalId
    reason: Text
    until: Day
    review: Day
    practitioner: Text


class WithheldIn(WireModel):
    """Something that is withheld, by its number."""

    number: Annotated[int, Field(ge=1, le=2**53)]
    practitioner: Text


class ForgetIn(WireModel):
    """Whether only to say what would go."""

    dry_run: bool


class NothingIn(WireModel):
    """An empty body."""


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


async def confirm(service: NodeService, body: WorkIn) -> dict[str, object]:
    """Say that work goes on."""
    person = await who_acts(service, body.practitioner)
    return {"confirmed": await acts.confirm_work(service, body.client, body.work, person)}


async def merge(service: NodeService, body: MergeIn) -> dict[str, object]:
    """Say that two clients are one."""
    person = await who_acts(service, body.practitioner)
    await acts.merge_clients(service, body.client, body.into, person)
    return {"client": body.into}


async def part(service: NodeService, body: PartIn) -> dict[str, object]:
    """Take a merge back."""
    person = await who_acts(service, body.practitioner)
    return {"went_back": await acts.part_clients(service, body.client, person)}


async def withhold(service: NodeService, body: WithholdIn) -> dict[str, object]:
    """Say that a client is to be withheld: the other one of the two has to agree."""
    person = await who_acts(service, body.practitioner)
    until, review = (date.fromisoformat(text) for text in (body.until, body.review))
    wish = Wish(body.client, body.reason, until, review)
    return {"number": await propose_withholding(service, wish, person)}


async def withhold_agree(service: NodeService, body: WithheldIn) -> dict[str, object]:
    """Agree that a client is withheld."""
    person = await who_acts(service, body.practitioner)
    return {"client": await agree_to_withholding(service, body.number, person)}


async def withhold_end(service: NodeService, body: WithheldIn) -> dict[str, object]:
    """Say that it is to end; whether it has."""
    person = await who_acts(service, body.practitioner)
    return {"ended": await end_withholding(service, body.number, person)}


async def withheld(service: NodeService, _body: NothingIn) -> dict[str, object]:
    """Who is withheld."""
    return {"withheld": await _read(service, withheld_value)}


async def forget(service: NodeService, body: ForgetIn) -> dict[str, object]:
    """Delete what is over, or say what would go."""
    return await service.forgetting.run(dry_run=body.dry_run)


CALLS: dict[str, tuple[type[WireModel], Callable[[NodeService, Any], Awaitable[Any]]]] = {
    "/v1/clients/search": (SearchIn, search),
    "/v1/clients/show": (ShowIn, show),
    "/v1/clients/add": (AddIn, add),
    "/v1/clients/correct": (CorrectIn, correct),
    "/v1/clients/close": (WorkIn, close),
    "/v1/clients/reopen": (WorkIn, reopen),
    "/v1/clients/confirm": (WorkIn, confirm),
    "/v1/clients/merge": (MergeIn, merge),
    "/v1/clients/part": (PartIn, part),
    "/v1/clients/withhold": (WithholdIn, withhold),
    "/v1/clients/withhold/agree": (WithheldIn, withhold_agree),
    "/v1/clients/withhold/end": (WithheldIn, withhold_end),
    "/v1/clients/withhold/list": (NothingIn, withheld),
    "/v1/forget": (ForgetIn, forget),
}
"""What may be posted where: the body, and what answers it."""


async def _read(service: NodeService, view: Callable[[NodeTables, int], Value]) -> Value:
    now = service.membership.env.clock()
    return await service.read(lambda tables, _membership: view(tables, now))
