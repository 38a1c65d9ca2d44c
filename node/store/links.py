"""Links as the hub last told them, and what our people are asked and say of them.

specs/06-requests.md §5. Everything is looked up by the hub's id and the link's id.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from node.store.moving import Columns, Kept, Moving
from protocol.messages.parts import LinkEvidence
from storage.engine import Row, Transaction
from storage.states import Moves, check_move


class LinkState(StrEnum):
    """What the hub's last round made of a link."""

    MATCH = "match"
    POSSIBLE = "possible"
    ENDED = "ended"


class ReviewState(StrEnum):
    """Whether a link waits for our people, and how far their answer has come."""

    ASKED = "asked"
    SENDING = "sending"
    SAID = "said"
    IDLE = "idle"


_L, _R = LinkState, ReviewState
# A round may make anything of a link: records change, and so do the other side's answers.
LINK_MOVES: Moves[LinkState] = {
    _L.MATCH: (_L.POSSIBLE, _L.ENDED),
    _L.POSSIBLE: (_L.MATCH, _L.ENDED),
    _L.ENDED: (_L.MATCH, _L.POSSIBLE),
}
# A person may speak of any link at any time, and the hub may ask at any time; a recall says "not
# the same" for us whatever was there; a lost log leaves nothing to ask.
REVIEW_MOVES: Moves[ReviewState] = {
    _R.ASKED: (_R.SENDING, _R.SAID, _R.IDLE),
    _R.SENDING: (_R.ASKED, _R.SAID, _R.IDLE),
    _R.SAID: (_R.ASKED, _R.SENDING, _R.IDLE),
    _R.IDLE: (_R.ASKED, _R.SENDING, _R.SAID),
}


@dataclass(frozen=True)
class LinkedInvolvement:
    """What we may see of an involvement at the other side; `is_past`: it is over."""

    id: str
    type: str
    label: str
    is_past: bool = False


@dataclass(frozen=True)
class Link:
    """A link from a stub of ours to something at another agency; of a possible one we know no more
    than that.
    """

    hub_id: str
    link_id: str
    stub_id: str
    state: LinkState
    agency_id: str | None
    involvements: tuple[LinkedInvolvement, ...]
    evidence: LinkEvidence | None
    round_id: str

    def columns(self) -> Columns:
        """The row."""
        return {
            "hub_id": self.hub_id,
            "link_id": self.link_id,
            "stub_id": self.stub_id,
            "state": self.state.value,
            "agency_id": self.agency_id,
            "involvements": json.dumps([vars(item) for item in self.involvements]),
            "evidence": json.dumps(self.evidence.model_dump()) if self.evidence else None,
            "round_id": self.round_id,
        }


@dataclass(frozen=True)
class Review(Kept):
    """What our people are asked of a link and said. `question` None: nothing is asked."""

    hub_id: str
    link_id: str
    stub_id: str
    question: str | None
    asked_at: int | None
    state: ReviewState
    answer: str | None = None
    rests_on: str | None = None
    answered_at: int | None = None
    answered_question: str | None = None
    error: str | None = None

    def columns(self) -> Columns:
        """The row."""
        return {**vars(self), "state": self.state.value}


@dataclass(frozen=True)
class Queued:
    """A link that waits for a person, with our own id of its client."""

    review: Review
    link: Link
    local_id: str


class Links:
    """Links, each by its hub and its id."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def get(self, hub_id: str, link_id: str) -> Link | None:
        """A link as last told to us."""
        sql = "SELECT * FROM link WHERE hub_id = ? AND link_id = ?"
        row = self._tx.one(sql, hub_id, link_id)
        return _link(row) if row else None

    def of_stub(self, hub_id: str, stub_id: str) -> list[Link]:
        """All links of a stub, ended ones too, in the order of their ids."""
        sql = "SELECT * FROM link WHERE hub_id = ? AND stub_id = ? ORDER BY link_id"
        return [_link(row) for row in self._tx.rows(sql, hub_id, stub_id)]

    def of_ids(self, hub_id: str, link_ids: Collection[str]) -> dict[str, Link]:
        """Those of these links that are here, ended ones too."""
        sql = "SELECT * FROM link WHERE hub_id = ? AND link_id IN (:among)"
        rows = self._tx.rows_among(sql, hub_id, among=link_ids)
        return {row["link_id"]: _link(row) for row in rows}

    def agencies(self, hub_id: str, stub_ids: Collection[str]) -> set[tuple[str, str]]:
        """Which agencies links show, or showed once, of these stubs, each with its stub."""
        sql = (
            "SELECT DISTINCT stub_id, agency_id FROM link WHERE hub_id = ? "
            "AND agency_id IS NOT NULL AND stub_id IN (:among)"
        )
        rows = self._tx.rows_among(sql, hub_id, among=stub_ids)
        return {(str(row["stub_id"]), str(row["agency_id"])) for row in rows}

    def take(self, links: Sequence[Link]) -> None:
        """Keep links as a round tells them, known or not."""
        rows = [link.columns() for link in links]
        self._tx.put_many("link", rows, ("hub_id", "link_id"))

    def end(self, hub_id: str, link_ids: Collection[str]) -> None:
        """Show these no more. Of one that we do not know there is nothing to end."""
        sql = "UPDATE link SET state = ? WHERE hub_id = ? AND link_id IN (:among)"
        self._tx.run_among(sql, _L.ENDED.value, hub_id, among=link_ids)

    def forget(self, hub_id: str) -> None:
        """Forget all links of a hub, which tells them anew after its log or ours was lost."""
        self._tx.run("DELETE FROM link WHERE hub_id = ?", hub_id)


class Reviews:
    """What waits for our people and what they said, each by its hub and its link's id."""

    _rows = Moving("review", ("hub_id", "link_id"), REVIEW_MOVES)

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def get(self, hub_id: str, link_id: str) -> Review | None:
        """What is asked and was said of a link."""
        return self.of_links(hub_id, [link_id]).get(link_id)

    def of_links(self, hub_id: str, link_ids: Collection[str]) -> dict[str, Review]:
        """The same of many links, by their ids; a link of which nothing was said is left out."""
        sql = "SELECT * FROM review WHERE hub_id = ? AND link_id IN (:among)"
        rows = self._tx.rows_among(sql, hub_id, among=link_ids)
        return {row["link_id"]: _review(row) for row in rows}

    def asked(self, hub_id: str) -> dict[str, int]:
        """The client (a row's id) of each link that waits for a person, oldest first."""
        rows = self._tx.rows(
            "SELECT r.link_id, s.client FROM review r "
            "JOIN link l ON l.hub_id = r.hub_id AND l.link_id = r.link_id "
            "JOIN stub s ON s.hub_id = r.hub_id AND s.stub_id = r.stub_id "
            "WHERE r.hub_id = ? AND r.state = ? AND l.state <> ? ORDER BY r.asked_at, r.link_id",
            hub_id, _R.ASKED.value, _L.ENDED.value,
        )  # fmt: skip
        return {row["link_id"]: int(row["client"]) for row in rows}

    def queue(self, hub_id: str, among: Collection[str] | None = None) -> list[Queued]:
        """What waits for a person, oldest first; `among`: only these links."""
        sql = (
            "SELECT l.*, r.question, r.asked_at, r.answer, r.rests_on, r.answered_at, "
            "r.answered_question, r.error, r.state AS review_state, c.local_id "
            "FROM review r JOIN link l ON l.hub_id = r.hub_id AND l.link_id = r.link_id "
            "JOIN stub s ON s.hub_id = r.hub_id AND s.stub_id = r.stub_id "
            "JOIN client c ON c.id = s.client "
            "WHERE r.hub_id = ? AND r.state = ? AND l.state <> ?"
        )
        values = (hub_id, _R.ASKED.value, _L.ENDED.value)
        if among is None:
            rows = self._tx.rows(sql, *values)
        else:
            rows = self._tx.rows_among(f"{sql} AND r.link_id IN (:among)", *values, among=among)
        return [
            Queued(_review({**row, "state": row["review_state"]}), _link(row), row["local_id"])
            for row in sorted(rows, key=lambda row: (row["asked_at"] or 0, row["link_id"]))
        ]

    def count_waiting(self, hub_id: str, stub_id: str) -> int:
        """How many links of a stub wait for a person."""
        row = self._tx.one(
            "SELECT COUNT(*) AS n FROM review r "
            "JOIN link l ON l.hub_id = r.hub_id AND l.link_id = r.link_id "
            "WHERE r.hub_id = ? AND r.stub_id = ? AND r.state = ? AND l.state <> ?",
            hub_id, stub_id, _R.ASKED.value, _L.ENDED.value,
        )  # fmt: skip
        return int(row["n"]) if row else 0

    def is_denied(self, hub_id: str, link_id: str) -> bool:
        """Whether our last answer about a link is "not the same"."""
        review = self.get(hub_id, link_id)
        return review is not None and review.answer == "not_same"

    def put(self, hub_id: str, reviews: Collection[Review]) -> None:
        """Keep these, known or not. Raises LocalError(CONFLICT) unless each move is allowed."""
        known = self.of_links(hub_id, [review.link_id for review in reviews])
        for review in reviews:
            before = known.get(review.link_id)
            if before is not None and before.state is not review.state:
                check_move(REVIEW_MOVES, before.state, review.state)
        rows = [review.columns() for review in reviews]
        self._tx.put_many("review", rows, ("hub_id", "link_id"))

    def change(self, before: Review, after: Review) -> None:
        """Write what differs. Raises LocalError(CONFLICT) unless the move is allowed."""
        self._rows.change(self._tx, before, after)

    def end_with_log(self, hub_id: str) -> None:
        """Nothing is asked any more; what was said stays said."""
        sql = "UPDATE review SET state = ?, question = NULL WHERE hub_id = ?"
        self._tx.run(sql, _R.IDLE.value, hub_id)


def _link(row: Row) -> Link:
    evidence = json.loads(row["evidence"]) if row["evidence"] else None
    shown = (LinkedInvolvement(**item) for item in json.loads(row["involvements"]))
    return Link(
        hub_id=row["hub_id"],
        link_id=row["link_id"],
        stub_id=row["stub_id"],
        state=_L(row["state"]),
        agency_id=row["agency_id"],
        involvements=tuple(shown),
        evidence=LinkEvidence.model_validate(evidence) if evidence else None,
        round_id=row["round_id"],
    )


def _review(row: Row) -> Review:
    names = Review.__dataclass_fields__
    values = {name: row[name] for name in names if name != "state"}
    return Review(**values, state=_R(row["state"]))
