"""Link secrets: what two agencies who share a value prove to each other (specs/03-tokens.md §7).

They rest on the tokens that a stub publishes, and never leave this node.
"""

import json

from node.membership.hub import HubMembership
from node.publishing.tokens import TokenCache
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError
from protocol.messages.parts import LinkEvidence
from storage.engine import Row


def evidence_secret(
    tables: NodeTables, membership: HubMembership, link: Row
) -> tuple[LinkEvidence, bytes]:
    """The evidence the hub named for a link, and our own link secret for it."""
    if link["evidence"] is None:
        raise LocalError(ErrorCode.NOT_READY, "the hub named no evidence for this link")
    evidence = LinkEvidence.model_validate(json.loads(link["evidence"]))
    return evidence, secret_for(tables, membership, link["stub_id"], evidence)


def secret_for(
    tables: NodeTables, membership: HubMembership, stub_id: str, evidence: LinkEvidence
) -> bytes:
    """Our link secret for the token that the hub named. Raises LocalError(NOT_READY)."""
    row = tables.tx.one(
        "SELECT input_digest FROM published_token "
        "WHERE hub_id = ? AND stub_id = ? AND match_key_id = ? AND ordinal = ?",
        membership.hub.hub_id, stub_id, evidence.match_key_id, evidence.ordinal,
    )  # fmt: skip
    if row is None:
        raise LocalError(ErrorCode.NOT_READY, "the link rests on a token we no longer publish")
    return TokenCache(membership).get(tables, row["input_digest"]).link_secret


def link_secrets(
    tables: NodeTables, membership: HubMembership, stub_id: str, match_key_id: str
) -> list[bytes]:
    """All our link secrets of one match-key type for a stub: one of them must fit a request."""
    cache = TokenCache(membership)
    rows = tables.tx.rows(
        "SELECT input_digest FROM published_token "
        "WHERE hub_id = ? AND stub_id = ? AND match_key_id = ?",
        membership.hub.hub_id, stub_id, match_key_id,
    )  # fmt: skip
    return [cache.get(tables, row["input_digest"]).link_secret for row in rows]
