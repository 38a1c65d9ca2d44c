"""What is new to each side of links goes into mailboxes: notices, what waits for its people, and
hints of work that it may not see.

specs/01-statements.md §5. It says what is, never why: the notice of an end is one for all causes.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, TypeVar

from hub.log.ledger import Ledger
from hub.store.links import Link, LinkEnd, LinkHint
from hub.store.mailboxes import Post
from protocol import canonical
from protocol.fields import WireModel
from protocol.messages.bodies import LinkNotice, NoticeBody
from protocol.messages.introductions import HintItem, HintsBody
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
        self._hints: dict[str, list[HintItem]] = {}

    def tell(self, old: Link | None, new: Link) -> None:
        """Note what is new for each side of a link."""
        before = old.ends if old else (None, None)
        for last, end in zip(before, new.ends, strict=True):
            if (last.notice if last else None) != end.notice:
                self._notices.setdefault(end.agency, []).append(self._link_notice(new, end))
            if (last.review if last else None) != end.review:
                item = ReviewItem(link_id=new.link_id, stub_id=end.stub_id, question=end.review)
                self._reviews.setdefault(end.agency, []).append(item)
            self._tell_hint(last.hint if last else None, end)

    def tell_again(self, link: Link, agency: str) -> None:
        """Note all that one agency knew of a link, for one that came back from a backup."""
        for end in link.ends:
            if end.agency == agency:
                self._tell_hint(None, end)
            if end.agency == agency and end.notice is not None:
                self._notices.setdefault(agency, []).append(self._link_notice(link, end))
                item = ReviewItem(link_id=link.link_id, stub_id=end.stub_id, question=end.review)
                self._reviews.setdefault(agency, []).append(item)

    def post(self, round_id: str) -> None:
        """Put it all into mailboxes."""
        self._ledger.tables.mailboxes.post(self.posts(round_id))

    def posts(self, round_id: str) -> list[Post]:
        """It all, signed: first what is, then what is asked, and apart from both the hints: by id,
        so that their order does not tell of which links they are.
        """
        posts: list[Post] = []
        for agency, notices in sorted(self._notices.items()):
            for batch in _batches(notices, NOTICE_BYTES, 60):
                posts.append(signed(self._ledger, agency, NoticeBody(round=round_id, links=batch)))
        for agency, items in sorted(self._reviews.items()):
            for some in _batches(items, NOTICE_BYTES, REVIEWS_A_STATEMENT):
                posts.append(signed(self._ledger, agency, ReviewBody(round=round_id, links=some)))
        for agency, hints in sorted(self._hints.items()):
            hints.sort(key=lambda hint: hint.hint_id)
            for few in _batches(hints, NOTICE_BYTES, REVIEWS_A_STATEMENT):
                posts.append(signed(self._ledger, agency, HintsBody(round=round_id, hints=few)))
        return posts

    def _tell_hint(self, last: LinkHint | None, end: LinkEnd) -> None:
        """Note what is new of work that a side may not see. An end says no more than that."""
        items, hint = [], end.hint
        if last is not None and (hint is None or hint.hint_id != last.hint_id):
            items.append(_item(last.hint_id, end, "ended", None))
        if hint is not None and hint != last:
            items.append(_item(hint.hint_id, end, hint.says.value, hint.member_class))
        if items:
            self._hints.setdefault(end.agency, []).extend(items)

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


def _item(
    hint_id: str, end: LinkEnd, says: Literal["service", "duty_desk", "ended"], of: str | None
) -> HintItem:
    return HintItem(hint_id=hint_id, stub_id=end.stub_id, says=says, member_class=of)


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
