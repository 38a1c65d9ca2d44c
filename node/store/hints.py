"""What the hub told us of services that we may not see, and who asked to be introduced to us.

specs/06-requests.md §12. Everything is looked up by the hub's id and the hint's id; what others
asked, by the id of their statement.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from node.store.links import Link, LinkedInvolvement, LinkState
from node.store.moving import Columns, Kept, Moving
from protocol.messages.introductions import IntroducedService
from storage.engine import Row, Transaction
from storage.states import Moves


class HintState(StrEnum):
    """How far our request to be introduced has come."""

    OPEN = "open"
    ASKING = "asking"
    NAMED = "named"
    REFUSED = "refused"
    FAILED = "failed"


_H = HintState
# It can be asked again at any time: who is named may have other work with the client by now.
HINT_MOVES: Moves[HintState] = {
    _H.OPEN: (_H.ASKING,),
    _H.ASKING: (_H.NAMED, _H.REFUSED, _H.FAILED),
    _H.NAMED: (_H.ASKING,),
    _H.REFUSED: (_H.ASKING,),
    _H.FAILED: (_H.ASKING,),
}


@dataclass(frozen=True)
class Hint(Kept):
    """A service behind a stub of ours: `says` that one of `member_class` can be reached, or that
    the duty desk can help. `service`: who it is, once the hub has named it.
    """

    hub_id: str
    hint_id: str
    stub_id: str
    says: str
    member_class: str | None
    round_id: str
    state: HintState = HintState.OPEN
    request_id: str | None = None
    code: str | None = None
    field: str | None = None
    service: IntroducedService | None = None

    def columns(self) -> Columns:
        """The row."""
        said = self.service.model_dump_json() if self.service else None
        return {**vars(self), "state": self.state.value, "service": said}

    @property
    def link(self) -> Link | None:
        """The link behind it, as a request goes over it; None while nobody is named."""
        if self.service is None:
            return None
        works = (LinkedInvolvement(w.id, w.type, w.label) for w in self.service.involvements)
        return Link(
            hub_id=self.hub_id,
            link_id=self.service.link_id,
            stub_id=self.stub_id,
            state=LinkState.MATCH,
            agency_id=self.service.agency_id,
            involvements=tuple(works),
            evidence=self.service.evidence,
            round_id=self.round_id,
        )


@dataclass(frozen=True)
class Introduced:
    """Somebody asked the hub to be introduced to us. `stub_id`, `link_id`: over what; None before
    the hub has named us.
    """

    hub_id: str
    statement_id: str
    requester: str
    role: str
    purpose: str
    basis: str
    received_at: int
    stub_id: str | None = None
    link_id: str | None = None


class Hints:
    """Hints, and introductions to us."""

    _rows = Moving("hint", ("hub_id", "hint_id"), HINT_MOVES)

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def get(self, hub_id: str, hint_id: str) -> Hint | None:
        """A hint as last told to us."""
        sql = "SELECT * FROM hint WHERE hub_id = ? AND hint_id = ?"
        row = self._tx.one(sql, hub_id, hint_id)
        return _hint(row) if row else None

    def of_stub(self, hub_id: str, stub_id: str) -> list[Hint]:
        """What is told of a stub, by id."""
        sql = "SELECT * FROM hint WHERE hub_id = ? AND stub_id = ? ORDER BY hint_id"
        return [_hint(row) for row in self._tx.rows(sql, hub_id, stub_id)]

    def links_of(self, hub_id: str, stub_id: str) -> list[Link]:
        """The links of a stub behind which somebody was named, for requests to go over."""
        return [link for hint in self.of_stub(hub_id, stub_id) if (link := hint.link) is not None]

    def take(self, hints: Sequence[Hint]) -> None:
        """Keep hints as a round tells them; one that was told before stays as it is."""
        for hint in hints:
            if self.get(hint.hub_id, hint.hint_id) is None:
                self._tx.insert("hint", hint.columns())

    def end(self, hub_id: str, hint_id: str) -> None:
        """Forget a hint, and whom it named."""
        self._tx.run("DELETE FROM hint WHERE hub_id = ? AND hint_id = ?", hub_id, hint_id)

    def end_over(self, hub_id: str, link_id: str) -> None:
        """Forget whom hints named behind a link, and answer nobody over it who was introduced."""
        like = f'%"{link_id}"%'
        self._tx.run("DELETE FROM hint WHERE hub_id = ? AND service LIKE ?", hub_id, like)
        sql = "UPDATE introduced SET link_id = NULL WHERE hub_id = ? AND link_id = ?"
        self._tx.run(sql, hub_id, link_id)

    def change(self, before: Hint, after: Hint) -> None:
        """Write what differs. Raises LocalError(CONFLICT) unless the move is allowed."""
        self._rows.change(self._tx, before, after)

    def forget(self, hub_id: str) -> None:
        """Forget all hints of a hub: it tells them again, or its log has a successor."""
        self._tx.run("DELETE FROM hint WHERE hub_id = ?", hub_id)

    def put_introduced(self, item: Introduced) -> None:
        """Keep who asked, known or not."""
        self._tx.put("introduced", vars(item), ("hub_id", "statement_id"))

    def introduced(self, hub_id: str, statement_id: str) -> Introduced | None:
        """Who asked by a statement."""
        sql = "SELECT * FROM introduced WHERE hub_id = ? AND statement_id = ?"
        row = self._tx.one(sql, hub_id, statement_id)
        return Introduced(**row) if row else None

    def asked_between(self, hub_id: str, since: int, until: int) -> list[Introduced]:
        """Who asked from one time to before another, whether the hub named us to them or not."""
        sql = "SELECT * FROM introduced WHERE hub_id = ? AND received_at >= ? AND received_at < ?"
        return [Introduced(**row) for row in self._tx.rows(sql, hub_id, since, until)]

    def introductions(self, hub_id: str) -> list[Introduced]:
        """Those to whom the hub named us, oldest first."""
        rows = self._tx.rows(
            "SELECT * FROM introduced WHERE hub_id = ? AND stub_id IS NOT NULL "
            "ORDER BY received_at, statement_id",
            hub_id,
        )
        return [Introduced(**row) for row in rows]

    def introduced_over(self, hub_id: str, link_id: str, requester: str) -> str | None:
        """The stub over which the hub named us to an agency, by a link, while we are told of a
        service that can be reached; else None.
        """
        row = self._tx.one(
            "SELECT stub_id FROM introduced WHERE hub_id = ? AND link_id = ? AND requester = ? "
            "AND EXISTS (SELECT 1 FROM hint h WHERE h.hub_id = introduced.hub_id "
            "AND h.stub_id = introduced.stub_id AND h.says = 'service')",
            hub_id, link_id, requester,
        )  # fmt: skip
        return str(row["stub_id"]) if row else None


def _hint(row: Row) -> Hint:
    said = row["service"]
    values = {name: row[name] for name in Hint.__dataclass_fields__ if name != "service"}
    service = IntroducedService.model_validate_json(said) if said else None
    return Hint(**{**values, "state": HintState(row["state"])}, service=service)
