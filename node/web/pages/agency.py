"""The organisation at its hubs: what everybody sees of it, and the agreement that it signs.

What goes out is shown first as others will see it, and is signed on a second page.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from node.actions.membership import NewDetails, newest_agreement, say_details, sign_agreement
from node.records.accounts import Role
from node.service import NodeService
from node.views.agreement import agreement_of
from node.views.details import details_value
from node.views.hubs import parts_of, standing_value
from node.web.pages.desk import NodePage, NodeVisit
from protocol.contact import require_hours, require_name, require_phone
from protocol.governance.charter_words import with_titles
from web.forms import InvalidForm
from web.site import Answer, Go, Shown

ADMINISTRATOR = frozenset({Role.ADMINISTRATOR})
HOME = "/administration/agency"
SIGNED = f"{HOME}/signed"
FIELDS = {
    "name": (require_name, "agency.wrong.name"),
    "duty_line": (require_phone, "agency.wrong.duty_line"),
    "duty_hours": (require_hours, "agency.wrong.duty_hours"),
}
"""What everybody sees of us: how each is read, and what is said of one that cannot be."""


async def show(visit: NodeVisit) -> Answer:
    """Show how the organisation stands at each hub, and what others see."""
    hubs = [await service.oversee(standing_value) for service in visit.here.services]
    return Shown("agency/hubs.html", {"hubs": hubs})


async def show_details(visit: NodeVisit) -> Answer:
    """Ask for another name, duty line or hours."""
    service = visit.here.at(visit.place["hub"])
    seen = await service.read(details_value)
    return Shown("agency/details.html", {"seen": seen, **_hub(service)})


async def check_details(visit: NodeVisit) -> Answer:
    """Show what others will see, before it is signed."""
    service = visit.here.at(visit.place["hub"])
    seen = await service.read(details_value)
    said = _typed(visit)
    if said == seen:
        return Go(HOME)
    return Shown("agency/check.html", {"seen": seen, "said": said, **_hub(service)})


async def show_sign_details(visit: NodeVisit) -> Answer:
    """Whoever comes here without having typed anything begins at the beginning."""
    if not visit.form:
        return Go(f"{HOME}/{visit.place['hub']}/details")
    return await show_details(visit)


async def sign_details(visit: NodeVisit) -> Answer:
    """Sign what changes."""
    service = visit.here.at(visit.place["hub"])
    seen, said = await service.read(details_value), _typed(visit)
    changed = {field: text if text != seen[field] else "" for field, text in said.items()}
    new = NewDetails.of(**changed)
    if new is not None:
        await say_details(service, new, visit.here.person.id)
    return Go(SIGNED)


async def show_agreement(visit: NodeVisit) -> Answer:
    """Show what the agreement says, beside what was signed."""
    service = visit.here.at(visit.place["hub"])
    return Shown("agency/agreement.html", await _agreement(service))


async def show_sign(visit: NodeVisit) -> Answer:
    """Ask once more, and say what others see."""
    service = visit.here.at(visit.place["hub"])
    values = await _agreement(service)
    if values["found"].signed == values["found"].version:
        return Go(f"{HOME}/{visit.place['hub']}/agreement")
    return Shown("agency/sign.html", values)


async def sign(visit: NodeVisit) -> Answer:
    """Sign the version that was read, and no other."""
    service = visit.here.at(visit.place["hub"])
    read = visit.form.text("version", most=12)
    charter = await newest_agreement(service)
    if read != str(charter.version):
        raise InvalidForm({"": "agency.wrong.version"})
    found = await service.oversee(agreement_of)
    if found.signed != found.version:
        await sign_agreement(service, visit.here.person.id)
    return Go(SIGNED)


async def show_signed(visit: NodeVisit) -> Answer:
    """Say that it is signed: this page's own look at the log comes a moment later."""
    return Shown("agency/signed.html")


async def _agreement(service: NodeService) -> dict[str, Any]:
    found, changed = await service.oversee(agreement_of), await service.oversee(parts_of)
    titled = partial(with_titles, service.membership.charter)
    return {"found": found, "changed": changed, "titled": titled, **_hub(service)}


def _hub(service: NodeService) -> dict[str, str]:
    return {"hub": service.membership.hub.name, "hub_id": service.membership.hub.hub_id}


def _typed(visit: NodeVisit) -> Mapping[str, str]:
    """What was typed, in the form that messages take. Raises InvalidForm for all that is wrong."""
    said, wrong = {}, {}
    for field, (require, key) in FIELDS.items():
        try:
            said[field] = require(visit.form.text(field, most=120))
        except (ValueError, InvalidForm):
            wrong[field] = key
    if wrong:
        raise InvalidForm(wrong)
    return said


PAGES = [
    NodePage(HOME, ADMINISTRATOR, show, nav="agency.hubs.nav", room="/administration"),
    NodePage(SIGNED, ADMINISTRATOR, show_signed),
    NodePage(f"{HOME}/{{hub}}/details", ADMINISTRATOR, show_details, check_details),
    NodePage(
        f"{HOME}/{{hub}}/details/sign", ADMINISTRATOR, show_sign_details, sign_details, again=True
    ),
    NodePage(f"{HOME}/{{hub}}/agreement", ADMINISTRATOR, show_agreement),
    NodePage(f"{HOME}/{{hub}}/agreement/sign", ADMINISTRATOR, show_sign, sign, again=True),
]
