"""A node's folder as a running program: one service a hub, and the local interface beside them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from aiohttp import web

from node.actions.membership import api_token
from node.config import NodeSettings, load_settings
from node.membership.hub import NodeContext, load_membership
from node.service import NodeService
from node.store.tables import NodeEngine, open_engine
from node.web.api import LocalApi
from node.web.watching import node_watch
from protocol.errors import ErrorCode, LocalError
from runtime.environment import Environment
from runtime.folders import NODE, require
from runtime.lock import only_one
from runtime.logs import configure_logs
from runtime.secrets import check_closed
from transport.client import HttpClient
from transport.server import serve_forever, until_stopped

if TYPE_CHECKING:
    from node.news.mailing import NewsMailer


Ready = Callable[[int, Sequence[str]], None]


async def serve(folder: Path, ready: Ready) -> None:
    """Serve every hub that the node has joined, until stopped; `ready` is told how many, and what
    is served here and where.

    Raises LocalError.
    """
    require(folder, NODE)
    check_closed(folder)
    with only_one(folder, "node"):
        await _serve(folder, ready)


async def _serve(folder: Path, ready: Ready) -> None:
    settings = load_settings(folder)
    configure_logs(settings.log_level, settings.log_format)
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
            listeners = _listeners(folder, engine, services, settings)
            ready(len(services), [f"{one.what} at {one.address}" for one in listeners])
            work: list[Awaitable[object]] = [service.run() for service in services]
            if mailer is not None:
                work.append(mailer.run(services[0].attempt))
            work += [
                serve_forever(one.app, one.host, one.port, one.certificate) for one in listeners
            ]
            await until_stopped(work)
    finally:
        await engine.close()


@dataclass(frozen=True)
class Listener:
    """What is served to people or programs of the agency, and where."""

    what: str
    app: web.Application
    host: str
    port: int
    certificate: tuple[Path, Path] | None = None

    @property
    def address(self) -> str:
        """Where it answers on this machine."""
        return f"http{'s' if self.certificate else ''}://{self.host}:{self.port}"


def _listeners(
    folder: Path, engine: NodeEngine, services: list[NodeService], settings: NodeSettings
) -> list[Listener]:
    """All that the settings turn on. Raises LocalError."""
    found = []
    if settings.web_port:
        from node.web.pages.site import node_site  # what pages need is loaded only for them

        pages = node_site(engine, services, settings, Environment()).application()
        files = (folder / settings.web_certificate, folder / settings.web_key)
        certificate = files if settings.web_certificate else None
        found.append(Listener("pages", pages, settings.web_host, settings.web_port, certificate))
    if settings.api_port:
        token = api_token(folder, Environment())
        api = LocalApi(services, token, settings.api_host).application()
        found.append(Listener("local interface", api, settings.api_host, settings.api_port))
    if settings.metrics_port:
        watch = node_watch(folder, engine, services, [one.app for one in found])
        place = settings.metrics_host, settings.metrics_port
        found.append(Listener("numbers", watch.application(), *place))
    return found


def _mailer(folder: Path, settings: NodeSettings, engine: NodeEngine) -> "NewsMailer | None":
    """What sends mail to our own people, if that is set up. Raises LocalError."""
    if settings.mail is None:
        return None
    from node.news.mailing import NewsMailer

    place = (folder, ZoneInfo(settings.time_zone))
    mailer = NewsMailer(engine, settings.mail, place, Environment())
    mailer.check()
    return mailer
