"""Raising attention, seeing to what others raise, and asking the council to invite an organisation.

specs/06-requests.md §13 and §14.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from node.membership.outbox import TRY_AGAIN
from node.requests.attention import Alert, team_as_shown
from node.service import NodeService
from node.store.attention import RaisedState
from node.store.outbox import OutboxState, Outgoing
from node.store.people import Act, Deed
from node.store.tables import NodeTables
from node.views.people import roles_of
from protocol.contact import require_name, require_phone
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.messages.attention import InviteBody

NOBODY_SHOWN = (
    "nobody is shown in this client's team now. Services that are shown to nobody may be told all "
    "the same, and you do not learn whether there is one. Nothing was sent: say that you want to "
    "tell whoever there is, or call the duty desk"
)
LIKE_A_CLIENT = (
    "that is the name of a client of yours too. An invitation names an organisation, and the "
    "council reads it: write the organisation's name alone, or call the council"
)
PAGE = 500


@dataclass(frozen=True)
class Possible:
    """What can be said (titles by code), in which of its roles by this person, and who is shown in
    the team of the client now: not everybody who is told.
    """

    kinds: Mapping[str, str]
    roles: tuple[str, ...]
    shown: tuple[str, ...]


@dataclass(frozen=True)
class Wish:
    """An organisation that somebody (a row's id) would like to be invited, as typed."""

    name: str
    duty_line: str
    member_class: str
    person: int


async def possible(service: NodeService, client: str, person: int) -> Possible:
    """What somebody can raise attention for. Raises LocalError."""
    terms = service.membership.charter.attention
    if terms is None:
        raise LocalError(
            ErrorCode.NOT_ALLOWED,
            "the sharing agreement does not let anybody raise attention: ask for the contact "
            "details of those in the team instead",
        )
    roles = await service.read(partial(roles_of, person=person))
    return Possible(
        {kind.code: kind.title for kind in terms.kinds},
        roles,
        tuple(await service.read(partial(team_as_shown, local_id=client))),
    )


async def raise_attention(
    service: NodeService, alert: Alert, *, though_nobody_shown: bool = False
) -> RaisedState:
    """Raise attention, and send it at once; `SENDING` if the hub is away, and then it leaves by
    itself. Raises LocalError before anything was sent, or RemoteError if the hub refused.

    What it says does not depend on who is told: only on who is shown.
    """
    membership = service.membership
    await membership.begin()
    can = await possible(service, alert.local_id, alert.practitioner)
    if alert.kind not in can.kinds:
        known = ", ".join(can.kinds)
        raise LocalError(ErrorCode.NOT_FOUND, f"attention can be raised for one of: {known}")
    if alert.role not in membership.charter.roles:
        known = ", ".join(membership.charter.roles)
        raise LocalError(ErrorCode.NOT_FOUND, f"your role is one of: {known}")
    now = membership.env.clock()

    def work(tables: NodeTables) -> str:
        attention_id = service.dispatcher.attention.raise_(tables, alert)
        if not (can.shown or though_nobody_shown):
            raise LocalError(ErrorCode.NOT_READY, NOBODY_SHOWN)
        deed = Act(alert.practitioner, Deed.RAISED_ATTENTION, alert.local_id, now)
        tables.people.acted(deed)
        return attention_id

    attention_id = await membership.engine.write(work)
    await _send(service)
    raised = await membership.engine.read(
        lambda tables: tables.attention.raised(membership.hub.hub_id, attention_id)
    )
    if raised is None:
        return RaisedState.SENDING
    if raised.code is not None:
        raise RemoteError(
            ErrorCode(raised.code), "the council's hub did not take it: nobody is told"
        )
    return raised.state


async def see_attention(service: NodeService, number: int, person: int) -> str:
    """Somebody (a row's id) has seen to what another agency raised; our own id of the client. Who
    raised it is not told. Raises LocalError(NOT_FOUND).
    """
    hub_id, now = service.membership.hub.hub_id, service.membership.env.clock()
    await service.membership.check_synced()

    def work(tables: NodeTables) -> str:
        for item in tables.attention.unseen(hub_id):
            if item.received.id == number:
                tables.attention.see(number, person, now)
                tables.people.acted(Act(person, Deed.SAW_ATTENTION, item.local_id, now))
                return item.local_id
        raise LocalError(ErrorCode.NOT_FOUND, "nothing of that number waits: see the inbox")

    return await service.membership.engine.write(work)


async def invite_agency(service: NodeService, wish: Wish) -> OutboxState:
    """Ask the council to invite an organisation; `PENDING` if the hub is away, and then it leaves
    by itself. Raises LocalError before anything was sent, or RemoteError if the hub refused.
    """
    membership, hub_id = service.membership, service.membership.hub.hub_id
    await membership.begin()
    name, phone = _typed(service, wish)

    def work(tables: NodeTables) -> int:
        if _names_a_client(tables, name):
            raise LocalError(ErrorCode.MALFORMED, LIKE_A_CLIENT)
        fresh_id, now = membership.env.new_id(), membership.env.clock()
        by = tables.people.id_at(hub_id, wish.person, fresh_id)
        body = InviteBody(name=name, duty_line=phone, member_class=wish.member_class, invited_by=by)
        tables.people.acted(Act(wish.person, Deed.ASKED_TO_INVITE, name, now))
        return tables.outbox.enqueue(Outgoing(hub_id, hub_id, body))

    number = await membership.engine.write(work)
    await _send(service)
    item = await membership.engine.read(lambda tables: tables.outbox.get(hub_id, number))
    if item is not None and item.error is not None:
        raise RemoteError(ErrorCode(item.error), "the council's hub did not take it")
    return item.state if item is not None else OutboxState.PENDING


def classes(service: NodeService) -> dict[str, str]:
    """What kinds of organisation the charter knows, by code. Raises LocalError where it lets nobody
    ask for any: before somebody types one.
    """
    _check_allowed(service)
    return {item.code: item.title for item in service.membership.charter.classes}


async def _send(service: NodeService) -> None:
    """Send what waits. A hub that is away is no fault: it leaves when the hub is there again."""
    try:
        await service.advance()
    except RemoteError as error:
        if error.code not in TRY_AGAIN:
            raise


def _check_allowed(service: NodeService) -> None:
    if service.membership.charter.quotas.invites_per_day is None:
        raise LocalError(
            ErrorCode.NOT_ALLOWED,
            "the sharing agreement does not let members ask for others here: call the council",
        )


def _typed(service: NodeService, wish: Wish) -> tuple[str, str]:
    """Name and telephone of an organisation that can be invited. Raises LocalError."""
    membership = service.membership
    charter = membership.charter
    _check_allowed(service)
    try:
        name, phone = require_name(wish.name), require_phone(wish.duty_line)
    except ValueError as error:
        raise LocalError(ErrorCode.MALFORMED, str(error)) from None
    classes = [item.code for item in charter.classes]
    if wish.member_class not in classes:
        known = ", ".join(classes)
        raise LocalError(ErrorCode.NOT_FOUND, f"the class of the organisation is one of: {known}")
    directory = membership.directory
    if any(one.name == name and directory.active(one.party_id) for one in directory.bodies()):
        raise LocalError(ErrorCode.CONFLICT, "an organisation of that name is a member already")
    return name, phone


def _names_a_client(tables: NodeTables, name: str) -> bool:
    """Whether a first and a family name of one client both stand in a text."""
    words, last = set(name.casefold().split()), 0
    while page := tables.records.clients_after(last, PAGE):
        last = page[-1].id
        for record in (client.record for client in page):
            given, family = (record.given or "").casefold(), (record.family or "").casefold()
            if given and family and words.issuperset({*given.split(), *family.split()}):
                return True
    return False
