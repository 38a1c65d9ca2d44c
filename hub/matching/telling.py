"""What is new to each side of links goes into mailboxes: notices, and what waits for its people.

specs/01-statements.md §5. It says what is, never why: the notice of an end is one for all causes.
"""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from hub.log.ledger import Ledger
from hub.store.links import Link, LinkEnd
from hub.store.mailboxes import Post
from protocol import canonical
from protocol.fields import WireModel
from protocol.messages.bodies import LinkNotice, NoticeBody
from protocol.messages.parts import LinkEvidence
from protocol.messages.review import ReviewBody, ReviewItem

NOTICE_BYTES = 9_000  # with preamble and base64 within 16 KiB
REVIEWS_A_STATEMENT = 40

Item = TypeVar("Item", bound=WireModel)


class Telling:
    """Gathers what changed for each side, and signs it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._epoch = ledger.charter.token_key.epoch
        self._notices: dict[str, list[LinkNotice]] = {}
        self._reviews: dict[str, list[ReviewItem]] = {}

    def tell(self, old: Link | None, new: Link) -> None:
        """Note what is new for each side of a link."""
        before = old.ends if old else (None, None)
        for last, end in zip(before, new.ends, strict=True):
            if (last.notice if last else None) != end.notice:
                self._notices.setdefault(end.agency, []).append(self._link_notice(new, end))
            if (last.review if last else None) != end.review:
                item = ReviewItem(link_id=new.link_id, stub_id=end.stub_id, question=end.review)
                self._reviews.setdefault(end.agency, []).append(item)

    def tell_again(self, link: Link, agency: str) -> None:
        """Note all that one agency knew of a link, for one that came back from a backup."""
        for end in link.ends:
            if end.agency == agency and end.notice is not None:
                self._notices.setdefault(agency, []).append(self._link_notice(link, end))
                item = ReviewItem(link_id=link.link_id, stub_id=end.stub_id, question=end.review)
                self._reviews.setdefault(agency, []).append(item)

    def post(self, round_id: str) -> None:
        """Put it all into mailboxes."""
        self._ledger.tables.mailboxes.post(self.posts(round_id))

    def posts(self, round_id: str) -> list[Post]:
        """It all, signed: first what is, then what is asked."""
        posts: list[Post] = []
        for agency, notices in sorted(self._notices.items()):
            for batch in _batches(notices, NOTICE_BYTES, 60):
                posts.append(signed(self._ledger, agency, NoticeBody(round=round_id, links=batch)))
        for agency, items in sorted(self._reviews.items()):
            for some in _batches(items, NOTICE_BYTES, REVIEWS_A_STATEMENT):
                posts.append(signed(self._ledger, agency, ReviewBody(round=round_id, links=some)))
        return posts

    def _link_notice(self, link: Link, end: LinkEnd) -> LinkNotice:
        told = end.notice
        evidence = told.evidence if told else None
        return LinkNotice(
            link_id=link.link_id,
            state=link.state.value if told else "ended",
            stub_id=end.stub_id,
            agency_id=told.agency_id if told else None,
            involvements=list(told.involvements) if told else [],
            evidence=LinkEvidence(match_key_id=evidence[0], epoch=self._epoch, ordinal=evidence[1])
            if evidence
            else None,
        )


def signed(ledger: Ledger, agency: str, body: WireModel) -> Post:
    """A message of the hub for one agency, signed."""
    return Post(agency, ledger.sign(body, agency).envelope.encode())


def _batches(items: Sequence[Item], most_bytes: int, most: int) -> Iterator[list[Item]]:
    """Items in batches whose statement stays within an envelope's limit."""
    batch: list[Item] = []
    size = 0
    for item in items:
        length = len(canonical.encode(item.model_dump(mode="json")))
        if batch and (size + length > most_bytes or len(batch) == most):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += length
    if batch:
        yield batch
