"""Matching rounds: equal tokens in, links and notices out (specs/04-matching.md §7).

A round looks only at stubs that changed and at those that share a token with them. The hub learns
which stubs are (perhaps) one person, never who; it logs one salted leaf a round whatever happened,
and tells each side only what `decide_show` allows.
"""

from collections.abc import Iterable
from dataclasses import replace

from hub.log.ledger import Ledger
from hub.matching.attention import Attention, asker_of
from hub.matching.candidates import CandidateIndex
from hub.matching.classify import ClassifiedPair, PairClassifier
from hub.matching.notices import NoticeBuilder
from hub.matching.terms import RoundTerms
from hub.store.links import Link, LinkState
from hub.store.tables import HubTables
from protocol import canonical
from protocol.log.merkle import leaf_hash, root
from protocol.messages.bodies import LinkItem, MatchRoundBody

ROUND_LIMIT = 50  # stubs in one transaction: others are answered between two rounds
ITEMS_A_PART = 1000


def item_leaf(item: LinkItem) -> bytes:
    """The bytes of one item under a round's Merkle root."""
    return canonical.encode(item.model_dump(mode="json"))


class Matcher:
    """Runs rounds. Holds no state of its own beside the tables."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def run(self, tables: HubTables) -> int:
        """One round; the number of links whose state changed."""
        ledger = self._ledger
        terms = RoundTerms(ledger.directory, ledger.terms, ledger.env.clock())
        candidates = CandidateIndex(tables, terms.charter, terms.now)
        classify = PairClassifier(candidates, terms)
        marked = tables.stubs.take_marked(terms.now, ROUND_LIMIT)
        candidates.look_around(marked)
        touched = (pair for stub_id in marked for pair in sorted(candidates.touched(stub_id)))
        classify.classify(dict.fromkeys(touched))
        classify.support()
        return self._write(tables, terms, list(classify.classified.values()))

    def _write(self, tables: HubTables, terms: RoundTerms, classified: list[ClassifiedPair]) -> int:
        """Log the round, remember its links, tell both sides; how many links changed state."""
        attention, hub = Attention(tables, terms, classified), terms.charter.charter_id
        notices = NoticeBuilder(self._ledger, terms, attention)
        found = [(item, new) for item in classified if (new := self._link(notices, item))]
        # Sorted by link id: the order of discovery would tell which stub was published last.
        found.sort(key=lambda pair: pair[1].link_id)
        leaves = [item_leaf(self._item(item, new)) for item, new in found if _state_changed(item)]
        body = MatchRoundBody(
            round=tables.log.count_entries(hub, "match_round", 0) + 1,
            items_root=root([leaf_hash(leaf) for leaf in leaves]).hex(),
            count=len(leaves),
        )
        statement, _ = self._ledger.issue(body, hub, evidence=_parts(leaves))
        links = [
            replace(new, round_id=statement.id) if _state_changed(item) else new
            for item, new in found
        ]
        for (item, _), link in zip(found, links, strict=True):
            notices.tell(item.old, link)
        tables.links.put_all(links)
        notices.post(tables, statement.id)
        attention.keep()
        return len(leaves)

    def _link(self, notices: NoticeBuilder, classified: ClassifiedPair) -> Link | None:
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
            asker=asker_of(classified),
        )
        return None if new == old else new

    def _item(self, classified: ClassifiedPair, link: Link) -> LinkItem:
        first, second = classified.stubs
        return LinkItem(
            salt=self._ledger.env.random(32).hex(),
            link_id=link.link_id,
            state=link.state.value,
            stub_a=first.stub_id,
            agency_a=first.agency,
            publication_a=first.publication,
            stub_b=second.stub_id,
            agency_b=second.agency,
            publication_b=second.publication,
        )


def _state_changed(classified: ClassifiedPair) -> bool:
    return classified.old is None or classified.old.state != classified.standing.state


def _parts(leaves: Iterable[bytes]) -> list[bytes]:
    """The items as evidence: newline-separated canonical JSON, at most ITEMS_A_PART a part."""
    lines = list(leaves)
    return [
        b"\n".join(lines[start : start + ITEMS_A_PART])
        for start in range(0, len(lines), ITEMS_A_PART)
    ]
