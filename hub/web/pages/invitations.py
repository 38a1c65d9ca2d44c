"""Invitations: made and shown once, listed, taken back."""

import asyncio
import re

from aiohttp import web

from hub.members.accounts import OPERATOR
from hub.members.invitations import InvitationState, cancel_invitation, invited, reference_of
from hub.members.office import keep_invitation, new_invitation
from hub.store.office import ActKind
from hub.web.pages.desk import HubPage, HubVisit
from protocol.fields import to_base64
from protocol.wire import encode_wire
from web.forms import InvalidForm
from web.site import Answer, Download, Go, Shown

INVITATION = re.compile(r"[A-Za-z0-9+/]{40,4000}={0,2}")


async def show(visit: HubVisit) -> Answer:
    """Show what was made and what became of it, those that wait first."""
    now = visit.here.now
    found = await visit.here.read(lambda tables: invited(tables, now))
    waits = InvitationState.WAITING
    return Shown(
        "invitations/list.html",
        {"invitations": sorted(found, key=lambda one: (one.state is not waits, -one.expires))},
    )


async def make(visit: HubVisit) -> Answer:
    """Make one; it is shown once."""
    hub = visit.here.hub
    made, expires = await asyncio.to_thread(new_invitation, hub.folder, hub.env)
    reference = reference_of(made)
    await visit.here.act(
        lambda tables: keep_invitation(tables, made, expires), ActKind.INVITED, reference
    )
    text = to_base64(encode_wire(made))
    made_here = [{"name": "", "text": text, "reference": reference}]
    values = {"made": made_here, "expires": expires, "back": "/invitations"}
    return Shown("invitations/made.html", values, done_at="/invitations")


async def show_no_file(_visit: HubVisit) -> Answer:
    """An invitation is shown once: there is no file of it to come back to."""
    return Go("/invitations")


async def save(visit: HubVisit) -> Answer:
    """The invitation that was just shown, as a file to hand over."""
    text = visit.form.raw("invitation")
    reference = visit.form.raw("reference")
    if not INVITATION.fullmatch(text) or not re.fullmatch("[0-9a-f]{8}", reference):
        raise InvalidForm({"": "invitations.wrong.none"})
    return Download(f"{text}\n".encode(), f"invitation-{reference}.txt", "text/plain")


async def show_cancel(visit: HubVisit) -> Answer:
    """Ask whether to take one back."""
    now, reference = visit.here.now, visit.place["reference"]
    found = await visit.here.read(lambda tables: invited(tables, now))
    for one in found:
        if one.reference == reference and one.state is not InvitationState.USED:
            return Shown("invitations/cancel.html", {"one": one})
    raise web.HTTPNotFound


async def cancel(visit: HubVisit) -> Answer:
    """Take one back that nobody has used."""
    reference = visit.place["reference"]
    await visit.here.act(
        lambda tables: cancel_invitation(tables, reference), ActKind.TOOK_BACK, reference
    )
    return Go("/invitations")


PAGES = [
    HubPage("/invitations", OPERATOR, show, make, nav="invitations.list.nav", room="/"),
    HubPage("/invitations/file", OPERATOR, show_no_file, save),
    HubPage("/invitations/{reference}/cancel", OPERATOR, show_cancel, cancel),
]
