"""Who may see which stub: what hides from one side of a link must not move it (specs/04 §7.8)."""

from hub.matching.terms import RoundTerms
from hub.store.stubs import Stub

Viewers = frozenset[str]
"""Agencies, by id."""


class Sight:
    """Who may see what, for one round."""

    def __init__(self, terms: RoundTerms) -> None:
        self._terms = terms
        self._seen: dict[tuple[str, str], bool] = {}

    def all_see(self, viewers: Viewers, stub: Stub) -> bool:
        """Whether each of these agencies may see a stub: it is its own, or a match would show it
        something of it.
        """
        return all(stub.agency == viewer or self._sees(viewer, stub) for viewer in viewers)

    def _sees(self, viewer: str, stub: Stub) -> bool:
        key = (viewer, stub.stub_id)
        if key not in self._seen:
            self._seen[key] = self._terms.is_shown(viewer, stub, "match")
        return self._seen[key]
