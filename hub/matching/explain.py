"""A link in words, for who answers for the hub: specs/04-matching.md §7.4.

Reads the hub's tables; says kinds of facts and sums, never a value, which the hub has not.
"""

from hub.matching.candidates import CandidateIndex
from hub.matching.terms import RoundTerms
from hub.store.links import Origin
from hub.store.tables import HubTables
from protocol.errors import ErrorCode, LocalError
from protocol.governance.directory import Directory
from protocol.matchkeys.explain import explain

ORIGINS = {
    Origin.SCORE: "by its score",
    Origin.SUPPORTED: "because two automatic links to one third record support it",
    Origin.PEOPLE: "because people on both sides said so",
    Origin.DOUBTED: "by its score, though people doubt it",
}


def explain_link(tables: HubTables, link_id: str, now: int) -> list[str]:
    """Why a link is what it is, a sentence a line; of a hint, whom to call for it.

    Raises LocalError(NOT_FOUND).
    """
    link = tables.links.link(link_id)
    directory = tables.directory.current()
    if link is None:
        return [_behind(tables, directory, link_id)]
    charter = directory.charter
    terms = RoundTerms(directory, lambda *_: (charter,), now)
    policy, candidates = charter.policy, CandidateIndex(tables, terms)
    score = candidates.score(policy, link.pair)
    lines = explain(policy, candidates.alone(policy, link.pair), score)
    return [*lines, f"The last round left it {link.state}, {ORIGINS[link.origin]}."]


def _behind(tables: HubTables, directory: Directory, hint_id: str) -> str:
    """The service behind a hint, for the duty desk, which calls it. Raises LocalError."""
    link = tables.links.hinted(hint_id)
    ends = link.ends if link is not None else ()
    across = [end.agency for end in ends if not end.hint or end.hint.hint_id != hint_id]
    member = directory.active(across[0]) if len(across) == 1 else None
    if member is None:
        raise LocalError(ErrorCode.NOT_FOUND, "no link and no hint has that id here")
    body = member.body
    return f"The service behind this hint is at {body.name}: {body.duty_line} ({body.duty_hours})."


def links_in_short(tables: HubTables) -> list[str]:
    """Each link that has not ended: its id, what it is, and what made it so."""
    links = tables.links.open_links()
    return [f"{link.link_id}  {link.state}, {ORIGINS[link.origin]}" for link in links]
