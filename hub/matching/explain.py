"""A link in words, for who answers for the hub: specs/04-matching.md §7.4.

Reads the hub's tables; says kinds of facts and sums, never a value, which the hub has not.
"""

from hub.matching.candidates import CandidateIndex
from hub.store.stubs import LinkTables
from hub.store.tables import HubTables
from protocol.errors import ErrorCode, LocalError
from protocol.matchkeys.explain import explain

ORIGINS = {
    "score": "by its score",
    "supported": "because two automatic links to one third record support it",
    "people": "because people on both sides said so",
    "doubted": "by its score, though people doubt it",
}


def explain_link(tables: HubTables, link_id: str, now: int) -> list[str]:
    """Why a link is what it is, a sentence a line. Raises LocalError(NOT_FOUND)."""
    links = LinkTables(tables)
    link = links.link(link_id)
    if link is None:
        raise LocalError(ErrorCode.NOT_FOUND, "no link has that id here")
    charter = tables.directory.current().charter
    policy, candidates = charter.policy, CandidateIndex(links, charter, now)
    pair = (link["stub_a"], link["stub_b"])
    lines = explain(policy, candidates.alone(policy, pair), candidates.score(policy, pair))
    return [*lines, f"The last round left it {link['state']}, {ORIGINS[link['origin']]}."]


def links_in_short(tables: HubTables) -> list[str]:
    """Each link that has not ended: its id, what it is, and what made it so."""
    rows = tables.tx.rows("SELECT * FROM link WHERE state <> 'ended' ORDER BY link_id")
    return [f"{row['link_id']}  {row['state']}, {ORIGINS[row['origin']]}" for row in rows]
