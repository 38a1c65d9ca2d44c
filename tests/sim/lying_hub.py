"""A hub that delivers what it must not: for tests of what a node refuses by itself."""

from typing import Any

from hub.store.mailboxes import Post
from protocol.messages.statement import Statement
from tests.sim.federation import SimFederation, SimNode


async def delivered(
    federation: SimFederation,
    node: SimNode,
    statement: Statement[Any],
    sealed: bytes | None = None,
    proof: bytes | None = None,
) -> None:
    """The hub logs a statement that somebody really signed, past all its checks, and the node
    reads it.
    """

    def post(tables: Any) -> None:
        ledger = federation.ledger(tables)
        logged = tables.log.logged(statement.id)
        if logged is None and statement.kind.is_logged:
            logged = ledger.append(statement)
        post = Post(node.party_id, statement.envelope.encode(), logged, sealed, proof)
        tables.mailboxes.post([post])

    await federation.hub_write(post)
    await federation.checkpoint()
    await node.membership.sync()
    while await node.service.receive(wait=0):
        pass
