"""What a client agreed to: the history, the receipt for them to keep, and taking it back.

Taking it back works while the hub is away, and while a node that came back from a backup still asks
what it missed: nothing of these pages needs either.
"""

import json
from functools import partial
from typing import Any

from aiohttp import web

from node.actions.consents import receipt_of
from node.actions.records import withdraw_now
from node.membership.hub import HubMembership
from node.records.accounts import STAFF
from node.store.records import Client
from node.store.tables import NodeTables
from node.views.clients import client_value
from node.views.consents import consents_value, day_before
from node.views.receipt import Said, receipt_on_page, said_of
from node.views.withdrawal import Withdrawal, withdrawal_value
from node.web.pages.desk import NodePage, NodeVisit, told_later
from web.forms import InvalidForm
from web.site import Answer, Download, Go, Shown

ALL = "all"


async def show(visit: NodeVisit) -> Answer:
    """Show what was agreed, of each piece of work, and what became of it."""
    client, here = await visit.here.client(visit.number("client")), visit.here

    def look(tables: NodeTables, membership: HubMembership) -> dict[str, Any]:
        begun = tables.consent_drafts.get(client.id, here.person.id) is not None
        return {**_history(tables, membership, client), "begun": begun}

    values = await here.hubs.any().read(look)
    return Shown("consent/history.html", {"client": client, **values})


def _history(tables: NodeTables, membership: HubMembership, client: Client) -> dict[str, Any]:
    agreement, charter = membership.agreement, membership.charter
    said = consents_value(tables, client.local_id, membership.env.clock())
    now = client_value(tables, client.local_id, membership.env.clock())
    works = []
    for work, stands in zip(said["work"], now["work"], strict=True):  # type: ignore[call-overload]
        kind, basis = (
            agreement.types.get(work["type"]),
            agreement.basis(stands["permission_basis"]),
        )
        title = work["label"] or (kind.title if kind is not None else work["type"])
        on_consent = basis is not None and basis.permission_class == "consent"
        shared = {"title": title, "basis": basis.title if basis else "", "on_consent": on_consent}
        until = day_before(stands["valid_until"]) if stands["valid_until"] else ""
        works.append({**stands, **work, **shared, "last_day": until})
    return {
        "works": works,
        "bases": {own: one.title for own, one in _bases(membership).items()},
        "classes": {one.code: one.title for one in charter.classes},
        "purposes": {one.code: one.title for one in charter.purposes},
    }


def _bases(membership: HubMembership) -> dict[str, Any]:
    """Lawful bases by our own codes."""
    own = membership.agreement.own_basis
    return {own(one.code): one for one in membership.charter.lawful_bases}


async def show_receipt(visit: NodeVisit) -> Answer:
    """Show the client's own copy, to be printed."""
    client = await visit.here.client(visit.number("client"))
    said = await _said(visit, client)
    return Shown("consent/receipt.html", {"row": client.id, "said": receipt_on_page(said)})


async def keep_receipt(visit: NodeVisit) -> Answer:
    """The same as a file by ISO/IEC TS 27560."""
    client = await visit.here.client(visit.number("client"))
    await _said(visit, client)
    made = await receipt_of(visit.here.hubs.any(), visit.number("number"))
    return Download(json.dumps(made.value, indent=1).encode(), "receipt.json", "application/json")


async def _said(visit: NodeVisit, client: Client) -> Said:
    """A consent of this client. Raises HTTPNotFound."""
    number = visit.number("number")

    def look(tables: NodeTables, membership: HubMembership) -> Said:
        consent = tables.consents.get(number)
        work = tables.records.involvement(consent.involvement) if consent is not None else None
        if work is None or work.client != client.id:
            raise web.HTTPNotFound
        return said_of(tables, membership, number)

    return await visit.here.hubs.any().read(look)


async def show_withdraw(visit: NodeVisit) -> Answer:
    """Ask what is taken back, where there is a choice."""
    client = await visit.here.client(visit.number("client"))
    works = await _shared(visit, client)
    if len(works) < 2:
        return Go(f"/clients/{client.id}/consent/withdraw/{ALL}")
    return Shown("consent/which.html", {"client": client, "works": works})


async def choose(visit: NodeVisit) -> Answer:
    """Go on to what would follow."""
    client = await visit.here.client(visit.number("client"))
    offered = [ALL, *(str(number) for number, _ in await _shared(visit, client))]
    work = visit.form.one_of("work", offered, "consent.wrong.which")
    return Go(f"/clients/{client.id}/consent/withdraw/{work}")


async def show_what_goes(visit: NodeVisit) -> Answer:
    """Say what goes and what stays, before anything is done."""
    client = await visit.here.client(visit.number("client"))
    number, works = _number(visit), await _shared(visit, client)
    if number is not None and number not in dict(works):
        raise web.HTTPNotFound
    found: Withdrawal = {}
    for service in visit.here.services:
        membership = service.membership
        view = partial(
            withdrawal_value, membership=membership, local_id=client.local_id, number=number
        )
        for name, items in (await visit.here.read(view)).items():
            found[name] = sorted({*found.get(name, []), *items})
    back = f"/clients/{client.id}/consent{'/withdraw' if len(works) > 1 else ''}"
    return Shown("consent/withdraw.html", {"client": client, "back_to": back, "found": found})


async def withdraw(visit: NodeVisit) -> Answer:
    """Take it back: here at once, and at the hubs as soon as they are there."""
    client, number = await visit.here.client(visit.number("client")), _number(visit)
    if number is not None and number not in dict(await _shared(visit, client)):
        raise InvalidForm({"": "consent.wrong.gone"})
    service, person = visit.here.hubs.any(), visit.here.person.id
    await told_later(withdraw_now(service, client.local_id, person, number))
    return Go(f"/clients/{client.id}/consent?withdrawn")


def _number(visit: NodeVisit) -> int | None:
    return None if visit.place["work"] == ALL else visit.number("work")


async def _shared(visit: NodeVisit, client: Client) -> list[tuple[int, str]]:
    """Work of which anything can be taken back: by number, with its title."""
    types, now = visit.here.hubs.any().membership.agreement.types, visit.here.now
    value = await visit.here.read(lambda tables: client_value(tables, client.local_id, now))
    return [
        (
            item["number"],
            item["label"] or (types[item["type"]].title if item["type"] in types else item["type"]),
        )
        for item in value["work"]  # type: ignore[attr-defined]
        if item["permission"] not in {"withdrawn", "none"}
    ]


PAGES = [
    NodePage("/clients/{client}/consent", STAFF, show),
    NodePage("/clients/{client}/consent/withdraw", STAFF, show_withdraw, choose),
    NodePage("/clients/{client}/consent/withdraw/{work}", STAFF, show_what_goes, withdraw),
    NodePage("/clients/{client}/consent/{number}", STAFF, show_receipt),
    NodePage("/clients/{client}/consent/{number}/file", STAFF, keep_receipt),
]
