"""Matching rounds: equal tokens in, links and notices out (specs/04-matching.md §7).

A round looks only at stubs that changed and at those that share a token with them. The hub learns
which stubs are (perhaps) one person, never who; it logs one salted leaf a round whatever happened,
and tells each side only what `decide_show` allows.
"""

from dataclasses import replace

from hub.log.ledger import Ledger
from hub.matching.attention import Attention
from hub.matching.candidates import CandidateIndex
from hub.matching.classify import ClassifiedPair, PairClassifier
from hub.matching.leaves import link_item, log_leaf
from hub.matching.notices import NoticeBuilder
from hub.matching.telling import Telling, signed
from hub.matching.terms import RoundTerms
from hub.store.links import Link, LinkState
from hub.store.mailboxes import Post
from hub.store.tables import HubTables
from protocol.messages.review import QuestionsHeldBody

ROUND_LIMIT = 50  # stubs in one transaction: others are answered between two rounds


class Matcher:
    """Runs rounds. Holds no state of its own beside the tables."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def run(self, tables: HubTables) -> int:
        """One round; the number of links whose state changed."""
        ledger = self._ledger
        terms = RoundTerms.of(ledger)
        candidates = CandidateIndex(tables, terms)
        classify = PairClassifier(candidates, terms)
        marked = tables.stubs.take_marked(terms.now, terms.charter.past_seconds, ROUND_LIMIT)
        candidates.look_around(marked)
        touched = (pair for stub_id in marked for pair in sorted(candidates.touched(stub_id)))
        classify.classify(dict.fromkeys(touched))
        classify.support()
        return self._write(tables, terms, list(classify.classified.values()))

    def _write(self, tables: HubTables, terms: RoundTerms, classified: list[ClassifiedPair]) -> int:
        """Log the round, remember its links, tell both sides; how many links changed state."""
        attention, telling = Attention(tables, terms, classified), Telling(self._ledger)
        notices = NoticeBuilder(terms, attention, self._ledger.env.new_id)
        found = [
            (item, new) for item in classified if (new := self._link(notices, attention, item))
        ]
        # Sorted by link id: the order of discovery would tell which stub was published last.
        found.sort(key=lambda pair: pair[1].link_id)
        changed = [(item, new) for item, new in found if _state_changed(item)]
        items = (link_item(self._ledger, new, item.stubs) for item, new in changed)
        statement = log_leaf(self._ledger, items)
        links = [
            replace(new, round_id=statement.id) if _state_changed(item) else new
            for item, new in found
        ]
        for (item, _), link in zip(found, links, strict=True):
            telling.tell(item.old, link)
        tables.links.put_all(links)
        telling.post(statement.id)
        self._tell_held(tables, attention)
        attention.keep()
        return len(changed)

    def _tell_held(self, tables: HubTables, attention: Attention) -> None:
        """Tell those who are asked whose questions wait now, and whose no longer."""
        posts: list[Post] = []
        for sides in sorted(attention.changed):
            asker, asked = sides
            held = attention.asked(sides) if sides in attention.held else 0
            body = QuestionsHeldBody(agency=asker, held=held)
            posts.append(signed(self._ledger, asked, body))
        tables.mailboxes.post(posts)

    def _link(
        self, notices: NoticeBuilder, attention: Attention, classified: ClassifiedPair
    ) -> Link | None:
        """The link as it is now, the round that changed it last; None when nothing is new."""
        old, state = classified.old, LinkState(classified.standing.state)
        if old is None and state is LinkState.ENDED:
            return None
        new = Link(
            link_id=old.link_id if old else self._ledger.env.new_id(),
            ends=notices.ends(classified),
            state=state,
            origin=classified.origin,
            round_id=old.round_id if old else "",
            asker=attention.asker_of(classified),
        )
        return None if new == old else new


def _state_changed(classified: ClassifiedPair) -> bool:
    return classified.old is None or classified.old.state != classified.standing.state
