"""Matching rounds: equal tokens in, links and notices out (specs/04-matching.md §7).

A round looks only at stubs that changed and at those that share a token with them. The hub learns
which stubs are (perhaps) one person, never who; it logs one salted leaf a round whatever happened,
and tells each side only what `decide_show` allows.
"""

from collections.abc import Iterable

from hub.log.ledger import Ledger
from hub.matching.candidates import CandidateIndex
from hub.matching.classify import ClassifiedPair, PairClassifier
from hub.matching.notices import NoticeBuilder
from hub.store.stubs import LinkTables
from hub.store.tables import HubTables
from protocol import canonical
from protocol.log.merkle import leaf_hash, root
from protocol.messages.bodies import LinkItem, MatchRoundBody

ROUND_LIMIT = 2000
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
        now = self._ledger.env.clock()
        links = LinkTables(tables)
        candidates = CandidateIndex(links, self._ledger.charter, now)
        classify = PairClassifier(links, candidates, self._ledger, now)
        pairs = {
            pair: None
            for stub_id in links.take_marked(now, ROUND_LIMIT)
            for pair in sorted(candidates.touched(stub_id))
        }
        for pair in pairs:
            classify.classify(pair)
        classify.support()
        return self._write(tables, links, list(classify.classified.values()), now)

    def _write(
        self, tables: HubTables, links: LinkTables, classified: list[ClassifiedPair], now: int
    ) -> int:
        """Log the round, remember its links, tell both sides; how many links changed state."""
        notices = NoticeBuilder(self._ledger)
        found = [new for item in classified if (new := self._row(notices, item, now)) is not None]
        # Sorted by link id: the order of discovery would tell which stub was published last.
        rows = sorted(found, key=lambda new: str(new[1]["link_id"]))
        changed = [item for item, _ in rows if _state_changed(item)]
        leaves = [item_leaf(self._item(item, row)) for item, row in rows if _state_changed(item)]
        body = MatchRoundBody(
            round=tables.log.count_entries(self._ledger.charter.charter_id, "match_round", 0) + 1,
            items_root=root([leaf_hash(leaf) for leaf in leaves]).hex(),
            count=len(leaves),
        )
        statement, _ = self._ledger.issue(
            body, self._ledger.charter.charter_id, evidence=_parts(leaves)
        )
        for item, row in rows:
            kept = item.old is not None and not _state_changed(item)
            round_id = item.old["round_id"] if item.old and kept else statement.id
            notices.tell(item.old, row)
            links.put_link({**row, "round_id": round_id})
        notices.post(tables, statement.id)
        return len(changed)

    def _row(
        self, notices: NoticeBuilder, classified: ClassifiedPair, now: int
    ) -> tuple[ClassifiedPair, dict[str, object]] | None:
        """The link's new row, or None when nothing about it is new."""
        old, standing = classified.old, classified.standing
        if old is None and standing.state == "ended":
            return None
        first, second = classified.stubs
        row: dict[str, object] = {
            "link_id": old["link_id"] if old else self._ledger.env.new_id(),
            "stub_a": first.stub_id,
            "stub_b": second.stub_id,
            "agency_a": first.agency,
            "agency_b": second.agency,
            "state": standing.state,
            "origin": classified.origin,
            **notices.views(classified, now),
        }
        same = old is not None and all(old[name] == value for name, value in row.items())
        return None if same else (classified, row)

    def _item(self, classified: ClassifiedPair, row: dict[str, object]) -> LinkItem:
        first, second = classified.stubs
        return LinkItem(
            salt=self._ledger.env.random(32).hex(),
            link_id=str(row["link_id"]),
            state=row["state"],  # type: ignore[arg-type]
            stub_a=first.stub_id,
            agency_a=first.agency,
            publication_a=first.publication,
            stub_b=second.stub_id,
            agency_b=second.agency,
            publication_b=second.publication,
        )


def _state_changed(classified: ClassifiedPair) -> bool:
    return classified.old is None or classified.old["state"] != classified.standing.state


def _parts(leaves: Iterable[bytes]) -> list[bytes]:
    """The items as evidence: newline-separated canonical JSON, at most ITEMS_A_PART a part."""
    lines = list(leaves)
    return [
        b"\n".join(lines[start : start + ITEMS_A_PART])
        for start in range(0, len(lines), ITEMS_A_PART)
    ]
