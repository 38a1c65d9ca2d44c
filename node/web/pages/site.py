"""The whole site of a node: all its pages, over its services."""

from pathlib import Path
from zoneinfo import ZoneInfo

from node.actions.uploads import UploadDesk
from node.config import NodeSettings
from node.service import NodeService
from node.store.tables import NodeEngine
from node.web.pages import (
    adding,
    administration,
    agency,
    asked,
    asking,
    cards,
    changing,
    checks,
    clients,
    consent,
    consenting,
    duty,
    enquiring,
    family,
    governance,
    health,
    help,
    importing,
    inbox,
    introducing,
    keeping,
    mail,
    mapping,
    matches,
    news,
    people,
    presets,
    raising,
    rules,
    sent,
    start,
    team,
    withheld,
)
from node.web.pages.desk import Desk, NodePage, Reception
from runtime.environment import Environment
from web.look import Brand, Look
from web.place import Place
from web.sessions import SessionKeeper
from web.sign_in import sign_in_pages
from web.site import Site

PAGES: list[NodePage] = [
    *sign_in_pages(),
    *start.PAGES,
    *clients.PAGES,
    *adding.PAGES,
    *changing.PAGES,
    *consenting.PAGES,
    *consent.PAGES,
    *importing.PAGES,
    *mapping.PAGES,
    *inbox.PAGES,
    *matches.PAGES,
    *checks.PAGES,
    *team.PAGES,
    *family.PAGES,
    *asking.PAGES,
    *introducing.PAGES,
    *enquiring.PAGES,
    *raising.PAGES,
    *sent.PAGES,
    *news.PAGES,
    *mail.PAGES,
    *governance.PAGES,
    *asked.PAGES,
    *cards.PAGES,
    *withheld.PAGES,
    *administration.PAGES,
    *help.PAGES,
    *people.PAGES,
    *duty.PAGES,
    *agency.PAGES,
    *rules.PAGES,
    *presets.PAGES,
    *keeping.PAGES,
    *health.PAGES,
]


def node_site(
    engine: NodeEngine, services: list[NodeService], settings: NodeSettings, env: Environment
) -> Site[Desk]:
    """The pages of a node that has joined a hub or more."""
    membership = services[0].membership
    member = membership.directory.member(membership.hub.party_id)  # suspended, too; None: not yet
    name = member.body.name if member is not None else settings.name
    brand = Brand(name, settings.web_person, settings.web_people, settings.web_colour)
    look = Look(
        brand, [Path(__file__).parents[1]], ZoneInfo(settings.time_zone), help.HELP.for_page
    )
    keeper = SessionKeeper(engine, env, settings.web_idle_minutes * 60)
    uploads = UploadDesk(engine, services)
    reception = Reception(engine, services, settings, uploads)
    place = Place(settings.web_address)
    site = Site(look, keeper, place, reception.admit, PAGES)
    site.beside = uploads.beside
    return site
