"""What each side is told of a link after a round: notices, and what waits for its people.

specs/04-matching.md §7, specs/06-requests.md §5. A side learns what `decide_show` allows and no
more: neither the score, nor what the other side's people said, nor why a link ended.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from hub.log.ledger import Ledger
from hub.matching.classify import ClassifiedPair
from hub.matching.evidence import evidence_for
from hub.store.mailboxes import Post
from hub.store.stubs import Stub
from hub.store.tables import HubTables
from protocol import canonical
from protocol.fields import WireModel
from protocol.messages.bodies import LinkNotice, NoticeBody, ShownInvolvement
from protocol.messages.parts import LinkEvidence
from protocol.messages.review import ReviewBody, ReviewItem
from protocol.requests.decide import Shown, decide_show
from storage.engine import Row

NOTICE_BYTES = 9_000  # with preamble and base64 within 16 KiB
REVIEWS_A_STATEMENT = 40
LEAST_FIRST = (Shown.NOTHING, Shown.POSSIBLE, Shown.INVOLVEMENT)

Item = TypeVar("Item", bound=WireModel)


class NoticeBuilder:
    """Works out what each side is to know, and puts what changed into mailboxes."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._notices: dict[str, list[LinkNotice]] = {}
        self._reviews: dict[str, list[ReviewItem]] = {}

    def views(self, classified: ClassifiedPair, now: int) -> dict[str, str | None]:
        """The columns of a link's row that say what each side is shown and asked."""
        first, second = classified.stubs
        columns: dict[str, str | None] = {}
        for side, (viewer, other), view, tokens in (
            ("a", (first, second), classified.standing.a, classified.tokens),
            (
                "b",
                (second, first),
                classified.standing.b,
                (classified.tokens[1], classified.tokens[0]),
            ),
        ):
            evidence = evidence_for(self._ledger.charter.policy, classified.score, *tokens)
            notice = self._notice(view.shown, (viewer, other), evidence, now)
            columns[f"notice_{side}"] = notice
            asked = view.asked and notice is not None
            columns[f"review_{side}"] = classified.question if asked else None
        return columns

    def tell(self, old: Row | None, row: Mapping[str, object]) -> None:
        """Note what is new for each side of a link."""
        for side in ("a", "b"):
            agency, before = str(row[f"agency_{side}"]), old or {}
            if before.get(f"notice_{side}") != row[f"notice_{side}"]:
                self._notices.setdefault(agency, []).append(self._link_notice(row, side))
            if before.get(f"review_{side}") != row[f"review_{side}"]:
                item = ReviewItem(
                    link_id=str(row["link_id"]),
                    stub_id=str(row[f"stub_{side}"]),
                    question=row[f"review_{side}"],  # type: ignore[arg-type]
                )
                self._reviews.setdefault(agency, []).append(item)

    def post(self, tables: HubTables, round_id: str) -> None:
        """Put it all into mailboxes, signed: first what is, then what is asked."""
        for agency, notices in sorted(self._notices.items()):
            for batch in _batches(notices, NOTICE_BYTES, 60):
                self._send(tables, agency, NoticeBody(round=round_id, links=batch))
        for agency, items in sorted(self._reviews.items()):
            for some in _batches(items, NOTICE_BYTES, REVIEWS_A_STATEMENT):
                self._send(tables, agency, ReviewBody(round=round_id, links=some))

    def _send(self, tables: HubTables, agency: str, body: WireModel) -> None:
        statement = self._ledger.sign(body, agency)
        tables.mailboxes.post([Post(agency, statement.envelope.encode())])

    def _notice(
        self, state: str, stubs: tuple[Stub, Stub], evidence: tuple[str, int] | None, now: int
    ) -> str | None:
        """What the first stub's agency is to know of the link, as JSON, or None for nothing."""
        viewer, other = stubs
        member = self._ledger.directory.active(viewer.agency)
        if member is None or state == "ended":
            return None
        shown = {
            item: min(
                (
                    decide_show(charter, member.body.member_class, item, state, now)
                    for charter in self._ledger.terms(other.agency)
                ),
                key=LEAST_FIRST.index,
            )
            for item in other.involvements
        }
        if not any(value is not Shown.NOTHING for value in shown.values()):
            return None
        seen = [item for item, value in shown.items() if value is Shown.INVOLVEMENT]
        return json.dumps(
            {
                "agency_id": other.agency if seen else None,
                "involvements": [
                    ShownInvolvement(id=item.id, type=item.type, label=item.label).model_dump()
                    for item in seen
                ],
                "evidence": evidence if seen else None,
            }
        )

    def _link_notice(self, row: Mapping[str, object], side: str) -> LinkNotice:
        after = row[f"notice_{side}"]
        told = json.loads(str(after)) if after is not None else None
        evidence = told and told["evidence"]
        epoch = self._ledger.charter.token_key.epoch
        return LinkNotice(
            link_id=str(row["link_id"]),
            state=row["state"] if told else "ended",  # type: ignore[arg-type]
            stub_id=str(row[f"stub_{side}"]),
            agency_id=told["agency_id"] if told else None,
            involvements=[ShownInvolvement(**item) for item in told["involvements"]]
            if told
            else [],
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
