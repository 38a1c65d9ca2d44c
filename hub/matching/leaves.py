"""What a round or an ends pass leaves in the log: one leaf, its items salted (specs/01 §5)."""

from collections.abc import Iterable, Sequence

from hub.log.ledger import Ledger
from hub.store.links import Link
from hub.store.stubs import Stub
from protocol import canonical
from protocol.log.merkle import leaf_hash, root
from protocol.messages.bodies import LinkItem, MatchRoundBody
from protocol.messages.statement import Statement

ITEMS_A_PART = 1000


def item_leaf(item: LinkItem) -> bytes:
    """The bytes of one item under a leaf's Merkle root."""
    return canonical.encode(item.model_dump(mode="json"))


def link_item(ledger: Ledger, link: Link, stubs: tuple[Stub, Stub]) -> LinkItem:
    """A link as it is now, its ends as last published."""
    first, second = stubs
    return LinkItem(
        salt=ledger.env.random(32).hex(),
        link_id=link.link_id,
        state=link.state.value,
        stub_a=first.stub_id,
        agency_a=first.agency,
        publication_a=first.publication,
        stub_b=second.stub_id,
        agency_b=second.agency,
        publication_b=second.publication,
    )


def log_leaf(ledger: Ledger, items: Iterable[LinkItem]) -> Statement[MatchRoundBody]:
    """Log a leaf over these items, whether there are any or not: in all else they are the same."""
    hub = ledger.charter.charter_id
    leaves = [item_leaf(item) for item in items]
    body = MatchRoundBody(
        round=ledger.tables.log.count_entries(hub, "match_round", 0) + 1,
        items_root=root([leaf_hash(leaf) for leaf in leaves]).hex(),
        count=len(leaves),
    )
    statement, _ = ledger.issue(body, hub, evidence=_parts(leaves))
    return statement


def _parts(lines: Sequence[bytes]) -> list[bytes]:
    """The items as evidence: newline-separated canonical JSON, at most ITEMS_A_PART a part."""
    return [
        b"\n".join(lines[start : start + ITEMS_A_PART])
        for start in range(0, len(lines), ITEMS_A_PART)
    ]
