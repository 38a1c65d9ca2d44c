"""Objections of this agency's own clients: recorded, listed, taken back."""

from dataclasses import dataclass

from node.membership.hub import HubMembership
from node.records.by_hand import known
from node.service import NodeService
from node.store.objections import SaidBy
from node.store.people import Act, Deed
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError


@dataclass(frozen=True)
class Said:
    """What a client (our own id) objects to. `member_class` None: to sharing with anybody; `at`
    None: it was said now (Unix seconds).
    """

    client: str
    said_by: SaidBy
    member_class: str | None = None
    at: int | None = None


async def record_objection(service: NodeService, said: Said, person: int) -> int:
    """Take an objection down in a person's name (a row's id); its number. Raises LocalError.

    From here on nothing is allowed and no card leaves in spite of it, unless the sharing agreement
    lets somebody override it.
    """
    membership = service.membership
    now = membership.env.clock()
    _check(membership, said, now)

    def work(tables: NodeTables) -> int:
        client = known(tables, said.client)
        at = now if said.at is None else said.at
        number = tables.objections.record(client.id, said.member_class, said.said_by, at)
        tables.people.acted(Act(person, Deed.RECORDED_OBJECTION, client.local_id, now))
        return number

    return await membership.engine.write(work)


async def end_objection(service: NodeService, number: int, person: int) -> None:
    """Take down in a person's name that an objection was taken back. Raises LocalError."""
    now = service.membership.env.clock()

    def work(tables: NodeTables) -> None:
        ended = tables.objections.end(number, now)
        if ended is None:
            raise LocalError(ErrorCode.NOT_FOUND, "no objection of that number stands")
        tables.people.acted(Act(person, Deed.ENDED_OBJECTION, ended.local_id, now))

    await service.membership.engine.write(work)


def _check(membership: HubMembership, said: Said, now: int) -> None:
    """Raise LocalError for a class that nobody has, and for what is still to be said."""
    classes = [item.code for item in membership.charter.classes]
    if said.member_class is not None and said.member_class not in classes:
        raise LocalError(
            ErrorCode.NOT_FOUND, f"the sharing agreement has these classes: {', '.join(classes)}"
        )
    if said.at is not None and said.at > now:
        raise LocalError(ErrorCode.CONFLICT, "that day is still to come")
