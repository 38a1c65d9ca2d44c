"""Stubs and their peppered tokens, those that left included, and which stubs to look at next.

Tokens come in already peppered (hub/matching/pepper.py): a stolen database holds nothing that the
token key alone could reverse. They are written once, under the number of the try that brings them
(hub/store/staging.py): what is not logged does not count, and of a stub's sets that count the
newest is its own. Each call takes many, in a few statements however many they are.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from pydantic import TypeAdapter

from protocol.messages.bodies import PublishedInvolvement, StubRow
from storage.engine import Row, Transaction

PepperedTokens = Mapping[str, Sequence[bytes]]
TypedToken = tuple[str, bytes]
"""A match key's id and a peppered token of that type."""

# More holders of one token than any policy counts are not told of a change in it.
CROWD = 200
EVERY = 2**62

STUB_COLUMNS = ("stub_id", "agency", "revision", "retired", "involvements", "next_expiry")
_TOKEN_COLUMNS = ("token", "stub_id", "match_key_id", "put_by", "agency", "ordinal", "since")
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
class KnownTokens:
    """What an agency's stubs have to do with some tokens: in which they are, or were and are
    counted still; since which log index it has each, were it in another stub or long ago.
    """

    stub_ids: Mapping[bytes, Collection[str]]
    since: Mapping[bytes, int]


@dataclass(frozen=True)
class Placed:
    """The publication that puts stubs: whose it is, its statement id, the number of the try that
    was logged, when it was signed and under which charter, and until when tokens that leave a stub
    by it are counted there.
    """

    agency: str
    statement_id: str
    number: int
    signed_at: int
    charter_version: int
    former_until: int


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
            "SELECT s.*, u.statement_id AS publication FROM staged_stub s "
            "JOIN upload u ON u.number = s.put_by "
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
            "SELECT since, put_by, stub_id, match_key_id, token FROM token "
            "WHERE put_by NOT IN (:not_yet) AND stub_id IN (:among) "
            "ORDER BY stub_id, put_by, match_key_id, ordinal"
        )
        newest: dict[str, int] = {}
        by_key: dict[str, dict[str, list[bytes]]] = {}
        since: dict[str, dict[bytes, int]] = {}
        for first, put_by, stub_id, key, token in self._token_rows(sql, among=stub_ids):
            if newest.get(stub_id) != put_by:
                newest[stub_id], by_key[stub_id], since[stub_id] = put_by, {}, {}
            by_key[stub_id].setdefault(key, []).append(token)
            since[stub_id][token] = first
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
            "FROM token WHERE put_by NOT IN (:not_yet) AND token IN (:among)) AS held WHERE told"
        )
        found: dict[TypedToken, list[Holder]] = {typed: [] for typed in tokens}
        among = {token for _, token in tokens}
        rows = self._tx.tuples_among(self._counting(sql), most, among=among)
        for key, token, stub_id, agency in rows:
            if (key, token) in found:
                found[key, token].append(Holder(stub_id, agency))
        return {typed: tuple(holders) for typed, holders in found.items() if holders}

    def known_tokens(
        self, agency: str, tokens: Collection[bytes], now: int, number: int = 0
    ) -> KnownTokens:
        """What an agency's stubs have to do with tokens; also those that the try of this number has
        placed.
        """
        have = (
            "SELECT since, put_by, token, stub_id FROM token "
            "WHERE agency = ? AND put_by NOT IN (:not_yet) AND token IN (:among)"
        )
        had = (
            "SELECT since, until, token, stub_id FROM former_token "
            "WHERE agency = ? AND token IN (:among)"
        )
        in_order = sorted(tokens)  # as the tables are
        rows = self._token_rows(have, agency, among=in_order, number=number)
        former = self._tx.tuples_among(had, agency, among=in_order)
        live = [(first, EVERY, token, stub_id) for first, _, token, stub_id in rows]
        stub_ids: dict[bytes, set[str]] = {}
        since: dict[bytes, int] = {}
        for first, until, token, stub_id in (*live, *former):
            if until > now:
                stub_ids.setdefault(token, set()).add(stub_id)
            if first is not None:
                since[token] = min(first, since.get(token, first))
        return KnownTokens(stub_ids, since)

    def place_tokens(
        self,
        number: int,
        agency: str,
        tokens: Mapping[str, PepperedTokens],
        since: Mapping[bytes, int],
    ) -> None:
        """Write the whole token sets of stubs, under a try's number; `since` as of KnownTokens."""
        rows = [
            (token, stub_id, key, number, agency, ordinal, since.get(token))
            for stub_id, by_key in tokens.items()
            for key, values in by_key.items()
            for ordinal, token in enumerate(values)
        ]
        rows.sort(key=itemgetter(0))  # as the table is ordered
        self._tx.insert_rows("token", _TOKEN_COLUMNS, rows)

    def take_back(self, number: int, stub_ids: Collection[str]) -> None:
        """Forget tokens of stubs that were placed under this number."""
        sql = "DELETE FROM token WHERE put_by = ? AND stub_id IN (:among)"
        self._tx.run_among(sql, number, among=stub_ids)

    def replace_tokens(self, retired: Mapping[str, bool], placed: Placed) -> None:
        """Forget the tokens that stubs had before a logged publication placed others, or retired
        them. Those that left are counted there still, until `placed.former_until`. Stubs of other
        agencies that shared them are marked: it may have been a rival of theirs.
        """
        sql = (
            "SELECT since, put_by, stub_id, match_key_id, token FROM token "
            "WHERE put_by NOT IN (:not_yet) AND stub_id IN (:among)"
        )
        rows = self._token_rows(sql, among=retired)
        new = {tuple(typed) for _, put_by, *typed in rows if put_by == placed.number}
        renewed = {stub_id for stub_id, *_ in new} | {one for one, gone in retired.items() if gone}
        old = [
            (first, stub_id, key, token)
            for first, put_by, stub_id, key, token in rows
            if put_by < placed.number and stub_id in renewed
        ]
        held = {(stub_id, token) for stub_id, _, token in new}
        left = {
            (token, stub_id): first
            for first, stub_id, _, token in old
            if (stub_id, token) not in held
        }
        dropped = {
            (key, token) for _, stub_id, key, token in old if (stub_id, key, token) not in new
        }
        self._tx.run_among(
            "DELETE FROM token WHERE put_by < ? AND stub_id IN (:among)",
            placed.number,
            among=renewed,
        )
        self._tx.put_many(
            "former_token",
            [
                {
                    "token": token,
                    "stub_id": stub_id,
                    "agency": placed.agency,
                    "until": placed.former_until,
                    "since": since,
                }
                for (token, stub_id), since in sorted(left.items())
            ],
            ("token", "stub_id"),
        )
        shared = self.holders(dropped, CROWD).values()
        self.mark({one.stub_id for some in shared for one in some if one.agency != placed.agency})

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
            "SELECT 1 FROM staged_stub s JOIN upload u ON u.number = s.put_by "
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

    def _token_rows(
        self, sql: str, *values: object, among: Collection[object], number: int = 0
    ) -> list[tuple[Any, ...]]:
        """Rows of tokens that count, and of the try of this number: `since`, `put_by` and what else
        is asked for; `since` is None in the latter where it is to be the index at which it will be
        logged.
        """
        found = self._tx.tuples_among(self._counting(sql, number), *values, among=among)
        fresh = {put_by for since, put_by, *_ in found if since is None}
        logged = self._tx.rows_among(
            "SELECT number, idx FROM publication WHERE number IN (:among)", among=fresh
        )
        index = {row["number"]: row["idx"] for row in logged}
        return [row if row[0] is not None else (index[row[1]], *row[1:]) for row in found]

    def _counting(self, sql: str, number: int = 0) -> str:
        """A statement that leaves out what `(:not_yet)` counts: all tries but the one named."""
        tries = self._tx.rows("SELECT number FROM publication WHERE idx IS NULL")
        left_out = [-1, *(row["number"] for row in tries if row["number"] != number)]
        return sql.replace(":not_yet", ", ".join(map(str, left_out)))


def stub_values(row: StubRow, agency: str) -> tuple[object, ...]:
    """The columns of a stub that its row gives, as STUB_COLUMNS."""
    return (
        row.stub_id,
        agency,
        row.revision,
        int(row.retired),
        _INVOLVEMENTS.dump_json(tuple(row.involvements)).decode("utf-8"),
        min(_expiries(row.involvements), default=None),
    )


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
