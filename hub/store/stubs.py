"""Stubs and their peppered tokens, those that left included, and which stubs to look at next.

Tokens come in already peppered (hub/matching/pepper.py): a stolen database holds nothing that the
token key alone could reverse. Each call takes many, in a few statements however many they are.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter

from protocol.messages.bodies import PublishedInvolvement, StubRow
from storage.engine import Row, Transaction

PepperedTokens = Mapping[str, Sequence[bytes]]
TypedToken = tuple[str, bytes]
"""A match key's id and a peppered token of that type."""

# More holders of one token than any policy counts are not told of a change in it.
CROWD = 200
EVERY = 2**62

_INVOLVEMENTS = TypeAdapter(tuple[PublishedInvolvement, ...])


@dataclass(frozen=True)
class Stub:
    """A stub as last published."""

    stub_id: str
    agency: str
    revision: int
    retired: bool
    involvements: tuple[PublishedInvolvement, ...]
    publication: str


@dataclass(frozen=True)
class HeldTokens:
    """A stub's tokens by match key in published order; since which log index its agency has each
    of them, in whichever stub.
    """

    by_key: PepperedTokens
    since: Mapping[bytes, int]


NO_TOKENS = HeldTokens({}, {})


@dataclass(frozen=True)
class Holder:
    """A stub that holds a token, and whose it is."""

    stub_id: str
    agency: str


@dataclass(frozen=True)
class Placed:
    """The publication that puts stubs: whose it is, its statement id, its place in the log, and
    until when tokens that leave a stub by it are counted there.
    """

    agency: str
    statement_id: str
    index: int
    former_until: int


@dataclass(frozen=True)
class _TokenMoves:
    """What rows make of their stubs' tokens. `new`: the whole set of each stub whose set is
    another in the end; `left`: token and stub where it left one; `dropped`: what a stub no longer
    holds as a token of that type.
    """

    new: Mapping[str, PepperedTokens]
    left: Collection[tuple[bytes, str]]
    dropped: Collection[TypedToken]


class Stubs:
    """Stubs and tokens within one open transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def stub(self, stub_id: str) -> Stub | None:
        """A stub by id."""
        return self.among([stub_id]).get(stub_id)

    def among(self, stub_ids: Collection[str]) -> dict[str, Stub]:
        """Those of these stubs that there are, by id."""
        own = "SELECT * FROM stub WHERE stub_id IN (:among)"
        logged = (  # and not in force yet, but published: decisions go by what the log says
            "SELECT s.* FROM staged_stub s JOIN upload u ON u.statement_id = s.publication "
            "WHERE u.state = 'logged' AND s.stub_id IN (:among)"
        )
        rows = [row for sql in (own, logged) for row in self._tx.rows_among(sql, among=stub_ids)]
        return {row["stub_id"]: _stub(row) for row in rows}

    def tokens(self, stub_id: str) -> PepperedTokens:
        """A stub's peppered tokens by match key, in published order."""
        return self.tokens_of([stub_id]).get(stub_id, NO_TOKENS).by_key

    def tokens_of(self, stub_ids: Collection[str]) -> dict[str, HeldTokens]:
        """The tokens of those of these stubs that have any, by stub."""
        sql = (
            "SELECT stub_id, match_key_id, token, since FROM token WHERE stub_id IN (:among) "
            "ORDER BY stub_id, match_key_id, ordinal"
        )
        by_key: dict[str, dict[str, list[bytes]]] = {}
        since: dict[str, dict[bytes, int]] = {}
        for row in self._tx.rows_among(sql, among=stub_ids):
            typed = by_key.setdefault(row["stub_id"], {})
            typed.setdefault(row["match_key_id"], []).append(row["token"])
            since.setdefault(row["stub_id"], {})[row["token"]] = row["since"]
        return {stub_id: HeldTokens(typed, since[stub_id]) for stub_id, typed in by_key.items()}

    def holders(
        self, tokens: Collection[TypedToken], most: int = EVERY
    ) -> dict[TypedToken, tuple[Holder, ...]]:
        """The stubs that hold each token as one of its type, at most `most`: the first by id.

        Without `most` they are as many as agencies and `stubs_per_token` allow.
        """
        sql = (
            "SELECT match_key_id, token, stub_id, agency FROM ("
            "SELECT match_key_id, token, stub_id, agency, "
            "ROW_NUMBER() OVER (PARTITION BY token, match_key_id ORDER BY stub_id) <= ? AS told "
            "FROM token WHERE token IN (:among)) AS held WHERE told"
        )
        found: dict[TypedToken, list[Holder]] = {typed: [] for typed in tokens}
        for row in self._tx.rows_among(sql, most, among={token for _, token in tokens}):
            typed = (row["match_key_id"], row["token"])
            if typed in found:
                found[typed].append(Holder(row["stub_id"], row["agency"]))
        return {typed: tuple(holders) for typed, holders in found.items() if holders}

    def put_all(self, rows: Sequence[tuple[StubRow, PepperedTokens]], placed: Placed) -> None:
        """Replace stubs and their whole token sets, one row a stub, and mark them.

        Tokens that leave a stub are counted there still, until `placed.former_until`. Stubs of
        others that shared them are marked too: it may have been a rival of theirs.
        """
        tokens = {row.stub_id: own for row, own in rows}
        held = self.tokens_of(tokens)
        moves = _token_moves(held, tokens)
        stubs = [
            {**stub_row(row, placed.agency), "publication": placed.statement_id} for row, _ in rows
        ]
        self._tx.put_many("stub", stubs, ("stub_id",))
        self._put_tokens(held, moves, placed)
        shared = self.holders(moves.dropped, CROWD).values()
        others = {item.stub_id for some in shared for item in some if item.agency != placed.agency}
        self.mark(others | tokens.keys())

    def publications(self) -> set[str]:
        """The publications that put the stubs which are not retired: later decisions need them."""
        rows = self._tx.rows(
            "SELECT publication FROM stub WHERE retired = 0 "
            "UNION SELECT statement_id FROM upload WHERE state = 'logged'"
        )
        return {row["publication"] for row in rows}

    def mark(self, stub_ids: Iterable[str]) -> None:
        """Have the next round look at stubs."""
        rows = [{"stub_id": stub_id} for stub_id in stub_ids]
        self._tx.put_many("dirty_stub", rows, ("stub_id",))

    def mark_agency(self, agency: str) -> None:
        """Have the next rounds look at all stubs of an agency that are not retired."""
        self._tx.run(
            "INSERT INTO dirty_stub SELECT stub_id FROM stub WHERE agency = ? AND retired = 0 "
            "ON CONFLICT (stub_id) DO NOTHING",
            agency,
        )

    def mark_everybody(self) -> None:
        """Have the next rounds look at all stubs that are not retired."""
        self._tx.run(
            "INSERT INTO dirty_stub SELECT stub_id FROM stub WHERE retired = 0 "
            "ON CONFLICT (stub_id) DO NOTHING"
        )

    def is_marked(self, stub_id: str) -> bool:
        """Whether a stub changed since the last round, or is about to."""
        row = self._tx.one(
            "SELECT 1 FROM dirty_stub WHERE stub_id = ? UNION "
            "SELECT 1 FROM staged_stub s JOIN upload u ON u.statement_id = s.publication "
            "WHERE u.state = 'logged' AND s.stub_id = ?",
            stub_id, stub_id,
        )  # fmt: skip
        return row is not None

    def is_any_marked(self) -> bool:
        """Whether any stub waits for a round."""
        return self._tx.one("SELECT 1 FROM dirty_stub") is not None

    def marked(self) -> int:
        """How many stubs wait for a round."""
        row = self._tx.one("SELECT count(*) AS many FROM dirty_stub")
        return int(row["many"]) if row else 0

    def take_marked(self, now: int, past: int, limit: int) -> list[str]:
        """Up to `limit` stubs that changed or whose permission ran out, by id; unmarks them. `past`
        as of `expire`.
        """
        self.expire(now, past)
        rows = self._tx.rows("SELECT stub_id FROM dirty_stub ORDER BY stub_id LIMIT ?", limit)
        stub_ids = [row["stub_id"] for row in rows]
        self._tx.run_among("DELETE FROM dirty_stub WHERE stub_id IN (:among)", among=stub_ids)
        return stub_ids

    def expire(self, now: int, past: int, most: int | None = None) -> list[str]:
        """Mark stubs whose permission or work ran out, each once, at most `most`: the first to run
        out. Which they are. They are looked at again `past` seconds after the end of work.
        """
        sql = (
            "SELECT stub_id, involvements FROM stub WHERE next_expiry <= ? "
            "ORDER BY next_expiry, stub_id"
        )
        expired = {row["stub_id"]: involvements_of(row) for row in self._tx.rows(sql, now)[:most]}
        self.mark(expired)
        self._tx.run_many(
            "UPDATE stub SET next_expiry = ? WHERE stub_id = ?",
            [(_next_expiry(items, now, past), stub_id) for stub_id, items in expired.items()],
        )
        return [*expired]

    def spread(
        self, agency: str, tokens: Collection[bytes], now: int, publication: str = ""
    ) -> Mapping[bytes, int]:
        """How many of an agency's stubs have each token, had it and are counted still, or will
        have it by a publication that is staged: 0 of one that none has.
        """
        # Not as one query over a UNION: SQLite would read the tables whole.
        have = "SELECT token, stub_id FROM token WHERE agency = ? AND token IN (:among)"
        had = (
            "SELECT token, stub_id FROM former_token "
            "WHERE agency = ? AND until > ? AND token IN (:among)"
        )
        will = "SELECT token, stub_id FROM staged_token WHERE publication = ? AND token IN (:among)"
        rows = [
            *self._tx.rows_among(have, agency, among=tokens),
            *self._tx.rows_among(had, agency, now, among=tokens),
            *self._tx.rows_among(will, publication, among=tokens),
        ]
        return Counter(token for token, _ in {(row["token"], row["stub_id"]) for row in rows})

    def forget_former(self, now: int, most: int = 1000) -> bool:
        """Forget tokens that left their stubs long ago, unless another agency holds them still:
        then it matters who came first (04-matching.md §7.3). Whether there may be more than these.
        """
        gone = self._tx.rows(
            "SELECT f.token, f.stub_id FROM former_token f WHERE f.until <= ? AND NOT EXISTS "
            "(SELECT 1 FROM token t WHERE t.token = f.token AND t.agency <> f.agency) LIMIT ?",
            now, most,
        )  # fmt: skip
        self._tx.run_many(
            "DELETE FROM former_token WHERE token = ? AND stub_id = ?",
            [(row["token"], row["stub_id"]) for row in gone],
        )
        return len(gone) == most

    def _put_tokens(
        self, held: Mapping[str, HeldTokens], moves: _TokenMoves, placed: Placed
    ) -> None:
        rows = [
            (token, stub_id, key, ordinal)
            for stub_id, by_key in moves.new.items()
            for key, values in by_key.items()
            for ordinal, token in enumerate(values)
        ]
        rows.sort()  # as the table is ordered
        own = {stub_id: held.get(stub_id, NO_TOKENS).since for stub_id in moves.new}
        came = {token for token, stub_id, *_ in rows if token not in own[stub_id]}
        first = self._first_held(placed, came | {token for token, _ in moves.left})
        self._tx.run_among("DELETE FROM token WHERE stub_id IN (:among)", among=moves.new)
        self._tx.insert_rows(
            "token",
            ("token", "stub_id", "match_key_id", "ordinal", "agency", "since"),
            [
                (token, stub_id, *rest, placed.agency, own[stub_id].get(token, first.get(token)))
                for token, stub_id, *rest in rows
            ],
        )
        self._tx.put_many(
            "former_token",
            [
                {
                    "token": token,
                    "stub_id": stub_id,
                    "agency": placed.agency,
                    "until": placed.former_until,
                    "since": first[token],
                }
                for token, stub_id in sorted(moves.left)
            ],
            ("token", "stub_id"),
        )

    def _first_held(self, placed: Placed, tokens: Collection[bytes]) -> dict[bytes, int]:
        """The log index at which an agency came by each token, were it in another stub or long
        ago; this publication's for what is new to it.
        """
        have = (
            "SELECT token, MIN(since) AS first FROM token "
            "WHERE agency = ? AND token IN (:among) GROUP BY token"
        )
        had = (
            "SELECT token, MIN(since) AS first FROM former_token "
            "WHERE agency = ? AND token IN (:among) GROUP BY token"
        )
        first = dict.fromkeys(tokens, placed.index)
        for sql in (have, had):
            for row in self._tx.rows_among(sql, placed.agency, among=tokens):
                first[row["token"]] = min(first[row["token"]], row["first"])
        return first


def _token_moves(
    held: Mapping[str, HeldTokens], tokens: Mapping[str, PepperedTokens]
) -> _TokenMoves:
    """What becomes of the tokens that stubs hold, where they are to hold these."""
    new: dict[str, PepperedTokens] = {}
    left: set[tuple[bytes, str]] = set()
    dropped: set[TypedToken] = set()
    for stub_id, after in tokens.items():
        before = held.get(stub_id, NO_TOKENS).by_key
        if after == before:
            continue
        new[stub_id] = after
        gone = {token for values in before.values() for token in values}
        gone.difference_update(*after.values())
        left |= {(token, stub_id) for token in gone}
        dropped |= {
            (key, token)
            for key, values in before.items()
            for token in set(values).difference(after.get(key, ()))
        }
    return _TokenMoves(new, left, dropped)


def stub_row(row: StubRow, agency: str) -> Row:
    """The columns of a stub that its row gives."""
    return {
        "stub_id": row.stub_id,
        "agency": agency,
        "revision": row.revision,
        "retired": int(row.retired),
        "involvements": json.dumps([item.model_dump(mode="json") for item in row.involvements]),
        "next_expiry": min(_expiries(row.involvements), default=None),
    }


def _stub(row: Row) -> Stub:
    return Stub(
        row["stub_id"],
        row["agency"],
        row["revision"],
        bool(row["retired"]),
        involvements_of(row),
        row["publication"],
    )


def involvements_of(row: Row) -> tuple[PublishedInvolvement, ...]:
    """The involvements in a stored stub."""
    return _INVOLVEMENTS.validate_json(row["involvements"])


def _expiries(involvements: Iterable[PublishedInvolvement]) -> list[int]:
    """When permissions and work end."""
    times = [(item.permission.valid_until, item.active_until) for item in involvements]
    return [time for pair in times for time in pair if time is not None]


def _next_expiry(involvements: Collection[PublishedInvolvement], now: int, past: int) -> int | None:
    times = _expiries(involvements)
    times += [item.active_until + past for item in involvements if item.active_until is not None]
    return min((time for time in times if time > now), default=None)
