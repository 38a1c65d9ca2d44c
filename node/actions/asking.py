"""Asking for contact details: to whom, why, by when; kept as a draft until the hub takes it.

specs/06-requests.md §2. Whatever stops a request, what was chosen of it is not lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import partial

from node.links.references import Entry, entries_of, entry_named
from node.links.team import known_links, label_of
from node.membership.hub import HubMembership
from node.requests.asking import ContactRequest
from node.service import NodeService
from node.store.drafts import ON_ITS_WAY, Draft
from node.store.tables import NodeTables
from node.views.bases import Offered, offered
from node.views.people import roles_of
from protocol.errors import ErrorCode, LocalError
from protocol.governance.retention import DAY

TEAM_CHANGED = "the team has changed since this was kept: see patchwork-node team, and ask anew"


@dataclass(frozen=True)
class Grounds:
    """Why a practitioner asks: purpose, lawful basis, and the facts that the basis demands."""

    purpose: str
    basis: str
    facts: Mapping[str, str]


@dataclass(frozen=True)
class Addressee:
    """To whom a request goes: what a reference in a client's team names, whose it is, and how to
    reach them meanwhile. An organisation that has left has neither class nor duty line.
    """

    entry: Entry
    agency: str
    member_class: str | None
    duty_line: str | None
    duty_hours: str | None

    @property
    def title(self) -> str:
        """The organisation and the work, in words."""
        return f"{self.agency} ({label_of(self.entry.involvement)})"


@dataclass(frozen=True)
class Ask:
    """A request for the contact details of somebody in a client's team; `person` is who asks (a
    row's id), `needed_by` the last second of a day, or None; `draft` what it was kept as, or 0.
    """

    client: str
    addressee: Addressee
    person: int
    role: str
    grounds: Grounds
    needed_by: int | None = None
    draft: int = 0


@dataclass(frozen=True)
class Choices:
    """About whom and to whom, what there is to choose from, and what was chosen before."""

    client: str
    addressee: Addressee
    offered: Offered
    roles: tuple[str, ...]
    days: tuple[tuple[str, date], ...]
    draft: Draft | None


async def addressee_of(service: NodeService, client: str, reference: str) -> Addressee:
    """To whom a request by this reference goes. Raises LocalError.

    What was shown before and has ended can be asked for too: the hub refuses, and logs that it did.
    """
    return await service.read(partial(_addressee, client=client, reference=reference))


async def begin(
    service: NodeService, person: int, client: str, reference: str, draft: int = 0
) -> Choices:
    """Begin to ask, or go on with a draft. Raises LocalError."""
    today, last = _days(service)
    ahead = (("today", 0), ("tomorrow", 1), ("in a week", 7))
    days = tuple(
        (words, today + timedelta(n)) for words, n in ahead if today + timedelta(n) <= last
    )
    about = (client, reference, draft)
    return await service.read(partial(_begin, person=person, about=about, days=days))


async def keep_draft(service: NodeService, ask: Ask) -> int:
    """Keep what was chosen so far; its number. Raises LocalError."""
    hub_id, now = service.membership.hub.hub_id, service.membership.env.clock()

    def work(tables: NodeTables) -> int:
        row = tables.records.client(ask.client)
        if row is None:
            raise LocalError(ErrorCode.NOT_FOUND, "no client has that id here")
        entry = ask.addressee.entry
        return tables.drafts.keep(
            Draft(
                hub_id=hub_id,
                client=row.id,
                practitioner=ask.person,
                link_id=entry.link.link_id,
                involvement_id=entry.involvement.id,
                holder=entry.agency_id,
                role=ask.role,
                purpose=ask.grounds.purpose,
                basis=ask.grounds.basis,
                facts=ask.grounds.facts,
                needed_by=ask.needed_by,
                saved_at=now,
                id=ask.draft,
            )
        )

    return await service.membership.engine.write(work)


async def is_on_its_way(service: NodeService, draft: int) -> bool:
    """Whether a draft goes out by itself, as soon as the hub is there."""
    return await service.membership.engine.read(lambda tables: tables.drafts.is_on_its_way(draft))


async def drop_draft(service: NodeService, draft: int) -> None:
    """Delete a draft. Raises LocalError: NOT_FOUND, or CONFLICT of one that is on its way."""
    hub_id = service.membership.hub.hub_id

    def work(tables: NodeTables) -> None:
        _draft(tables, hub_id, draft)
        tables.drafts.drop(draft)

    await service.membership.engine.write(work)


async def send_kept(service: NodeService, ask: Ask, day: str) -> str:
    """Send what is kept as a draft; the request's id. `day`: by when, as typed, or empty. Raises
    LocalError or RemoteError; the draft stays then, or is on its way.
    """
    if day:
        ask = replace(ask, needed_by=needed_by(service, day))
        await keep_draft(service, ask)
    return await ask_now(service, ask)


async def ask_now(service: NodeService, ask: Ask) -> str:
    """Ask and send at once; the request's id. Raises LocalError or RemoteError.

    It goes to this addressee, or nowhere: the team may have changed since it was looked up. What
    was kept as a draft stays until the hub has taken the request.
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
        needed_by=ask.needed_by,
        draft=ask.draft,
    )
    await membership.begin()
    request_id = await membership.engine.write(lambda tables: service.asking.ask(tables, asked))
    await service.send()
    return request_id


def needed_by(service: NodeService, day: str) -> int | None:
    """The last second of a day, as typed: today, tomorrow or 2026-12-03; empty is None. Raises
    LocalError for a day that is none, is over, or is later than a request can be answered.
    """
    if not day.strip():
        return None
    today, last = _days(service)
    words = {"today": today, "tomorrow": today + timedelta(1)}
    typed = day.strip().lower()
    try:
        wanted = words.get(typed) or date.fromisoformat(typed)
    except ValueError:
        raise LocalError(
            ErrorCode.MALFORMED, f"say the day as {today.isoformat()}, or today or tomorrow"
        ) from None
    if wanted < today:
        raise LocalError(ErrorCode.MALFORMED, "that day is over: say today or a day to come")
    if wanted > last:
        raise LocalError(
            ErrorCode.MALFORMED,
            "the sharing agreement does not let a request wait so long: say a day no later than "
            f"{last.isoformat()}",
        )
    end = datetime.combine(wanted, time(23, 59, 59), service.zone)
    return min(int(end.timestamp()), _latest(service))


def _days(service: NodeService) -> tuple[date, date]:
    """Today, and the last day on which a request that is made now can be answered."""
    times = (service.membership.env.clock(), _latest(service))
    today, last = (datetime.fromtimestamp(at, service.zone).date() for at in times)
    return today, last


def _latest(service: NodeService) -> int:
    membership = service.membership
    return membership.env.clock() + membership.charter.request_lifetime_days * DAY


def _begin(
    tables: NodeTables,
    membership: HubMembership,
    person: int,
    about: tuple[str, str, int],
    days: tuple[tuple[str, date], ...],
) -> Choices:
    client, reference, number = about
    draft = _draft(tables, membership.hub.hub_id, number) if number else None
    if draft is None:
        addressee = _addressee(tables, membership, client, reference)
    else:
        client, addressee = _drafted(tables, membership, draft)
        if draft.needed_by is not None and draft.needed_by <= membership.env.clock():
            draft = replace(draft, needed_by=None)
    roles = roles_of(tables, membership, person)
    found = offered(tables, membership).to(addressee.member_class)
    return Choices(client, addressee, found, roles, days, draft)


def _draft(tables: NodeTables, hub_id: str, number: int) -> Draft:
    draft = tables.drafts.get(number)
    if draft is None or draft.hub_id != hub_id:
        raise LocalError(ErrorCode.NOT_FOUND, "no draft has that number: see patchwork-node drafts")
    if tables.drafts.is_on_its_way(number):
        raise LocalError(ErrorCode.CONFLICT, ON_ITS_WAY)
    return draft


def _addressee(
    tables: NodeTables, membership: HubMembership, client: str, reference: str
) -> Addressee:
    entries = _entries(tables, membership, client)
    return _of_entry(membership, entry_named(entries, reference))


def _drafted(tables: NodeTables, membership: HubMembership, draft: Draft) -> tuple[str, Addressee]:
    """The own id of the client of a draft, and to whom it goes."""
    (row,) = tables.records.clients_by_row([draft.client])
    wanted = (draft.link_id, draft.involvement_id, draft.holder)
    for entry in _entries(tables, membership, row.local_id):
        if (entry.link.link_id, entry.involvement.id, entry.agency_id) == wanted:
            return row.local_id, _of_entry(membership, entry)
    raise LocalError(ErrorCode.NOT_FOUND, TEAM_CHANGED)


def _entries(tables: NodeTables, membership: HubMembership, client: str) -> list[Entry]:
    row = tables.records.client(client)
    if row is None:
        raise LocalError(ErrorCode.NOT_FOUND, "no client has that id here")
    stub = tables.stubs.of_client(membership.hub.hub_id, row.id)
    return entries_of(known_links(tables, membership, stub))


def _of_entry(membership: HubMembership, entry: Entry) -> Addressee:
    member = membership.directory.member(entry.agency_id)
    if member is None:
        return Addressee(entry, "an organisation that has left", None, None, None)
    body = member.body
    return Addressee(entry, body.name, body.member_class, body.duty_line, body.duty_hours)
