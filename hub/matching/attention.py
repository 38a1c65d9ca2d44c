"""How much of each other's people's attention agencies may take: specs/04-matching.md §7.6.

Whoever publishes the later record of a possible pair asks for the attention of the other side's
people. It has a budget there: the charter's identity checks of a day, and as many questions as its
records have matched without one. Over it, none of its questions is put.
"""

from collections import Counter
from collections.abc import Collection

from hub.matching.classify import ClassifiedPair
from hub.matching.terms import RoundTerms
from hub.store.links import LinkState
from hub.store.tables import HubTables

Sides = tuple[str, str]
"""The agency that asks, and the one whose people are asked."""


class Attention:
    """One round's budgets. `held`: whose questions are not put to whom."""

    def __init__(
        self, tables: HubTables, terms: RoundTerms, classified: Collection[ClassifiedPair]
    ) -> None:
        self._links = tables.links
        self._free = terms.charter.quotas.identity_checks_per_day
        self._spent: Counter[Sides] = Counter()
        self._matches: Counter[frozenset[str]] = Counter()
        self._before = set(tables.links.held())
        touched = set(self._before)
        for item in classified:
            one, other = (stub.agency for stub in item.stubs)
            touched |= {(one, other), (other, one)}
            self._count(item)
        self.held = {sides for sides in touched if self.asked(sides) > self._budget(sides)}

    @property
    def changed(self) -> set[Sides]:
        """Of whom it is news that they are held, or no longer."""
        return self.held ^ self._before

    def asked(self, sides: Sides) -> int:
        """How many questions one puts to the other's people, answered "not the same" or not yet."""
        return self._links.count_asked(*sides) + self._spent[sides]

    def is_held(self, item: ClassifiedPair, viewer: str, other: str) -> bool:
        """Whether the question that a pair puts to one side waits."""
        return asker_of(item) == other and (other, viewer) in self.held

    def keep(self) -> None:
        """Remember who is held; the next rounds look again at the pairs of those that changed."""
        self._links.hold(self.held - self._before, self._before - self.held)

    def _budget(self, sides: Sides) -> int:
        matches = self._links.count_matches(*sides) + self._matches[frozenset(sides)]
        return self._free + matches

    def _count(self, item: ClassifiedPair) -> None:
        """What this round changes in the numbers of the rounds before."""
        old, agencies = item.old, [stub.agency for stub in item.stubs]
        asked = [(asker_of(item), 1)] if old is None else [(asker_of(item), 1), (old.asker, -1)]
        for asker, number in asked:
            if asker is not None:
                (other,) = {*agencies} - {asker}
                self._spent[asker, other] += number
        match = LinkState.MATCH
        was = old is not None and old.state is match
        self._matches[frozenset(agencies)] += (item.standing.state == match) - was


def asker_of(item: ClassifiedPair) -> str | None:
    """The agency that takes the other side's attention by a pair: while it waits for an answer, and
    for good if that is "not the same".
    """
    if item.second is None:
        return None
    view = item.standing.a if item.second else item.standing.b
    asks = item.standing.state == LinkState.POSSIBLE and view.asked
    return item.stubs[item.second].agency if asks or item.is_denied_by(1 - item.second) else None
