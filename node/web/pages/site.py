"""The whole site of a node: all its pages, over its services."""

from pathlib import Path
from zoneinfo import ZoneInfo

from node.actions.uploads import UploadDesk
from node.config import NodeSettings
from node.records.accounts import EVERYBODY, WITH_SECOND_FACTOR
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
    mappings,
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
from runtime.secrets import read_password
from transport.client import require_url
from web.look import Brand, Look
from web.oidc import Provider, ProviderRules
from web.organisation import organisation_pages
from web.own_sign_ins import own_sign_in_pages
from web.place import Place
from web.sessions import FactorRules, SessionKeeper
from web.sign_in import sign_in_pages
from web.site import Site

PAGES: list[NodePage] = [
    *sign_in_pages(),
    *organisation_pages(),
    *own_sign_in_pages(frozenset(EVERYBODY)),
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
    *mappings.PAGES,
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
    zone = ZoneInfo(settings.time_zone)
    look = Look(brand, [Path(__file__).parents[1]], zone, help.HELP.for_page)
    required_of = WITH_SECOND_FACTOR[settings.web_second_factor]
    rules = FactorRules(required_of, settings.web_again_minutes * 60, f"Patchwork, {name}", True)
    keeper = SessionKeeper(engine, env, settings.web_idle_minutes * 60, rules)
    uploads = UploadDesk(engine, services)
    reception = Reception(engine, services, settings, uploads)
    made = Site(look, keeper, Place(settings.web_address), reception.admit, PAGES)
    made.beside = uploads.beside
    if settings.web_oidc_issuer:
        made.provider = Provider(provider_rules(membership.folder, settings), membership.http, env)
    return made


def provider_rules(folder: Path, settings: NodeSettings) -> ProviderRules:
    """What is pinned of the organisation's own sign-in. Raises LocalError: its secret is missing,
    or its address is none to follow.
    """
    issuer = settings.web_oidc_issuer
    require_url(issuer, "web_oidc_issuer", allow_private=settings.allow_private_addresses)
    return ProviderRules(
        issuer,
        settings.web_oidc_client,
        read_password(folder / settings.web_oidc_secret_file),
        settings.web_oidc_name,
        settings.web_oidc_tenant,
        settings.web_oidc_acr,
    )
