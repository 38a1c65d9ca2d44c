"""Clients kept by hand: add, find, correct, close, merge. What commands, API and browser do.

What must be known to others is told at once: who adds a client is found in the next round, and what
ends is told like a withdrawal.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from node.actions.session import in_folder
from node.membership.charter import confirm_months
from node.membership.hub import HubMembership
from node.publishing.publisher import Publisher
from node.records import by_hand, enquiries, families, people
from node.records.by_hand import Added, By
from node.records.search import MOST_FOUND, perhaps_known
from node.records.strong_keys import WhoWithdrew
from node.service import NodeService
from node.store.families import Relative
from node.store.merges import Preset
from node.store.records import Client
from node.store.tables import NodeEngine, NodeTables
from node.views.bases import presettable
from node.views.clients import Wanted, client_value, found_clients, list_value
from node.views.status import status_value, unconfirmed_value
from protocol.errors import ErrorCode, LocalError, PatchworkError
from protocol.matchkeys.records import ClientRecord
from runtime.environment import Environment

Result = TypeVar("Result")


@dataclass(frozen=True)
class NewClient:
    """What somebody types of a new client, by field. `preset`: by its name, empty for the first;
    `consent`: the day, where the permission is consent; `is_new`: they have looked at who is alike.
    """

    typed: Mapping[str, str]
    local_id: str = ""
    preset: str = ""
    consent: str = ""
    is_new: bool = False


class PerhapsKnownError(LocalError):
    """Own clients, or somebody who withdrew and whose record is deleted, may be the one who is
    being added: a person looks first.
    """

    def __init__(self, alike: Sequence[Client], *, withdrew: bool) -> None:
        ids = ", ".join(client.local_id for client in alike[:MOST_FOUND])
        said = [f"is it one of {ids}?"] if alike else []
        if withdrew:
            said.append("somebody like this withdrew, and the record was deleted: ask them first")
        super().__init__(ErrorCode.CONFLICT, f"nothing was added: {' '.join(said)}")
        self.alike, self.withdrew = list(alike), withdrew


async def put_preset(service: NodeService, preset: Preset) -> None:
    """Keep what a client who is added by hand gets. Raises LocalError: NOT_FOUND for a service or
    a basis that the charter does not have for us.
    """
    types, bases = await service.read(presettable)
    for code, known in ((preset.type, types), (preset.basis, bases)):
        if code not in known:
            raise LocalError(
                ErrorCode.NOT_FOUND, f"for you the charter has these: {', '.join(known)}"
            )
    await service.membership.engine.write(lambda tables: tables.merges.put_preset(preset))


async def add_client(service: NodeService, new: NewClient, person: int) -> str:
    """Add a client in a person's name (a row's id) and publish them; the client's id here.

    Raises PerhapsKnownError, LocalError naming what to mend, also if the client is here and cannot
    be found; RemoteError if the client is here and the hub was not told.
    """
    now = service.membership.env.clock()
    today = datetime.fromtimestamp(now, UTC).date()
    local_id = new.local_id or f"hand-{service.membership.env.random(4).hex()}"
    membership = service.membership
    record = by_hand.read_record(new.typed, today)
    if not new.is_new:
        alike, withdrew = await service.membership.engine.read(
            lambda tables: (
                perhaps_known(tables, record),
                bool(WhoWithdrew(tables, now).like(record, new.local_id or None)),
            )
        )
        if alike or withdrew:
            raise PerhapsKnownError(alike, withdrew=withdrew)

    def work(tables: NodeTables) -> None:
        preset = _preset(tables, new.preset)
        basis = membership.agreement.basis(preset.basis)
        if basis is None or basis.in_force != "yes":
            raise LocalError(ErrorCode.NOT_READY, "the charter has no such basis: clients preset")
        consent = _consent(new.consent, today) if basis.permission_class == "consent" else None
        by_hand.add(tables, Added(local_id, record, preset, consent), By(person, now))
        enquiries.end_about(tables, record, now)

    await service.membership.engine.write(work)
    await tell_hub(service, "the client is here, but the hub was not told; run publish: ")
    if not await service.read(lambda tables, _: _is_published(tables, local_id)):
        raise LocalError(
            ErrorCode.NOT_READY,
            f"the client is here as {local_id}, but nobody can find them yet: clients correct adds "
            "a name with a date of birth, or an NHS number; or a charter waits for your yes",
        )
    return local_id


async def find_clients(folder: Path, wanted: Wanted, name: str = "") -> dict[str, object]:
    """Own clients whom somebody of a name looks for, as a value. Raises LocalError."""
    now = Environment().clock()

    def work(tables: NodeTables) -> dict[str, object]:
        person = people.acting(tables, name).id if wanted.scope != "all" else None
        return list_value(found_clients(tables, wanted, person, now))

    return await in_folder(folder, work)


async def status_of(folder: Path) -> dict[str, Any]:
    """How good the own records are, as a value. Raises LocalError."""
    now = Environment().clock()
    return await in_folder(folder, lambda tables: status_value(tables, confirm_months(tables), now))


async def show_client(folder: Path, local_id: str) -> dict[str, object]:
    """A client with all work, as a value. Raises LocalError."""
    now = Environment().clock()
    return await in_folder(folder, lambda tables: client_value(tables, local_id, now))


async def correct_client(
    service: NodeService,
    local_id: str,
    typed: Mapping[str, str],
    cleared: Sequence[str],
    person: int,
) -> None:
    """Say what is right of a client, and tell the hub. Raises LocalError, RemoteError."""
    today = datetime.fromtimestamp(service.membership.env.clock(), UTC).date()
    record: ClientRecord = by_hand.read_record(typed, today)
    await _do(service, person, lambda t, by: by_hand.correct(t, local_id, record, cleared, by))


async def close_work(service: NodeService, local_id: str, number: int | None, person: int) -> int:
    """End work with a client and tell the hub; how many. Raises LocalError, RemoteError."""
    return await _do(service, person, lambda t, by: by_hand.close(t, local_id, number, by))


async def reopen_work(service: NodeService, local_id: str, number: int | None, person: int) -> int:
    """Let work go on and tell the hub; how many. Raises LocalError, RemoteError."""
    return await _do(service, person, lambda t, by: by_hand.reopen(t, local_id, number, by))


async def confirm_work(service: NodeService, local_id: str, number: int | None, person: int) -> int:
    """Say of work with a client that it goes on; how many. Raises LocalError."""
    by = By(person, service.membership.env.clock())
    return await service.membership.engine.write(
        lambda tables: by_hand.confirm(tables, local_id, number, by)
    )


async def unconfirmed_work(folder: Path) -> list[dict[str, Any]]:
    """Work that nothing has confirmed for the charter's months, as values. Raises LocalError."""
    now = Environment().clock()
    return await in_folder(
        folder, lambda tables: unconfirmed_value(tables, confirm_months(tables), now)
    )


async def merge_clients(service: NodeService, local_id: str, into: str, person: int) -> None:
    """Say that two clients are one, and tell the hub. Raises LocalError, RemoteError."""
    await _do(service, person, lambda t, by: by_hand.merge(t, local_id, into, by))


async def part_clients(service: NodeService, local_id: str, person: int) -> int:
    """Take a merge back, and tell the hub; how much work goes back.

    Raises LocalError, RemoteError.
    """
    return await _do(service, person, lambda t, by: by_hand.part(t, local_id, by))


async def family_of(
    folder: Path, local_id: str, joined: tuple[str, str] = ("", ""), without: str = ""
) -> list[Relative]:
    """The family of a client, once somebody (with their relation) has joined it or left it, if that
    is said. Raises LocalError.
    """
    return await in_folder(folder, partial(_family, local_id, joined, without))


async def change_family(
    engine: NodeEngine, local_id: str, joined: tuple[str, str] = ("", ""), without: str = ""
) -> list[Relative]:
    """The same in a database that is open. Raises LocalError."""
    return await engine.write(partial(_family, local_id, joined, without))


def _family(
    local_id: str, joined: tuple[str, str], without: str, tables: NodeTables
) -> list[Relative]:
    if joined[0]:
        families.join(tables, local_id, *joined)
    if without:
        families.leave(tables, local_id, without)
    return families.relatives(tables, local_id)


async def _do(
    service: NodeService, person: int, work: Callable[[NodeTables, By], Result]
) -> Result:
    by = By(person, service.membership.env.clock())
    done = await service.membership.engine.write(lambda tables: work(tables, by))
    await tell_hub(service, "done here, but the hub was not told; run publish: ")
    return done


async def tell_hub(service: NodeService, said: str) -> None:
    """Tell every hub what changed, which may be an end: whoever may tell no more tells that. A
    running node tells one that was away as soon as it is there. Raises RemoteError or LocalError
    that begins with `said`.
    """

    async def tell(membership: HubMembership) -> None:
        membership.owed = True
        await membership.follow()
        await Publisher(membership).tell_withdrawn()
        membership.owed = False

    await at_each_hub(service, tell, said)


async def at_each_hub(
    service: NodeService, work: Callable[[HubMembership], Awaitable[None]], said: str = ""
) -> None:
    """Do something at every hub. One that is away, or where we may do nothing now, keeps the others
    from nothing. Raises the first PatchworkError, which begins with `said` and names the hub.
    """
    failed: PatchworkError | None = None
    for membership in (service.membership, *service.others):
        try:
            await work(membership)
        except PatchworkError as error:
            detail = f"{membership.hub.name}: {error.detail}" if service.others else error.detail
            failed = failed or type(error)(error.code, said + detail, retry_after=error.retry_after)
    if failed is not None:
        raise failed


def _is_published(tables: NodeTables, local_id: str) -> bool:
    client = tables.records.client(local_id)
    return client is not None and tables.stubs.has(client.id)


def _preset(tables: NodeTables, name: str) -> Preset:
    found = [one for one in tables.merges.presets() if name in ("", one.name)]
    if not found:
        raise LocalError(
            ErrorCode.NOT_READY, "say first what a new client gets: patchwork-node clients preset"
        )
    return found[0]


def _consent(text: str, today: date) -> date:
    if not text:
        raise LocalError(ErrorCode.MALFORMED, "on which day did they agree?")
    return today if text == "today" else by_hand.read_day("consent_date", text, today)
