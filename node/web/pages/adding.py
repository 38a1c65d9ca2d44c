"""Adding a client: name, date of birth, postcode, what they get; who is alike here first; their
page.
"""

from dataclasses import replace
from typing import Any

from aiohttp import web

from node.actions.clients import NewClient, PerhapsKnownError, add_client
from node.records.accounts import STAFF
from node.service import NodeService
from node.store.merges import Preset
from node.web.pages.changing import not_read
from node.web.pages.clients import outlined
from node.web.pages.desk import NodePage, NodeVisit
from protocol.errors import ErrorCode, LocalError, RemoteError
from web.forms import InvalidForm
from web.site import Answer, Go, Shown

NAME = 80
WHO = ("given", "family", "date_of_birth", "postcode")


async def show(visit: NodeVisit) -> Answer:
    """Ask for a new client; whoever comes back from a later question has typed nothing in vain."""
    return Shown("clients/add.html", {"presets": await _offered(visit)})


async def add(visit: NodeVisit) -> Answer:
    """Add the client, unless somebody here may be them: then ask that first."""
    form = visit.form
    if form.raw("back"):
        return await show(visit)
    presets = await _offered(visit)
    known = [preset["name"] for preset in presets]
    preset = form.one_of("preset", known, "clients.wrong.preset")
    typed = _typed(visit)
    consents = next(one["consents"] for one in presets if one["name"] == preset)
    try:
        consent = _consent(visit) if consents else ""
    except InvalidForm as wrong:
        errors = {name: visit.site.say(key) for name, key in wrong.wrong.items()}
        return replace(_more(visit, "clients/agreed.html", errors=errors), status=400)
    if consents and not consent:
        return _more(visit, "clients/agreed.html")
    new = NewClient(typed, preset=preset, consent=consent, is_new=form.raw("is_new") == "yes")
    return await _added(visit, new)


def _typed(visit: NodeVisit) -> dict[str, str]:
    """Who they are. A name and a birth date alone are for people to compare: a postcode spares
    them that. Raises InvalidForm.
    """
    typed = {name: visit.form.text(name, most=NAME) for name in WHO}
    wrong = {name: f"clients.wrong.fields.{name}" for name in not_read(visit, typed)}
    if not typed["given"] and not typed["family"]:
        wrong |= {"given": "clients.wrong.name"}
    if not typed["date_of_birth"]:
        wrong |= {"date_of_birth": "clients.wrong.born"}
    if wrong:
        raise InvalidForm({name: wrong[name] for name in WHO if name in wrong})
    return typed


def _consent(visit: NodeVisit) -> str:
    """On which day somebody agreed, as it is typed; empty: not asked yet."""
    if not visit.form.raw("asked"):
        return ""
    day = visit.form.day("agreed", "clients.wrong.agreed", "clients.wrong.no_day")
    if day is None:
        return ""
    if day > visit.here.today:
        raise InvalidForm({"agreed": "clients.wrong.agreed_later"})
    return day.isoformat()


async def _added(visit: NodeVisit, new: NewClient) -> Answer:
    """Lead to the client's page. If they are here, what is told later goes by itself."""
    service, failed = visit.here.hubs.any(), None
    new = replace(new, local_id=f"hand-{visit.site.env.random(4).hex()}")
    try:
        await add_client(service, new, visit.here.person.id)
    except PerhapsKnownError as known:
        shown = await outlined(visit, known.alike)
        return _more(
            visit, "clients/alike.html", alike=known.alike, withdrew=known.withdrew, **shown
        )
    except (LocalError, RemoteError) as error:
        failed = error
    found = await visit.here.read(lambda tables: tables.records.client(new.local_id))
    if found is not None:
        return Go(f"/clients/{found.id}")
    if failed is not None and failed.code is ErrorCode.MALFORMED:
        if new.consent:  # all else was read before: what they agreed to is over
            errors = {"agreed": visit.site.say("clients.wrong.agreed_over")}
            return replace(_more(visit, "clients/agreed.html", errors=errors), status=400)
        raise InvalidForm({"date_of_birth": "clients.wrong.refused"})
    raise failed or web.HTTPNotFound


def _more(visit: NodeVisit, template: str, **values: object) -> Shown:
    """Another question, with what was typed before carried along."""
    asked = {"agreed-day", "agreed-month", "agreed-year", "asked", "csrf", "once", "is_new", "back"}
    kept = [(name, text) for name, text in visit.form.items() if name not in asked]
    if template == "clients/alike.html":
        kept += [(name, text) for name, text in visit.form.items() if name.startswith("agreed-")]
        kept += [("asked", "yes")] if visit.form.raw("asked") else []
    return Shown(template, {"kept": kept, **values})


async def _offered(visit: NodeVisit) -> list[dict[str, Any]]:
    """What a new client can get, in words, and whether they must have agreed."""
    service = visit.here.hubs.any()
    found = await visit.here.read(lambda tables: tables.merges.presets())
    return [_preset(service, preset) for preset in found]


def _preset(service: NodeService, preset: Preset) -> dict[str, Any]:
    agreement = service.membership.agreement
    kind, basis = agreement.kind(preset.type), agreement.basis(preset.basis)
    return {
        "name": preset.name,
        "service": preset.label or (kind.title if kind else preset.type),
        "basis": basis.title if basis else preset.basis,
        "consents": basis is not None and basis.permission_class == "consent",
    }


PAGES = [NodePage("/clients/add", STAFF, show, add)]
