"""A node's folder copied aside and put back later, as an operator does it by hand."""

import shutil
from pathlib import Path

from node.membership.hub import NodeContext, load_membership
from node.service import NodeService
from node.store.tables import open_engine
from storage.sqlite import copy_database
from tests.sim.federation import SimFederation, SimNode

DATABASE = "node.sqlite"


def copy_aside(node: SimNode, where: Path) -> None:
    """Copy a node's folder as it is now, its database whole."""
    where.mkdir(mode=0o700)
    for path in node.folder.iterdir():
        if path.is_file() and not path.name.startswith(DATABASE):
            shutil.copy2(path, where)
    copy_database(node.folder / DATABASE, where / DATABASE)


async def put_back(federation: SimFederation, node: SimNode, copy: Path) -> SimNode:
    """Lose a node's folder, put the copy in its place, and start from it."""
    name, held = node.folder.name, node.membership
    await held.engine.close()
    shutil.rmtree(node.folder)
    shutil.copytree(copy, node.folder)
    return await started(federation, name, node)


async def started(federation: SimFederation, name: str, before: SimNode) -> SimNode:
    """Start a node from its folder, in the place of one that is closed."""
    held = before.membership
    engine = open_engine(before.folder, rehearse=federation.rehearse)
    (hub,) = await engine.read(lambda tables: tables.hubs.all())
    context = NodeContext(engine, held.http, held.env, held.shared_places)
    membership = await load_membership(before.folder, hub, context)
    service = NodeService(membership, before.service.answering._settings)
    federation.nodes[name] = SimNode(service, before.folder)
    return federation.nodes[name]
