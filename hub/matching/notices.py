"""What each side is told of a link after a round: notices, and what waits for its people.

specs/04-matching.md §7, specs/06-requests.md §5. A side learns what `decide_show` allows and no
more: neither the score, nor what the other side's people said, nor why a link ended.
"""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from hub.log.ledger import Ledger
from hub.matching.attention import Attention
from hub.matching.candidates import Tokens
from hub.matching.classify import ClassifiedPair
from hub.matching.evidence import evidence_for
from hub.matching.terms import RoundTerms
from hub.store.links import Link, LinkEnd, Notice
from hub.store.mailboxes import Post
from hub.store.stubs import Stub
from hub.store.tables import HubTables
from protocol import canonical
from protocol.fields import WireModel
from protocol.messages.bodies import LinkNotice, NoticeBody, ShownInvolvement
from protocol.messages.parts import LinkEvidence
from protocol.messages.review import QuestionsHeldBody, ReviewBody, ReviewItem
from protocol.requests.decide import Shown, decide_show
from protocol.requests.review import View

NOTICE_BYTES = 9_000  # with preamble and base64 within 16 KiB
REVIEWS_A_STATEMENT = 40
LEAST_FIRST = (Shown.NOTHING, Shown.POSSIBLE, Shown.INVOLVEMENT)

Item = TypeVar("Item", bound=WireModel)


class NoticeBuilder:
    """Works out what each side is to know, and puts what changed into mailboxes."""

    def __init__(self, ledger: Ledger, terms: RoundTerms, attention: Attention) -> None:
        self._ledger = ledger
        self._terms = terms
        self._attention = attention
        self._notices: dict[str, list[LinkNotice]] = {}
        self._reviews: dict[str, list[ReviewItem]] = {}

    def ends(self, classified: ClassifiedPair) -> tuple[LinkEnd, LinkEnd]:
        """Both ends of a link: what each side is shown and asked."""
        first, second = classified.stubs
        one, other = classified.tokens
        standing = classified.standing
        return (
            self._end(classified, standing.a, (first, second), (one, other)),
            self._end(classified, standing.b, (second, first), (other, one)),
        )

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

    def post(self, tables: HubTables, round_id: str) -> None:
        """Put it all into mailboxes, and who is held or no longer."""
        posts = self.posts(round_id)
        for sides in sorted(self._attention.changed):
            asker, asked = sides
            held = self._attention.asked(sides) if sides in self._attention.held else 0
            posts.append(self._signed(asked, QuestionsHeldBody(agency=asker, held=held)))
        tables.mailboxes.post(posts)

    def posts(self, round_id: str) -> list[Post]:
        """It all, signed: first what is, then what is asked."""
        posts: list[Post] = []
        for agency, notices in sorted(self._notices.items()):
            for batch in _batches(notices, NOTICE_BYTES, 60):
                posts.append(self._signed(agency, NoticeBody(round=round_id, links=batch)))
        for agency, items in sorted(self._reviews.items()):
            for some in _batches(items, NOTICE_BYTES, REVIEWS_A_STATEMENT):
                posts.append(self._signed(agency, ReviewBody(round=round_id, links=some)))
        return posts

    def _signed(self, agency: str, body: WireModel) -> Post:
        return Post(agency, self._ledger.sign(body, agency).envelope.encode())

    def _end(
        self,
        classified: ClassifiedPair,
        view: View,
        stubs: tuple[Stub, Stub],
        tokens: tuple[Tokens, Tokens],
    ) -> LinkEnd:
        """The end that is the first of the two stubs, with its tokens first."""
        viewer, other = stubs
        evidence = evidence_for(self._terms.charter.policy, classified.score, *tokens)
        notice = self._notice(view.shown, viewer.agency, other, evidence)
        held = self._attention.is_held(classified, viewer.agency, other.agency)
        asked = view.asked and notice is not None and not held
        review = classified.question if asked else None
        return LinkEnd(viewer.agency, viewer.stub_id, notice, review)

    def _notice(
        self, state: str, viewer: str, other: Stub, evidence: tuple[str, int] | None
    ) -> Notice | None:
        """What an agency is to know of a link to this stub, or None for nothing."""
        member = self._terms.directory.active(viewer)
        if member is None or state == "ended":
            return None
        shown = {
            item: min(
                (
                    decide_show(charter, member.body.member_class, item, state, self._terms.now)
                    for charter in self._terms.agreed(other.agency)
                ),
                key=LEAST_FIRST.index,
            )
            for item in other.involvements
        }
        if not any(value is not Shown.NOTHING for value in shown.values()):
            return None
        seen = [item for item, value in shown.items() if value is Shown.INVOLVEMENT]
        return Notice(
            agency_id=other.agency if seen else None,
            involvements=tuple(
                ShownInvolvement(id=item.id, type=item.type, label=item.label) for item in seen
            ),
            evidence=evidence if seen else None,
        )

    def _link_notice(self, link: Link, end: LinkEnd) -> LinkNotice:
        told = end.notice
        evidence = told.evidence if told else None
        epoch = self._terms.charter.token_key.epoch
        return LinkNotice(
            link_id=link.link_id,
            state=link.state.value if told else "ended",
            stub_id=end.stub_id,
            agency_id=told.agency_id if told else None,
            involvements=list(told.involvements) if told else [],
            evidence=LinkEvidence(match_key_id=evidence[0], epoch=epoch, ordinal=evidence[1])
            if evidence
            else None,
        )


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
