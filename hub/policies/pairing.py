"""Candidate pairs of a folder and how their keys compare: what a hub would see, and the truth.

Digests of values stand in for tokens, under a secret that is forgotten: a token is equal exactly
when its value is, and no name gets onto a disk.
"""

import csv
import io
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from itertools import islice

from hub.policies.folder import KnownRecord
from hub.store.bulk import BulkPairs, bulk_pairs
from protocol.matchkeys.policy import MatchPolicy
from protocol.matchkeys.recipes import match_keys, names_somebody
from runtime.processes import process_pool

Progress = Callable[[int], None]
"""Told how many records are done."""

Numbered = tuple[int, int, KnownRecord]
"""A record with its number and its agency's."""

BATCH, AT_ONCE = 2_000, 20


@dataclass(frozen=True)
class Pattern:
    """Which key types agree and which differ."""

    agree: tuple[str, ...]
    differ: tuple[str, ...]


@dataclass(frozen=True)
class Seen:
    """Pairs of two agencies that compare so, and how many of them are of one person."""

    pattern: Pattern
    pairs: int
    same: int


@dataclass(frozen=True)
class Candidates:
    """The pairs of different agencies that share a token. `patterns` has those of pairs of one
    agency too, with none seen.

    `true_pairs` counts all pairs of one person in two agencies, found or not.
    """

    pairs: BulkPairs
    patterns: Mapping[tuple[int, int], Seen]
    records: int
    people: int
    true_pairs: int
    tokens_by_key: Mapping[str, int]

    @property
    def tokens(self) -> int:
        """Tokens of all records together."""
        return sum(self.tokens_by_key.values())


@contextmanager
def find_candidates(
    records: Iterable[KnownRecord],
    policy: MatchPolicy,
    progress: Progress = lambda done: None,
) -> Iterator[Candidates]:
    """Make keys and compare all pairs that share one, in a temporary folder.

    Raises RemoteError for an unknown key id, LocalError if DuckDB or the room for it is missing.
    """
    agencies: dict[str, int] = {}
    caps = {key: weights.cap for key, weights in policy.keys.items()}
    make = partial(_marks, caps, secrets.token_bytes(32))
    numbered = (
        (number, agencies.setdefault(known.agency, len(agencies)), known)
        for number, known in enumerate(records)
    )
    with bulk_pairs() as pairs, process_pool() as pool:
        done = 0
        while batches := _batches(numbered):
            made = (pool.map if len(batches) > 1 else map)(make, batches)
            pairs.take(*map("".join, zip(*made, strict=True)))
            done += sum(map(len, batches))
            progress(done)
        pool.shutdown()
        pairs.compare(policy.stop_token_records)
        yield _found(pairs, tuple(policy.keys))


def _found(pairs: BulkPairs, keys: tuple[str, ...]) -> Candidates:
    def named(bits: int) -> tuple[str, ...]:
        return tuple(key for at, key in enumerate(keys) if bits >> at & 1)

    patterns = {
        (agree, differ): Seen(Pattern(named(agree), named(differ)), *counts)
        for agree, differ, *counts in pairs.patterns()
    }
    tokens = {keys[bit]: count for bit, count in pairs.marks_by_bit().items()}
    return Candidates(pairs, patterns, *pairs.totals(), tokens)


def _batches(records: Iterator[Numbered]) -> list[list[Numbered]]:
    """The next records, in batches for one process each."""
    return [batch for _ in range(AT_ONCE) if (batch := list(islice(records, BATCH)))]


def _marks(caps: Mapping[str, int], secret: bytes, batch: Sequence[Numbered]) -> tuple[str, str]:
    """What `BulkPairs.take` takes of a batch."""
    records, marks = io.StringIO(), io.StringIO()
    for_records, for_marks = csv.writer(records), csv.writer(marks)

    def digest(of: str) -> str:
        return blake2b(of.encode("utf-8", "surrogatepass"), key=secret, digest_size=16).hexdigest()

    for number, agency, known in batch:
        for_records.writerow((number, agency, digest(known.person), known.hard_case))
        made = match_keys(known.record, caps)
        if not names_somebody(made):
            continue  # no agency may publish such a record: §10
        for_marks.writerows(
            (number, bit, digest(f"{key}={value}"))
            for bit, (key, cap) in enumerate(caps.items())
            for value in made.get(key, ())[:cap]
        )
    return records.getvalue(), marks.getvalue()
