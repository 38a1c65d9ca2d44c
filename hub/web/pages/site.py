"""The whole site of a hub's operator: all its pages, over its database."""

from pathlib import Path
from zoneinfo import ZoneInfo

from hub.web.pages import (
    applicants,
    charter,
    help,
    holders,
    invitations,
    members,
    start,
    take_up,
    waves,
)
from hub.web.pages.desk import Desk, Hub, HubPage, Reception
from web.look import Brand, Look
from web.sessions import SessionKeeper
from web.sign_in import sign_in_pages
from web.site import Place, Site

PAGES: list[HubPage] = [
    *sign_in_pages(),
    *start.PAGES,
    *applicants.PAGES,
    *members.PAGES,
    *invitations.PAGES,
    *waves.PAGES,
    *charter.PAGES,
    *take_up.PAGES,
    *holders.PAGES,
    *help.PAGES,
]


async def hub_site(hub: Hub) -> Site[Desk]:
    """The pages of a hub that was founded. Raises LocalError."""
    charter = (await hub.engine.read(lambda tables: tables.directory.current())).charter
    zone = charter.answering.time_zone if charter.answering is not None else "UTC"
    brand = Brand(charter.hub.name, colour=hub.settings.web_colour)
    look = Look(brand, [Path(__file__).parents[1]], ZoneInfo(zone), help.HELP.for_page)
    keeper = SessionKeeper(hub.engine, hub.env, hub.settings.web_idle_minutes * 60)
    place = Place(hub.settings.web_address)
    return Site(look, keeper, place, Reception(hub).admit, PAGES)
