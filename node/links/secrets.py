"""Link secrets: what two agencies who share a value prove to each other (specs/03-tokens.md §7).

They rest on the tokens that a stub publishes, and never leave this node.
"""

from node.membership.hub import HubMembership
from node.publishing.tokens import TokenCache
from node.store.links import Link
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError
from protocol.messages.parts import LinkEvidence


def evidence_secret(
    tables: NodeTables, membership: HubMembership, link: Link
) -> tuple[LinkEvidence, bytes]:
    """The evidence the hub named for a link, and our own link secret for it."""
    if link.evidence is None:
        raise LocalError(ErrorCode.NOT_READY, "the hub named no evidence for this link")
    return link.evidence, secret_for(tables, membership, link.stub_id, link.evidence)


def secret_for(
    tables: NodeTables, membership: HubMembership, stub_id: str, evidence: LinkEvidence
) -> bytes:
    """Our link secret for the token that the hub named. Raises LocalError(NOT_READY)."""
    place = (evidence.match_key_id, evidence.ordinal)
    digest = tables.stubs.digest(membership.hub.hub_id, stub_id, *place)
    if digest is None:
        raise LocalError(ErrorCode.NOT_READY, "the link rests on a token we no longer publish")
    return TokenCache(membership).get(tables, digest).link_secret


def link_secrets(
    tables: NodeTables, membership: HubMembership, stub_id: str, match_key_id: str
) -> list[bytes]:
    """All our link secrets of one match-key type for a stub: one of them must fit a request."""
    digests = tables.stubs.digests(membership.hub.hub_id, stub_id).get(match_key_id, [])
    pairs = TokenCache(membership).get_all(tables, digests)
    return [pairs[digest].link_secret for digest in digests]
