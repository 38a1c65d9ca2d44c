"""A node's folder as a running program: one service a hub, and the local interface beside them."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from node.actions.membership import api_token
from node.config import NodeSettings, load_settings
from node.membership.hub import NodeContext, load_membership
from node.service import NodeService
from node.store.tables import NodeEngine, open_engine
from node.web.api import LocalApi
from protocol.errors import ErrorCode, LocalError
from runtime.environment import Environment
from runtime.lock import only_one
from runtime.secrets import check_closed
from transport.client import HttpClient
from transport.server import serve_forever, until_stopped

if TYPE_CHECKING:
    from node.news.mailing import NewsMailer


async def serve(folder: Path, ready: Callable[[int], None]) -> None:
    """Serve every hub that the node has joined, until stopped; `ready` is told how many.

    Raises LocalError.
    """
    check_closed(folder)
    with only_one(folder, "node"):
        await _serve(folder, ready)


async def _serve(folder: Path, ready: Callable[[int], None]) -> None:
    settings = load_settings(folder)
    engine = open_engine(folder)
    try:
        await engine.check()
        hubs = await engine.read(lambda tables: tables.hubs.all())
        if not hubs:
            raise LocalError(ErrorCode.NOT_READY, "this node belongs to no hub yet; run join")
        async with HttpClient(allow_private=settings.allow_private_addresses) as http:
            context = NodeContext(
                engine, http, Environment(), settings.shared_places, settings.hubs
            )
            services = [
                NodeService(await load_membership(folder, hub, context), settings) for hub in hubs
            ]
            for service in services:
                service.others = [one.membership for one in services if one is not service]
            mailer = _mailer(folder, settings, engine)
            ready(len(services))
            work: list[Awaitable[object]] = [service.run() for service in services]
            if mailer is not None:
                work.append(mailer.run(services[0].attempt))
            if settings.api_port:
                token = api_token(folder, Environment())
                api = LocalApi(services, token, settings.api_host)
                work.append(serve_forever(api.application(), settings.api_host, settings.api_port))
            if settings.web_port:
                work.append(_pages(folder, engine, services, settings))
            await until_stopped(work)
    finally:
        await engine.close()


async def _pages(
    folder: Path, engine: NodeEngine, services: list[NodeService], settings: NodeSettings
) -> None:
    """Serve the pages until cancelled; what they need is loaded only here. Raises LocalError."""
    from node.web.pages.site import node_site

    app = node_site(engine, services, settings, Environment()).application()
    certificate = None
    if settings.web_certificate:
        certificate = (folder / settings.web_certificate, folder / settings.web_key)
    await serve_forever(app, settings.web_host, settings.web_port, certificate)


def _mailer(folder: Path, settings: NodeSettings, engine: NodeEngine) -> "NewsMailer | None":
    """What sends mail to our own people, if that is set up. Raises LocalError."""
    if settings.mail is None:
        return None
    from node.news.mailing import NewsMailer

    place = (folder, ZoneInfo(settings.time_zone))
    mailer = NewsMailer(engine, settings.mail, place, Environment())
    mailer.check()
    return mailer
