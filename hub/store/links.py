"""Links between stubs, what each side was told of them, and what their people said.

A link keeps its id through all its states: a link that ended may come back.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hub.store.stubs import Stubs
from protocol.errors import ErrorCode, LocalError
from protocol.messages.bodies import ShownInvolvement
from protocol.requests.hints import Hint
from protocol.requests.review import Answer, Said, question_of
from storage.engine import Row, Transaction
from storage.states import Moves, check_move, sources


class LinkState(StrEnum):
    """What a link is, as the log says it."""

    MATCH = "match"
    POSSIBLE = "possible"
    ENDED = "ended"


MOVES: Moves[LinkState] = {
    LinkState.MATCH: (LinkState.POSSIBLE, LinkState.ENDED),
    LinkState.POSSIBLE: (LinkState.MATCH, LinkState.ENDED),
    LinkState.ENDED: (LinkState.MATCH, LinkState.POSSIBLE),
}
BEGINNINGS = (LinkState.MATCH, LinkState.POSSIBLE)
"""What a link may begin as: one that never was cannot have ended."""


class Origin(StrEnum):
    """What made a link what it is. Only a match has another origin than its score."""

    SCORE = "score"
    DOUBTED = "doubted"
    SUPPORTED = "supported"
    PEOPLE = "people"


@dataclass(frozen=True)
class Notice:
    """What one side was told of a link: who is across, what is shown of it, and the evidence (a
    match key's id and the token's place in this side's list). No agency: that there is somebody.
    """

    agency_id: str | None
    involvements: tuple[ShownInvolvement, ...]
    evidence: tuple[str, int] | None


@dataclass(frozen=True)
class LinkHint:
    """That one side was told of a service across a link that it may not see, under an id that says
    nothing of the link; `member_class` of a service that can be reached.
    """

    hint_id: str
    says: Hint
    member_class: str | None

    @property
    def hinted(self) -> tuple[Hint, str | None]:
        """What it tells."""
        return self.says, self.member_class


@dataclass(frozen=True)
class LinkEnd:
    """One side of a link. `notice`: what it was told last, None for nothing; `review`: the
    question that is open to its people; `hint`: what it was told of work that it may not see.
    """

    agency: str
    stub_id: str
    notice: Notice | None
    review: str | None
    hint: LinkHint | None = None


@dataclass(frozen=True)
class Link:
    """A link as a round or a person left it; the end whose stub id is smaller comes first.

    `asker`: the agency whose later record takes the other side's people's attention here.
    """

    link_id: str
    ends: tuple[LinkEnd, LinkEnd]
    state: LinkState
    origin: Origin
    round_id: str
    asker: str | None = None

    @property
    def pair(self) -> tuple[str, str]:
        """The two stub ids."""
        return self.ends[0].stub_id, self.ends[1].stub_id

    def end(self, agency: str, stub_id: str) -> LinkEnd | None:
        """The end that is this stub of this agency, or None."""
        found = (item for item in self.ends if (item.agency, item.stub_id) == (agency, stub_id))
        return next(found, None)

    def across(self, stub_id: str) -> LinkEnd:
        """The end that is not this stub."""
        first, second = self.ends
        return second if first.stub_id == stub_id else first


class Links:
    """Links and what people said of them, within one open transaction."""

    def __init__(self, tx: Transaction, stubs: Stubs) -> None:
        self._tx = tx
        self._stubs = stubs

    def link(self, link_id: str) -> Link | None:
        """A link by id."""
        row = self._tx.one("SELECT * FROM link WHERE link_id = ?", link_id)
        return _link(row) if row else None

    def hinted(self, hint_id: str) -> Link | None:
        """The link behind a hint."""
        like = f'%"{hint_id}"%'
        row = self._tx.one("SELECT * FROM link WHERE hint_a LIKE ? OR hint_b LIKE ?", like, like)
        return _link(row) if row else None

    def links_of(self, stub_ids: Collection[str]) -> dict[str, list[Link]]:
        """All links of those of these stubs that have any, ended ones too, by link id."""
        found: dict[str, Link] = {}
        for sql in (
            "SELECT * FROM link WHERE stub_a IN (:among)",
            "SELECT * FROM link WHERE stub_b IN (:among)",
        ):
            rows = self._tx.rows_among(sql, among=stub_ids)
            found |= {row["link_id"]: _link(row) for row in rows if row["link_id"] not in found}
        wanted, by_stub = set(stub_ids), dict[str, list[Link]]()
        for _, link in sorted(found.items()):
            for stub_id in wanted.intersection(link.pair):
                by_stub.setdefault(stub_id, []).append(link)
        return by_stub

    def told(self, agency: str) -> list[Link]:
        """Links that have not ended and have an end of this agency, by id."""
        rows = self._tx.rows(
            "SELECT * FROM link WHERE state <> 'ended' AND (agency_a = ? OR agency_b = ?) "
            "ORDER BY link_id",
            agency, agency,
        )  # fmt: skip
        return [_link(row) for row in rows]

    def open_links(self) -> list[Link]:
        """Links that have not ended, by id."""
        rows = self._tx.rows("SELECT * FROM link WHERE state <> 'ended' ORDER BY link_id")
        return [_link(row) for row in rows]

    def statements(self) -> set[str]:
        """The rounds and the answers that links which have not ended rest on."""
        rounds = self._tx.rows("SELECT DISTINCT round_id FROM link WHERE state <> 'ended'")
        answers = self._tx.rows(
            "SELECT statement_id FROM verdict JOIN link USING (link_id) WHERE state <> 'ended'"
        )
        said = {row["statement_id"] for row in answers}
        return said.union(row["round_id"] for row in rounds)

    def put_all(self, links: Sequence[Link]) -> None:
        """Insert links, or put them in place of those of the same id.

        Raises LocalError(CONFLICT) for a link that begins as it cannot, whose ends move, or that
        is no match and yet has another origin than its score.
        """
        sql = "SELECT * FROM link WHERE link_id IN (:among)"
        rows = self._tx.rows_among(sql, among=[link.link_id for link in links])
        before = {row["link_id"]: _link(row) for row in rows}
        for link in links:
            _check_change(before.get(link.link_id), link)
        self._tx.put_many("link", [_row(link) for link in links], ("link_id",))

    def end(self, link_id: str) -> None:
        """End a link at once, if it has not ended; an ends pass tells both sides."""
        self._tx.run_among(
            "UPDATE link SET state = 'ended' WHERE link_id = ? AND state IN (:among)",
            link_id,
            among=sources(MOVES, LinkState.ENDED),
        )

    def answers(self, link_id: str) -> dict[str, Answer]:
        """Each agency's last answer about a link."""
        return self.answers_of([link_id]).get(link_id, {})

    def answers_of(self, link_ids: Collection[str]) -> dict[str, dict[str, Answer]]:
        """Each agency's last answer about those of these links that have any, by link."""
        sql = "SELECT link_id, agency, said, question FROM verdict WHERE link_id IN (:among)"
        found: dict[str, dict[str, Answer]] = {}
        for row in self._tx.rows_among(sql, among=link_ids):
            answer = Answer(Said(row["said"]), row["question"])
            found.setdefault(row["link_id"], {})[row["agency"]] = answer
        return found

    def put_answer(self, link: Link, agency: str, answer: Answer, statement_id: str) -> None:
        """Remember an agency's answer in place of its last, and mark both ends."""
        row = {
            "link_id": link.link_id,
            "agency": agency,
            "said": answer.said.value,
            "question": answer.question,
            "statement_id": statement_id,
        }
        self._tx.put("verdict", row, ("link_id", "agency"))
        self._stubs.mark(link.pair)

    def question(self, link: Link) -> str:
        """The question that a link's token sets, as they are now, would put."""
        return question_of([(stub_id, self._stubs.tokens(stub_id)) for stub_id in link.pair])

    def count_asked(self, asker: str, asked: str) -> int:
        """How many links take the attention of an agency's people for another's records."""
        row = self._tx.one(
            "SELECT COUNT(*) AS n FROM link WHERE asker = ? AND ? IN (agency_a, agency_b)",
            asker, asked,
        )  # fmt: skip
        return int(row["n"]) if row else 0

    def count_matches(self, other: str, viewer: str) -> int:
        """How many matches with another agency's records an agency is shown."""
        rows = [
            self._tx.one(
                "SELECT COUNT(*) AS n FROM link WHERE agency_a = ? AND agency_b = ? AND state = ? "
                "AND notice_b IS NOT NULL",
                other, viewer, LinkState.MATCH.value,
            ),
            self._tx.one(
                "SELECT COUNT(*) AS n FROM link WHERE agency_a = ? AND agency_b = ? AND state = ? "
                "AND notice_a IS NOT NULL",
                viewer, other, LinkState.MATCH.value,
            ),
        ]  # fmt: skip
        return sum(int(row["n"]) for row in rows if row)

    def held(self) -> list[tuple[str, str]]:
        """Whose questions are not put to whose people."""
        rows = self._tx.rows("SELECT asker, asked FROM questions_held ORDER BY asker, asked")
        return [(row["asker"], row["asked"]) for row in rows]

    def hold(self, more: Collection[tuple[str, str]], less: Collection[tuple[str, str]]) -> None:
        """Hold these too and no longer those; have the next rounds look at all of them."""
        for asker, asked in more:
            self._tx.insert("questions_held", {"asker": asker, "asked": asked})
        for sides in less:
            self._tx.run("DELETE FROM questions_held WHERE asker = ? AND asked = ?", *sides)
        for asker, asked in (*more, *less):
            self._tx.run(
                "INSERT INTO dirty_stub SELECT stub_a FROM link "
                "WHERE asker = ? AND ? IN (agency_a, agency_b) ON CONFLICT (stub_id) DO NOTHING",
                asker, asked,
            )  # fmt: skip

    def mark_linked(self) -> None:
        """Have the next rounds look at all links, ended ones too: by one end, which leads there."""
        self._tx.run(
            "INSERT INTO dirty_stub SELECT stub_a FROM link WHERE 1 = 1 "
            "ON CONFLICT (stub_id) DO NOTHING"
        )


def _check_change(before: Link | None, after: Link) -> None:
    if after.state is not LinkState.MATCH and after.origin is not Origin.SCORE:
        raise LocalError(ErrorCode.CONFLICT, f"what is {after.state} is so by its score")
    if before is None:
        if after.state not in BEGINNINGS:
            raise LocalError(ErrorCode.CONFLICT, f"no link begins as {after.state}")
        return
    if before.pair != after.pair:
        raise LocalError(ErrorCode.CONFLICT, "a link's ends do not move")
    if before.state is not after.state:
        check_move(MOVES, before.state, after.state)


def _row(link: Link) -> Row:
    row: dict[str, Any] = {"link_id": link.link_id}
    for side, end in zip("ab", link.ends, strict=True):
        row |= {
            f"stub_{side}": end.stub_id,
            f"agency_{side}": end.agency,
            f"notice_{side}": _notice_text(end.notice),
            f"review_{side}": end.review,
            f"hint_{side}": json.dumps(vars(end.hint)) if end.hint else None,
        }
    return row | {
        "state": link.state.value, "origin": link.origin.value, "round_id": link.round_id,
        "asker": link.asker,
    }  # fmt: skip


def _link(row: Row) -> Link:
    first, second = (
        LinkEnd(
            row[f"agency_{side}"],
            row[f"stub_{side}"],
            _notice(row[f"notice_{side}"]),
            row[f"review_{side}"],
            _hint(row[f"hint_{side}"]),
        )
        for side in "ab"
    )
    state, origin = LinkState(row["state"]), Origin(row["origin"])
    return Link(row["link_id"], (first, second), state, origin, row["round_id"], row["asker"])


def _notice_text(notice: Notice | None) -> str | None:
    if notice is None:
        return None
    return json.dumps(
        {
            "agency_id": notice.agency_id,
            "involvements": [item.model_dump() for item in notice.involvements],
            "evidence": notice.evidence,
        }
    )


def _hint(text: str | None) -> LinkHint | None:
    if text is None:
        return None
    said = json.loads(text)
    return LinkHint(said["hint_id"], Hint(said["says"]), said["member_class"])


def _notice(text: str | None) -> Notice | None:
    if text is None:
        return None
    said = json.loads(text)
    return Notice(
        said["agency_id"],
        tuple(ShownInvolvement(**item) for item in said["involvements"]),
        (said["evidence"][0], said["evidence"][1]) if said["evidence"] else None,
    )
