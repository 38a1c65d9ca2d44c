"""What a publication brings, between its first slice and its last (specs/07-transport.md §2).

Checked rows are staged under the publication's id, and nobody sees them. Once the manifest is in
the log they are the stubs as published (hub/store/stubs.py), and slice after slice they go where
matching finds them, tokens too.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from hub.store.stubs import PepperedTokens, Placed, Stubs, involvements_of, stub_row
from protocol.messages.bodies import StubRow
from storage.engine import Row, Transaction


@dataclass(frozen=True)
class StagedStub:
    """A row that was checked, with its tokens. `new_tokens`: they are others than the stub's last
    ones; `counted`: and that is a change which the charter limits.
    """

    row: StubRow
    tokens: PepperedTokens
    new_tokens: bool
    counted: bool


@dataclass(frozen=True)
class InForce:
    """A stub that was put in force, and what is to be remembered of its tokens."""

    stub_id: str
    commitment: str
    new_tokens: bool
    counted: bool


class Staging:
    """Staged rows and tokens within one open transaction."""

    def __init__(self, tx: Transaction, stubs: Stubs) -> None:
        self._tx = tx
        self._stubs = stubs

    def put(self, publication: str, agency: str, staged: Sequence[StagedStub]) -> None:
        """Stage rows. Raises NotUniqueError for a stub that the publication has staged before."""
        rows = [
            {
                "publication": publication,
                **stub_row(item.row, agency),
                "token_commitment": item.row.token_commitment,
                "new_tokens": int(item.new_tokens),
                "counted": int(item.counted),
            }
            for item in staged
        ]
        self._tx.insert_many("staged_stub", rows)
        self._tx.insert_rows(
            "staged_token",
            ("publication", "stub_id", "match_key_id", "ordinal", "token"),
            [
                (publication, item.row.stub_id, key, ordinal, token)
                for item in staged
                for key, tokens in item.tokens.items()
                for ordinal, token in enumerate(tokens)
            ],
        )

    def elsewhere(self, publication: str, stub_ids: Collection[str]) -> set[str]:
        """Those of these stubs that another publication is bringing at the moment."""
        rows = self._tx.rows_among(
            "SELECT s.stub_id FROM staged_stub s JOIN upload u ON u.statement_id = s.publication "
            "WHERE s.publication <> ? AND u.state <> 'dropped' AND s.stub_id IN (:among)",
            publication,
            among=stub_ids,
        )
        return {row["stub_id"] for row in rows}

    def tokens_after(self, publication: str, stub_id: str, most: int) -> Mapping[str, set[bytes]]:
        """The tokens of the next stubs by id, at most `most` of them; of none where it is over."""
        stubs = self._next(publication, stub_id, most)
        found: dict[str, set[bytes]] = {row["stub_id"]: set() for row in stubs}
        for row in self._tokens(publication, found):
            found[row["stub_id"]].add(row["token"])
        return found

    def put_in_force(self, placed: Placed, most: int) -> list[InForce]:
        """Put the next rows of a logged publication in force, tokens and all; none if all are.

        The next ends pass looks at those that may have lost something by it.
        """
        rows = self._next(placed.statement_id, "", most)
        tokens: dict[str, dict[str, list[bytes]]] = {row["stub_id"]: {} for row in rows}
        for row in self._tokens(placed.statement_id, tokens):
            tokens[row["stub_id"]].setdefault(row["match_key_id"], []).append(row["token"])
        self._tx.run_among(
            "INSERT INTO lost_stub SELECT n.stub_id FROM staged_stub n "
            "JOIN stub s ON s.stub_id = n.stub_id WHERE n.publication = ? "
            "AND (n.retired = 1 OR n.involvements <> s.involvements) AND n.stub_id IN (:among) "
            "ON CONFLICT (stub_id) DO NOTHING",
            placed.statement_id,
            among=tokens,
        )
        self._stubs.put_all([(_stub_row(row), tokens[row["stub_id"]]) for row in rows], placed)
        self._delete(placed.statement_id, list(tokens))
        return [
            InForce(
                row["stub_id"],
                row["token_commitment"],
                bool(row["new_tokens"]),
                bool(row["counted"]),
            )
            for row in rows
        ]

    def clear(self, publication: str, most: int) -> bool:
        """Forget staged rows of a publication, at most `most`; whether there were any."""
        stub_ids = [row["stub_id"] for row in self._next(publication, "", most)]
        self._delete(publication, stub_ids)
        return bool(stub_ids)

    def _next(self, publication: str, stub_id: str, most: int) -> list[Row]:
        sql = (
            "SELECT * FROM staged_stub WHERE publication = ? AND stub_id > ? "
            "ORDER BY stub_id LIMIT ?"
        )
        return self._tx.rows(sql, publication, stub_id, most)

    def _tokens(self, publication: str, stub_ids: Collection[str]) -> list[Row]:
        sql = (
            "SELECT * FROM staged_token WHERE publication = ? AND stub_id IN (:among) "
            "ORDER BY stub_id, match_key_id, ordinal"
        )
        return self._tx.rows_among(sql, publication, among=stub_ids)

    def _delete(self, publication: str, stub_ids: Collection[str]) -> None:
        for table in ("staged_token", "staged_stub"):
            self._tx.run_among(
                f"DELETE FROM {table} WHERE publication = ? AND stub_id IN (:among)",  # noqa: S608 - our names
                publication,
                among=stub_ids,
            )


def _stub_row(row: Row) -> StubRow:
    return StubRow.model_construct(
        stub_id=row["stub_id"],
        revision=row["revision"],
        retired=bool(row["retired"]),
        involvements=list(involvements_of(row)),
        token_commitment=row["token_commitment"],
    )
