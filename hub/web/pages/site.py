"""The whole site of a hub's operator: all its pages, over its database."""

from pathlib import Path
from zoneinfo import ZoneInfo

from hub.members.accounts import OPERATOR
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
from web.own_sign_ins import own_sign_in_pages
from web.sessions import FactorRules, SessionKeeper
from web.sign_in import sign_in_pages
from web.site import Place, Site

PAGES: list[HubPage] = [
    *sign_in_pages(),
    *own_sign_in_pages(OPERATOR),
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
    settings = hub.settings
    required_of = OPERATOR if settings.web_second_factor == "everybody" else frozenset()
    rules = FactorRules(required_of, settings.web_again_minutes * 60, f"Patchwork, {brand.name}")
    keeper = SessionKeeper(hub.engine, hub.env, settings.web_idle_minutes * 60, rules)
    place = Place(settings.web_address)
    return Site(look, keeper, place, Reception(hub).admit, PAGES)
