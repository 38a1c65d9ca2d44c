"""One person's hold of a node's folder for one act: settings, database, network, and which hub."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from node.config import load_settings
from node.membership.hub import NodeContext, follow_without_keys, load_membership
from node.membership.keys import has_keys
from node.service import NodeService
from node.store.tables import NodeTables, open_engine
from protocol.errors import ErrorCode, LocalError
from runtime.environment import Environment
from transport.client import HttpClient

Result = TypeVar("Result")


async def in_folder(folder: Path, work: Callable[[NodeTables], Result]) -> Result:
    """What work on the agency's own records comes to, in one transaction; no hub is needed. Raises
    LocalError.
    """
    load_settings(folder)
    engine = open_engine(folder)
    try:
        return await engine.write(work)
    finally:
        await engine.close()


@asynccontextmanager
async def open_service(
    folder: Path, hub_name: str, *, keyless: bool = False, own: bool = False
) -> AsyncIterator[NodeService]:
    """The node at one hub, for one command. Raises LocalError; `keyless`: not for want of keys.

    `own`: for work on the agency's own records, which every hub is told of: without a name the hub
    that was joined first.
    """
    settings = load_settings(folder)
    engine = open_engine(folder)
    try:
        hubs = await engine.read(lambda tables: tables.hubs.all())
        chosen = [hub for hub in hubs if hub_name in ("", hub.name)]
        if own and not hub_name:
            chosen = hubs[:1]
        if len(chosen) != 1:
            names = ", ".join(hub.name for hub in hubs) or "none yet: run join"
            raise LocalError(ErrorCode.NOT_READY, f"say which hub with --hub; there is {names}")
        async with HttpClient(allow_private=settings.allow_private_addresses) as http:
            context = NodeContext(
                engine, http, Environment(), settings.shared_places, settings.hubs
            )
            hub = chosen[0]
            if keyless and not has_keys(folder, hub.hub_id):
                membership = await follow_without_keys(folder, hub, context)
            else:
                membership = await load_membership(folder, hub, context)
            service = NodeService(membership, settings)
            if own:
                others = [one for one in hubs if one.hub_id != hub.hub_id]
                service.others = [await load_membership(folder, one, context) for one in others]
            yield service
    finally:
        await engine.close()
