"""How much of each other's people's attention agencies may take: specs/04-matching.md §7.6.

Whoever publishes the later record of a possible pair asks for the attention of the other side's
people. It has a budget there: the charter's identity checks of a day, and as many questions as the
other side is shown matches of its records. Over it, none of its questions is put. What the other
side is not shown is not in it: it is asked nothing about that.
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
        self._terms = terms
        self._links = tables.links
        self._free = terms.charter.quotas.identity_checks_per_day
        self._spent: Counter[Sides] = Counter()
        self._matches: Counter[Sides] = Counter()
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
        return self.asker_of(item) == other and (other, viewer) in self.held

    def asker_of(self, item: ClassifiedPair) -> str | None:
        """The agency that takes the other side's attention by a pair: while it waits for an answer,
        and for good if that is "not the same". Nobody while the other side may see nothing of it.
        """
        if item.second is None:
            return None
        asked = 1 - item.second
        asks = item.standing.state == LinkState.POSSIBLE and item.views[asked].asked
        takes = (asks and self._is_shown(item, asked)) or item.is_denied_by(asked)
        return item.stubs[item.second].agency if takes else None

    def keep(self) -> None:
        """Remember who is held; the next rounds look again at the pairs of those that changed."""
        self._links.hold(self.held - self._before, self._before - self.held)

    def _budget(self, sides: Sides) -> int:
        return self._free + self._links.count_matches(*sides) + self._matches[sides]

    def _count(self, item: ClassifiedPair) -> None:
        """What this round changes in the numbers of the rounds before."""
        old, agencies = item.old, [stub.agency for stub in item.stubs]
        asked = [(self.asker_of(item), 1)]
        asked += [(old.asker, -1)] if old else []
        for asker, number in asked:
            if asker is not None:
                (other,) = {*agencies} - {asker}
                self._spent[asker, other] += number
        for side, viewer in enumerate(agencies):
            is_match = item.standing.state == LinkState.MATCH and self._is_shown(item, side)
            was = old is not None and old.state is LinkState.MATCH and old.ends[side].notice
            self._matches[agencies[1 - side], viewer] += is_match - bool(was)

    def _is_shown(self, item: ClassifiedPair, side: int) -> bool:
        """Whether one side is to know anything of the other's stub."""
        own, other = item.stubs[side], item.stubs[1 - side]
        return self._terms.is_shown_across(own, other, item.views[side].shown)
