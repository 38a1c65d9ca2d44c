"""Ends passes: what ended is told at once, and the leaf tells nothing (specs/04-matching.md §7.7).

A pass looks at links of stubs that lost something, ends those that are no longer alive and shows
less of others. It scores nothing, makes and raises nothing: that is for rounds, which look at the
same stubs again. A leaf is owed by the transaction that may have ended something, whether it did or
not, so that none is lost wherever the hub is stopped.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace

from hub.log.ledger import Ledger
from hub.matching.leaves import link_item, log_leaf
from hub.matching.notices import SEEN
from hub.matching.telling import Telling
from hub.matching.terms import RoundTerms
from hub.store.ends import STUBS_A_LEAF
from hub.store.links import Link, LinkEnd, LinkState, Origin
from hub.store.stubs import Stub
from hub.store.tables import HubTables
from protocol.requests.decide import Shown
from protocol.requests.review import Answer, Said


def expire(tables: HubTables, now: int, past: int) -> None:
    """Have the links end whose permission ran out. One leaf whatever there is: what is more than
    it takes is left for the next time.
    """
    tables.ends.look_at(tables.stubs.expire(now, past, STUBS_A_LEAF))
    tables.ends.owe(1)


class EndsPass:
    """One ends pass. Holds no state of its own beside the tables."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._terms = RoundTerms.of(ledger)

    def run(self) -> int:
        """Write one leaf that is owed, and tell both sides; how many links are changed."""
        tables, telling = self._ledger.tables, Telling(self._ledger)
        by_stub = tables.links.links_of(tables.ends.take())
        links = {link.link_id: link for some in by_stub.values() for link in some}
        stubs = tables.stubs.among({stub_id for link in links.values() for stub_id in link.pair})
        denied = self._denied(list(links.values()))
        # By link id: the order in which they were found would tell which stub is whose.
        after = (
            (old, _ended(old) if link_id in denied else self._after(old, stubs))
            for link_id, old in sorted(links.items())
        )
        changed = [(old, new) for old, new in after if new != old]
        ended = {new.link_id: new for old, new in changed if new.state is not old.state}
        ends = ((link, (stubs[link.pair[0]], stubs[link.pair[1]])) for link in ended.values())
        statement = log_leaf(self._ledger, (link_item(self._ledger, *item) for item in ends))
        now = [
            replace(new, round_id=statement.id) if new.link_id in ended else new
            for _, new in changed
        ]
        for old, new in changed:
            telling.tell(old, new)
        tables.links.put_all(now)
        telling.post(statement.id)
        return len(changed)

    def _after(self, link: Link, stubs: Mapping[str, Stub]) -> Link:
        """A link with what has ended taken from it."""
        first, second = (stubs[stub_id] for stub_id in link.pair)
        one, other = link.ends
        if link.state is not LinkState.ENDED and all(map(self._terms.is_alive, (first, second))):
            state = link.state.value
            return replace(
                link,
                ends=(
                    self._less(one, (first, second), state),
                    self._less(other, (second, first), state),
                ),
            )
        return _ended(link)

    def _denied(self, links: Collection[Link]) -> set[str]:
        """Which of these links both sides say now that they join two people."""
        tables = self._ledger.tables.links
        said = tables.answers_of([link.link_id for link in links])
        return {
            link.link_id
            for link in links
            if len(answers := said.get(link.link_id, {})) == len(link.ends)
            and {*answers.values()} == {Answer(Said.NOT_SAME, tables.question(link))}
        }

    def _less(self, end: LinkEnd, stubs: tuple[Stub, Stub], state: str) -> LinkEnd:
        """An end, that of the first stub, without what its side may not see any more. What is new
        waits for a round.
        """
        if end.hint is not None and self._terms.hint(*stubs, state) != end.hint.hinted:
            end = replace(end, hint=None)
        if end.notice is None:
            return end
        shown = self._terms.shown_across(*stubs, state)
        if end.notice.agency_id is None:
            told = any(value is not Shown.NOTHING for value in shown.values())
            return end if told else replace(end, notice=None, review=None)
        seen = {item.id: value is Shown.PAST for item, value in shown.items() if value in SEEN}
        left = tuple(
            item.model_copy(update={"is_past": seen[item.id]})
            for item in end.notice.involvements
            if item.id in seen
        )
        notice = replace(end.notice, involvements=left) if left else None
        return replace(end, notice=notice, review=end.review if left else None)


def _ended(link: Link) -> Link:
    first, second = link.ends
    return replace(
        link,
        ends=(_silent(first), _silent(second)),
        state=LinkState.ENDED,
        origin=Origin.SCORE,
    )


def _silent(end: LinkEnd) -> LinkEnd:
    return replace(end, notice=None, review=None, hint=None)
