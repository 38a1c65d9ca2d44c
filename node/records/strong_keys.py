"""What tells somebody again: equal values, and what speaks against one person all the same.

specs/09-imports.md §5 and §14. The same for clients who are here and for those of whom only keyed
hashes are left.
"""

import hashlib
import hmac
from collections.abc import Collection, Iterator

from node.records.importer.local_ids import spreadsheet_form
from node.store.held import Agreeing
from node.store.tables import NodeTables
from protocol.matchkeys.records import ClientRecord, NormalRecord, normalise_record

STRONG = frozenset({Agreeing.NHS_NUMBER, Agreeing.NAME_AND_BIRTH})
ANY = "*"
DOMAIN = b"patchwork.withdrawn.v1"

Words = tuple[str | None, ...]


def strong_keys(record: NormalRecord) -> Iterator[tuple[Agreeing, Words]]:
    """What tells somebody again, the strongest first; days and months are often swapped."""
    born, family = record.born, (record.family_skeletons or (None,))[0]
    swapped = "".join(sorted((born[4:6], born[6:]))) if born else ""
    either = born[:4] + swapped if born else None
    yield Agreeing.NHS_NUMBER, ("nhs", record.nhs_number)
    yield Agreeing.NAME_AND_BIRTH, ("name", record.given_skeleton, family, either)
    yield Agreeing.FAMILY_AND_BIRTH, ("family", family, either)
    yield Agreeing.PLACE_AND_BIRTH, ("place", record.postcode, either)


def may_be(why: Agreeing, new: NormalRecord, old: NormalRecord) -> bool:
    """A family name or a place with a birth date says little where number or given name differ."""
    if why in STRONG:
        return True
    numbers_differ = new.nhs_number and old.nhs_number and new.nhs_number != old.nhs_number
    one, two = new.given_skeleton, old.given_skeleton
    return not numbers_differ and (not one or not two or one[0] == two[0])


def left_by(record: ClientRecord, local_ids: Collection[str], secret: bytes) -> set[bytes]:
    """The keyed hashes that somebody leaves. Of a weak key there are two: with the first letter of
    the given name, and for rows that have none; whether there was a number stands in both.
    """
    normal = normalise_record(record)
    number = "1" if normal.nhs_number else "0"
    left = {_hash(secret, ("id", spreadsheet_form(local_id))) for local_id in local_ids}
    for why, words in strong_keys(normal):
        if all(words) and why in STRONG:
            left.add(_hash(secret, words))
        elif all(words):
            letter = (normal.given_skeleton or "")[:1]
            left |= {_hash(secret, (*words, number, one)) for one in (letter, ANY)}
    return left


class WhoWithdrew:
    """Compares rows with those who withdrew and whose records are deleted."""

    def __init__(self, tables: NodeTables, now: int) -> None:
        self._tables, self._now = tables, now
        self._secret = tables.withdrawn.secret()

    def like(self, record: ClientRecord, local_id: str | None = None) -> dict[bytes, Agreeing]:
        """By which of their hashes somebody may be one of them, the strongest first."""
        if self._secret is None:
            return {}
        asked = {_hash(self._secret, words): why for why, words in _asked(record, local_id)}
        there = self._tables.withdrawn.among(asked, self._now)
        return {item: why for item, why in asked.items() if item in there}


def _asked(record: ClientRecord, local_id: str | None) -> Iterator[tuple[Agreeing, Words]]:
    """What is looked up of a row: who has a number is not one with another number, who has a given
    name not one whose begins with another letter.
    """
    normal = normalise_record(record)
    if local_id is not None:
        yield Agreeing.LOCAL_ID, ("id", spreadsheet_form(local_id))
    letter = (normal.given_skeleton or "")[:1]
    for why, words in strong_keys(normal):
        if not all(words):
            continue
        if why in STRONG:
            yield why, words
            continue
        for number in ("0",) if normal.nhs_number else ("0", "1"):
            for one in (letter, "") if letter else (ANY,):
                yield why, (*words, number, one)


def _hash(secret: bytes, words: Words) -> bytes:
    said = b"\0".join((word or "").encode("utf-8", "surrogatepass") for word in words)
    return hmac.digest(secret, DOMAIN + b"\0" + said, hashlib.sha256)
