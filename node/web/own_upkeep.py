"""How good own records are, who is held, presets, and what goes, over the local interface.

specs/07-transport.md §1, 09-imports.md §5, §8, §9 and §14.
"""

from typing import Annotated

from pydantic import Field

from node.actions import clients as acts
from node.actions.register import who_acts
from node.membership.charter import confirm_months
from node.records import held as holding
from node.records.duplicates import duplicates as find_duplicates
from node.records.forgetting import Stays
from node.service import NodeService
from node.store.held import Agreeing
from node.store.merges import Preset
from node.store.old import Kind
from node.views.bases import presettable
from node.views.held import held_value
from node.views.review import duplicates_value
from node.views.status import status_value, unconfirmed_value
from node.web.calls import Act, Answer, LocalId, NothingIn, Person, Said, Text, read_now
from node.web.own_clients import ClientIdOut
from node.web.own_consents import CodeOut
from protocol.fields import Count, WireModel


class PresetIn(WireModel):
    """What a client who is added by hand gets: the service and lawful basis, as they are offered,
    and for how many days a permission holds. A preset of that name is replaced.
    """

    name: Said
    type: Said
    label: Text | None = None
    team: Text | None = None
    basis: Said
    days: Annotated[int, Field(ge=1, le=3660)]


class HeldIn(WireModel):
    """Whether a held client is the one known (`same`), or somebody else."""

    client: LocalId
    same: bool
    practitioner: Person


class ForgetIn(WireModel):
    """Whether only to say what would go."""

    dry_run: bool


class PresetOut(Answer):
    """A preset, as it was kept."""

    name: str
    type: str
    label: str | None
    team: str | None
    basis: str
    days: Count


class PresetsOut(Answer):
    """All presets by name, and what one may say: types of work, and lawful bases."""

    presets: list[PresetOut]
    types: list[CodeOut]
    bases: list[CodeOut]


class ServiceOut(Answer):
    """Of the clients with whom work of a type goes on: how many there are, and how many of them
    can be found by what.
    """

    type: str
    clients: Count
    with_nhs_number: Count
    with_date_of_birth: Count
    with_postcode: Count
    with_permission: Count


class FeedOut(Answer):
    """The last of a feed: its mapping's title, how many rows, how many seconds ago, and whether not
    all of it is stored: it is being imported now, or was stopped and is to be imported again.
    """

    title: str
    rows: Count
    age: Count
    stopped: bool


class StatusOut(Answer):
    """How good the records are, by service, how old the feeds are, and how much is to be looked
    at.
    """

    services: list[ServiceOut]
    unconfirmed: Count
    withheld_due: Count
    feeds: list[FeedOut]


class UnconfirmedOut(Answer):
    """A piece of work, and when it was confirmed last (Unix seconds)."""

    client: str
    type: str
    label: str | None
    team: str | None
    confirmed_at: Count | None


class UnconfirmedListOut(Answer):
    """Work that neither a file nor a person has confirmed for as long as the charter says."""

    work: list[UnconfirmedOut]


class HeldOut(Answer):
    """A client held back, and who it may be; null: somebody who withdrew and is deleted."""

    client: str
    perhaps: str | None
    why: Agreeing
    withdrawn: bool
    held_at: Count


class HeldListOut(Answer):
    """Everybody who is held, the oldest first."""

    held: list[HeldOut]


class DuplicateOut(Answer):
    """Two of our own clients who look like one person, and the key types that agree."""

    first: str
    second: str
    agreeing: list[str]


class DuplicatesOut(Answer):
    """All of them; nobody else is told."""

    duplicates: list[DuplicateOut]


class KeptDaysOut(Answer):
    """For how many days things are kept; null: nobody has said how long."""

    closed_clients: Count | None
    requests: Count | None
    news: Count | None
    withdrawn: Count | None


class ForgottenOut(Answer):
    """What went, or would go; how many clients stay and why; of what nobody has said how long it
    is kept. `settled`: no file of the database holds it any more.
    """

    dry_run: bool
    gone: dict[Kind, Count]
    stays: dict[Stays, Count]
    without_time: list[str]
    days: KeptDaysOut
    settled: bool


async def status(service: NodeService, _body: NothingIn) -> StatusOut:
    """Show how good the records are, by service: what lets clients be found."""
    value = await read_now(
        service, lambda tables, now: status_value(tables, confirm_months(tables), now)
    )
    return StatusOut.of(value)


async def unconfirmed(service: NodeService, _body: NothingIn) -> UnconfirmedListOut:
    """Show work that nothing has confirmed for long: does it go on?"""
    found = await read_now(
        service, lambda tables, now: unconfirmed_value(tables, confirm_months(tables), now)
    )
    return UnconfirmedListOut.of({"work": found})


async def presets(service: NodeService, _body: NothingIn) -> PresetsOut:
    """Show what clients who are added by hand get, and what there is to choose from."""
    types, bases = await service.read(presettable)
    found = await service.read(lambda tables, _: tables.merges.presets())
    return PresetsOut(
        presets=[PresetOut(**vars(one)) for one in found],
        types=[CodeOut(code=code, title=title) for code, title in types.items()],
        bases=[CodeOut(code=code, title=title) for code, title in bases.items()],
    )


async def put_preset(service: NodeService, body: PresetIn) -> PresetOut:
    """Say what a client gets who is added by hand: service, team and lawful basis."""
    wanted = {**body.model_dump(), "label": body.label or None, "team": body.team or None}
    await acts.put_preset(service, Preset(**wanted))
    return PresetOut(**wanted)


async def held(service: NodeService, _body: NothingIn) -> HeldListOut:
    """Show new clients held back because they may be somebody known."""
    found = await service.read(lambda tables, _: tables.held.all())
    return HeldListOut.of({"held": [held_value(item) for item in found]})


async def answer_held(service: NodeService, body: HeldIn) -> ClientIdOut:
    """Say who a held client is."""
    person = await who_acts(service, body.practitioner)
    act = (person, service.membership.env.clock())
    say = holding.say_same if body.same else holding.say_another
    await service.membership.engine.write(lambda tables: say(tables, body.client, act))
    return ClientIdOut(client=body.client)


async def duplicates(service: NodeService, _body: NothingIn) -> DuplicatesOut:
    """Show which of our own clients look like one person twice."""
    found = await service.read(find_duplicates)
    return DuplicatesOut.of({"duplicates": duplicates_value(found)})


async def forget(service: NodeService, body: ForgetIn) -> ForgottenOut:
    """Delete what is over and has been kept long enough, or say what would go."""
    return ForgottenOut.of(await service.forgetting.run(dry_run=body.dry_run))


CALLS: dict[str, Act] = {
    "/v1/clients/status": status,
    "/v1/clients/unconfirmed": unconfirmed,
    "/v1/clients/presets": presets,
    "/v1/clients/presets/put": put_preset,
    "/v1/clients/held": held,
    "/v1/clients/held/answer": answer_held,
    "/v1/clients/duplicates": duplicates,
    "/v1/forget": forget,
}
"""What may be posted where."""
