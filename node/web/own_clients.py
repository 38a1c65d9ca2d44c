"""The agency's own clients over the local interface: find, show, add, correct, close, merge.

specs/07-transport.md §1. Like commands: what is done, is done in somebody's name.
"""

from typing import Annotated, Literal

from pydantic import Field

from node.actions import clients as acts
from node.actions.clients import NewClient
from node.actions.register import who_acts
from node.records import families
from node.service import NodeService
from node.store.records import EndedBy
from node.views.clients import Scope, Wanted, client_value, found_clients, list_value
from node.web.calls import Act, Answer, LocalId, Person, Said, Text, read_now
from protocol.fields import Count, WireModel


class SearchIn(WireModel):
    """Words to find own clients by; empty: a page of all of them. `scope`: whose, from the view of
    `practitioner`, who need not be said for all clients.
    """

    text: Text
    scope: Scope = "all"
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    practitioner: Person = ""


class ClientIn(WireModel):
    """Which client, by our own id."""

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
    """A client to add. `client`: our own id, made if empty. `preset`: by its name, the first if
    empty. `consent`: the day, where the permission is consent. `is_new`: a person has looked at
    who is alike.
    """

    client: Annotated[str, Field(max_length=80)] = ""
    typed: TypedIn
    preset: Text = ""
    consent: Text = ""
    is_new: bool = False
    practitioner: Person


class CorrectIn(WireModel):
    """What is right of a client, and which fields are to be empty."""

    client: LocalId
    typed: TypedIn
    cleared: Annotated[
        list[Text], Field(default_factory=list, max_length=len(TypedIn.model_fields))
    ]
    practitioner: Person


class WorkIn(WireModel):
    """A piece of work with a client, by its number; null is all."""

    client: LocalId
    work: Annotated[int, Field(ge=1, le=10_000)] | None = None
    practitioner: Person


class MergeIn(WireModel):
    """Two clients who are one, who goes by the id `into`."""

    client: LocalId
    into: LocalId
    practitioner: Person


class PartIn(WireModel):
    """A merged client who was another one after all."""

    client: LocalId
    practitioner: Person


class JoinIn(WireModel):
    """Another client of ours, and what they are of the first one, such as sister."""

    client: LocalId
    relative: LocalId
    relation: Said


class LeaveIn(WireModel):
    """Another client of ours, who is no family after all."""

    client: LocalId
    relative: LocalId


class RecordOut(Answer):
    """A client's record; null: nobody knows."""

    client: str
    nhs_number: str | None
    given: str | None
    middle: str | None
    family: str | None
    date_of_birth: str | None
    sex: str | None
    address: str | None
    postcode: str | None


class FoundWorkOut(Answer):
    """Work that goes on with a client."""

    type: str
    label: str | None
    team: str | None
    started_on: str | None


class FoundOut(RecordOut):
    """A client, the work that goes on with them, and how much news of them is not seen yet."""

    going_on: Count
    work: list[FoundWorkOut]
    news: Count


class ClientsOut(Answer):
    """Own clients, the likeliest first, or by name and how many there are in all. `more`: there
    are others.
    """

    clients: list[FoundOut]
    more: bool
    count: Count | None


class WorkOut(Answer):
    """A piece of work with a client, by its number; times are Unix seconds."""

    number: Count
    type: str
    label: str | None
    team: str | None
    state: Literal["open", "waiting", "closed"]
    started_on: str | None
    ended_at: Count | None
    ended_by: EndedBy | None
    last_contact: Count | None
    next_visit: Count | None
    permission_basis: str | None
    valid_until: Count | None
    workers: list[str]
    permission: Literal["by_law", "none", "withdrawn", "in_force", "expired"]


class ClientOut(RecordOut):
    """A client with all work, numbered. `held`: a person has to say first who it is; `withheld`:
    two of our people keep it unpublished.
    """

    held: bool
    withheld: bool
    work: list[WorkOut]


class ClientIdOut(Answer):
    """The client's own id."""

    client: str


class ClosedOut(Answer):
    """How many pieces of work were ended."""

    closed: Count


class ReopenedOut(Answer):
    """How many pieces of work go on again."""

    reopened: Count


class ConfirmedOut(Answer):
    """Of how many pieces of work it was said that they go on."""

    confirmed: Count


class PartedOut(Answer):
    """How many pieces of work went back to the client."""

    went_back: Count


class RelativeOut(Answer):
    """A relative, by our own id. `of_them`: the relation is what the client is of them."""

    client: str
    relation: str
    of_them: bool


class FamilyOut(Answer):
    """Who of our clients is a client's family."""

    family: list[RelativeOut]


async def search(service: NodeService, body: SearchIn) -> ClientsOut:
    """Find own clients whom a text may mean; slips of the keyboard are forgiven."""
    person = None
    if body.scope != "all":
        person = await who_acts(service, body.practitioner)
    wanted = Wanted(body.text, body.scope, body.page)
    found = await read_now(service, lambda tables, now: found_clients(tables, wanted, person, now))
    return ClientsOut.of(list_value(found))


async def show(service: NodeService, body: ClientIn) -> ClientOut:
    """Show a client and all work with them."""
    value = await read_now(service, lambda tables, now: client_value(tables, body.client, now))
    return ClientOut.of(value)


async def add(service: NodeService, body: AddIn) -> ClientIdOut:
    """Add a client and publish them. Somebody like one who is here is refused (`conflict`) unless
    `is_new`.
    """
    person = await who_acts(service, body.practitioner)
    typed = body.typed.model_dump()
    new = NewClient(typed, body.client, body.preset, body.consent, body.is_new)
    return ClientIdOut(client=await acts.add_client(service, new, person))


async def correct(service: NodeService, body: CorrectIn) -> ClientIdOut:
    """Say what is right of a client, and publish it."""
    person = await who_acts(service, body.practitioner)
    await acts.correct_client(service, body.client, body.typed.model_dump(), body.cleared, person)
    return ClientIdOut(client=body.client)


async def close(service: NodeService, body: WorkIn) -> ClosedOut:
    """End work with a client; the hub is told at once."""
    person = await who_acts(service, body.practitioner)
    return ClosedOut(closed=await acts.close_work(service, body.client, body.work, person))


async def reopen(service: NodeService, body: WorkIn) -> ReopenedOut:
    """Let work go on that is over. A permission that was withdrawn stays so."""
    person = await who_acts(service, body.practitioner)
    return ReopenedOut(reopened=await acts.reopen_work(service, body.client, body.work, person))


async def confirm(service: NodeService, body: WorkIn) -> ConfirmedOut:
    """Say that work goes on."""
    person = await who_acts(service, body.practitioner)
    return ConfirmedOut(confirmed=await acts.confirm_work(service, body.client, body.work, person))


async def merge(service: NodeService, body: MergeIn) -> ClientIdOut:
    """Say that two clients are one."""
    person = await who_acts(service, body.practitioner)
    await acts.merge_clients(service, body.client, body.into, person)
    return ClientIdOut(client=body.into)


async def part(service: NodeService, body: PartIn) -> PartedOut:
    """Take a merge back."""
    person = await who_acts(service, body.practitioner)
    return PartedOut(went_back=await acts.part_clients(service, body.client, person))


async def family(service: NodeService, body: ClientIn) -> FamilyOut:
    """Show who of our clients is a client's family. No hub is asked."""
    found = await read_now(service, lambda tables, _: families.relatives(tables, body.client))
    return FamilyOut(
        family=[
            RelativeOut(client=one.local_id, relation=one.relation, of_them=one.of_them)
            for one in found
        ]
    )


async def family_join(service: NodeService, body: JoinIn) -> FamilyOut:
    """Say what one of our clients is of another one. It stays here."""
    await service.membership.engine.write(
        lambda tables: families.join(tables, body.client, body.relative, body.relation)
    )
    return await family(service, ClientIn(client=body.client))


async def family_leave(service: NodeService, body: LeaveIn) -> FamilyOut:
    """Say it no longer."""
    await service.membership.engine.write(
        lambda tables: families.leave(tables, body.client, body.relative)
    )
    return await family(service, ClientIn(client=body.client))


CALLS: dict[str, Act] = {
    "/v1/clients/search": search,
    "/v1/clients/show": show,
    "/v1/clients/add": add,
    "/v1/clients/correct": correct,
    "/v1/clients/close": close,
    "/v1/clients/reopen": reopen,
    "/v1/clients/confirm": confirm,
    "/v1/clients/merge": merge,
    "/v1/clients/part": part,
    "/v1/clients/family": family,
    "/v1/clients/family/join": family_join,
    "/v1/clients/family/leave": family_leave,
}
"""What may be posted where."""
