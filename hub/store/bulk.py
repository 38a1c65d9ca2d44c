"""All pairs of a folder of records at once, in a database that is thrown away: DuckDB.

For `policy evaluate` and `policy train`, never for a hub in service, whose tables have an engine
of their own (storage/). It holds digests, agencies and who is truly one person; memory is bounded,
what does not fit lies in a temporary folder. It finds pairs and what stands against them. What
that is worth the caller says, by protocol/matchkeys: of the few ways in which pairs agree, each
once.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from protocol.errors import ErrorCode, LocalError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY = "1GB"
_MISSING = (
    "the library DuckDB compares the records and is not installed: "
    "pip install 'duckdb>=2' where Patchwork is (no service needs it)"
)
_NO_ROOM = (
    "the comparison had no room for its temporary files, some 3 GB for a million records; set "
    "TMPDIR to a folder that has it"
)

# A mark is a token's stand-in: a digest of key type and value. Bits number the key types.
_TABLES = """
CREATE TABLE record (number INTEGER, agency SMALLINT, person UUID, hard_case VARCHAR);
CREATE TABLE mark (number INTEGER, bit UTINYINT, value UUID);
"""
_PAIRS = """
CREATE TABLE shared AS
    SELECT value, count(*) > {most} AS crowd FROM mark GROUP BY value HAVING count(*) > 1;
CREATE TABLE held AS
    SELECT number, bit_or(1::UINTEGER << bit) AS bits
    FROM mark ANTI JOIN (SELECT value FROM shared WHERE crowd) USING (value) GROUP BY number;
CREATE TABLE meeting AS
    SELECT mark.* FROM mark SEMI JOIN (SELECT value FROM shared WHERE NOT crowd) USING (value);
CREATE TABLE met AS
    SELECT x.number AS a, y.number AS b, bit_or(1::UINTEGER << x.bit) AS agree
    FROM meeting x JOIN meeting y ON x.value = y.value AND x.number < y.number
    GROUP BY ALL;
CREATE TABLE pair AS
    SELECT a, b, x.agency AS of_a, y.agency AS of_b, agree, (p.bits & q.bits & ~agree) AS differ,
        x.person = y.person AS same,
        CASE WHEN x.hard_case = y.hard_case THEN x.hard_case ELSE '' END AS hard_case
    FROM met JOIN record x ON x.number = a JOIN record y ON y.number = b
        JOIN held p ON p.number = a JOIN held q ON q.number = b;
DROP TABLE shared; DROP TABLE meeting; DROP TABLE met; DROP TABLE held;
"""
_TOTALS = """
SELECT count(*), count(DISTINCT person),
    (SELECT coalesce(sum((everywhere * everywhere - within) // 2), 0) FROM (
        SELECT sum(n) AS everywhere, sum(n * n) AS within
        FROM (SELECT person, count(*) AS n FROM record GROUP BY person, agency) GROUP BY person))
FROM record
"""
_TRUE_BY_CASE = """
SELECT hard_case, sum((everywhere * everywhere - within) // 2) FROM (
    SELECT hard_case, sum(n) AS everywhere, sum(n * n) AS within FROM (
        SELECT hard_case, person, count(*) AS n FROM record WHERE hard_case <> ''
        GROUP BY hard_case, person, agency)
    GROUP BY hard_case, person)
GROUP BY hard_case
"""

# Nothing below `lower` is a rival, and nothing below `sure` a fit elsewhere: so few are looked at.
_STANDING = """
CREATE OR REPLACE TABLE near AS
    WITH fit AS (
        SELECT a, b, of_a, of_b, score FROM pair JOIN alone USING (agree, differ)
        WHERE of_a <> of_b AND score >= least({lower}, {sure}))
    SELECT a AS stub, b AS other, of_b AS agency, score FROM fit
    UNION ALL SELECT b, a, of_a, score FROM fit;
CREATE OR REPLACE TABLE twice AS
    WITH copy AS (
        SELECT a, b FROM pair JOIN alone USING (agree, differ) WHERE of_a = of_b AND duplicate)
    SELECT a AS stub, b AS other FROM copy UNION ALL SELECT b, a FROM copy;
CREATE OR REPLACE TABLE rival AS
    SELECT a, b, max(score) AS best FROM (
        SELECT a, b, n.other, b AS far, score FROM pair JOIN near n
            ON n.stub = a AND n.agency = of_b AND n.other <> b
        WHERE of_a <> of_b
        UNION ALL SELECT a, b, n.other, a, score FROM pair JOIN near n
            ON n.stub = b AND n.agency = of_a AND n.other <> a
        WHERE of_a <> of_b) AS met
    ANTI JOIN twice t ON t.stub = far AND t.other = met.other
    WHERE score >= {lower} GROUP BY a, b;
CREATE OR REPLACE TABLE first AS
    SELECT DISTINCT ON (stub, agency) stub, agency, other, score FROM near WHERE score >= {sure}
    ORDER BY stub, agency, score DESC, other;
CREATE OR REPLACE TABLE elsewhere AS
    SELECT DISTINCT a, b, true AS elsewhere FROM (
        SELECT a, b, x.other AS one, y.other AS two
        FROM pair JOIN alone s USING (agree, differ)
            JOIN first x ON x.stub = a JOIN first y ON y.stub = b AND y.agency = x.agency
        WHERE of_a <> of_b AND x.other <> y.other AND least(x.score, y.score) >= s.score) AS met
    ANTI JOIN twice t ON t.stub = one AND t.other = two;
CREATE OR REPLACE TABLE standing AS
    SELECT a, b, of_a, of_b, same, hard_case, agree, differ, best,
        coalesce(elsewhere, false) AS elsewhere
    FROM pair LEFT JOIN rival USING (a, b) LEFT JOIN elsewhere USING (a, b) WHERE of_a <> of_b;
"""
_JUDGED = """
CREATE OR REPLACE TABLE outcome AS
    SELECT s.* EXCLUDE (agree, differ, best, elsewhere), j.outcome, j.supportable
    FROM standing s JOIN judged j ON s.agree = j.agree AND s.differ = j.differ
        AND s.best IS NOT DISTINCT FROM j.best AND s.elsewhere = j.elsewhere;
CREATE OR REPLACE TABLE link AS
    WITH match AS (SELECT * FROM outcome WHERE outcome = {match})
    SELECT a AS stub, b AS other, of_b AS agency FROM match
    UNION ALL SELECT b, a, of_a FROM match;
CREATE OR REPLACE TABLE links AS
    SELECT stub, agency, count(*) AS n FROM link GROUP BY stub, agency;
CREATE OR REPLACE TABLE supported AS
    SELECT DISTINCT a, b, {match} AS better
    FROM (SELECT * FROM outcome
            ANTI JOIN links ON stub = a AND agency = of_b) AS o
        JOIN link x ON x.stub = a JOIN link y ON y.stub = b AND y.other = x.other
        JOIN links p ON p.stub = x.other AND p.agency = of_a
        JOIN links q ON q.stub = x.other AND q.agency = of_b
    ANTI JOIN links r ON r.stub = b AND r.agency = of_a
    WHERE supportable AND p.n = 1 AND q.n = 1;
"""
_COUNTED = """
SELECT hard_case, coalesce(better, outcome), same, count(*)
FROM outcome LEFT JOIN supported USING (a, b) GROUP BY ALL
"""


class Alone(NamedTuple):
    """How two records compare, as bits of the key types that agree and that differ; its score in
    hundredths; whether two of one agency are one client twice.
    """

    agree: int
    differ: int
    score: int
    duplicate: bool


class Standing(NamedTuple):
    """Pairs of two agencies that compare so and have such rivals: the best one's score, and
    whether the two fit others elsewhere (protocol/matchkeys/score.py); how many, and how many of
    them are of one person.
    """

    agree: int
    differ: int
    best: int | None
    elsewhere: bool
    seen: int
    same: int


class Judged(NamedTuple):
    """The outcome, by number, of the pairs that stand so; whether two links may support them."""

    agree: int
    differ: int
    best: int | None
    elsewhere: bool
    outcome: int
    supportable: bool


class BulkPairs:
    """Records and their marks, then the pairs of them that share one."""

    def __init__(self, connection: "DuckDBPyConnection", folder: Path) -> None:
        self._run, self._folder = connection.execute, folder
        self._run(_TABLES)

    def take(self, records: str, marks: str) -> None:
        """Take in lines of CSV: number, agency, person, hard case; and number, bit, digest."""
        for table, text in (("record", records), ("mark", marks)):
            path = self._folder / f"{table}.csv"
            path.write_text(text, encoding="utf-8")
            self._run(f"COPY {table} FROM '{_quoted(path)}' (FORMAT csv, HEADER false, QUOTE '\"')")
            path.unlink()

    def compare(self, most: int) -> None:
        """Find all pairs that share a mark, those apart that more than `most` records have."""
        self._run(_PAIRS.format(most=most))

    def totals(self) -> tuple[int, int, int]:
        """Records, people, and pairs of one person in two agencies, whether found or not."""
        records, people, true_pairs = self._run(_TOTALS).fetchall()[0]
        return records, people, int(true_pairs)

    def marks_by_bit(self) -> dict[int, int]:
        """How many marks there are of each key type."""
        return dict(self._run("SELECT bit, count(*) FROM mark GROUP BY bit").fetchall())

    def true_by_case(self) -> dict[str, int]:
        """Pairs of one person in two agencies, by the hard case that the person was made to be."""
        return {case: int(count) for case, count in self._run(_TRUE_BY_CASE).fetchall()}

    def patterns(self) -> list[tuple[int, int, int, int]]:
        """How pairs compare: agree, differ, pairs of two agencies, and how many are one person.

        Those of one agency alone are there with none.
        """
        return self._run(
            "SELECT agree, differ, count(*) FILTER (of_a <> of_b), "
            "count(*) FILTER (of_a <> of_b AND same) FROM pair GROUP BY agree, differ"
        ).fetchall()

    def stand(self, alone: Sequence[Alone], lower: int, sure: int) -> list[Standing]:
        """What stands against each pair. `alone` has a row for each of the patterns; rivals count
        from `lower` on, fits elsewhere from `sure`.
        """
        types = ("agree UINTEGER", "differ UINTEGER", "score INTEGER", "duplicate BOOLEAN")
        self._fill("alone", types, alone)
        self._run(_STANDING.format(lower=lower, sure=sure))
        found = self._run(
            "SELECT agree, differ, best, elsewhere, count(*), count(*) FILTER (same) "
            "FROM standing GROUP BY ALL"
        ).fetchall()
        return [Standing(*row) for row in found]

    def count(self, judged: Sequence[Judged], match: int) -> list[tuple[str, int, bool, int]]:
        """Pairs by hard case (of both records, "" if of none), outcome, and whether they are of one
        person; supported ones count as `match`. `judged` has a row for each that `stand` gave.
        """
        types = ("agree UINTEGER", "differ UINTEGER", "best INTEGER", "elsewhere BOOLEAN")
        self._fill("judged", (*types, "outcome UTINYINT", "supportable BOOLEAN"), judged)
        self._run(_JUDGED.format(match=match))
        return self._run(_COUNTED).fetchall()

    def _fill(self, table: str, types: Sequence[str], rows: Iterable[tuple[object, ...]]) -> None:
        self._run(f"CREATE OR REPLACE TABLE {table} ({', '.join(types)})")
        columns = [list(column) for column in zip(*rows, strict=True)]
        if columns:
            given = ", ".join(f"unnest(${at})" for at in range(1, len(columns) + 1))
            self._run(f"INSERT INTO {table} SELECT {given}", columns)


def _quoted(path: Path) -> str:
    """A path within quotes of SQL: COPY takes no parameters."""
    return str(path).replace("'", "''")


@contextmanager
def bulk_pairs(memory: str = MEMORY) -> Iterator[BulkPairs]:
    """A database in a temporary folder that goes with it; DuckDB keeps to so much memory.

    Raises LocalError: CONFIGURATION if DuckDB is not installed, STORAGE if there is no room.
    """
    try:
        import duckdb
    except ModuleNotFoundError as error:
        raise LocalError(ErrorCode.CONFIGURATION, _MISSING) from error
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory,
        "preserve_insertion_order": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    with TemporaryDirectory(prefix="patchwork-") as folder:
        try:
            with duckdb.connect(Path(folder) / "pairs.duckdb", config=settings) as connection:
                connection.execute("SET enable_progress_bar = false")
                yield BulkPairs(connection, Path(folder))
        except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
            raise LocalError(ErrorCode.STORAGE, _NO_ROOM) from error
