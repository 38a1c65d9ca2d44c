"""What the hashes of a file's rows are keyed with, docs/adr/0056-rows-seen-before.md.

Loading this reads the program's text: what imports nothing does not load it.
"""

import sys
from collections.abc import Sequence
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import node
import protocol
import storage
from node.records.importer.checks import Terms
from node.records.importer.mapping import ColumnMapping, dump_mapping


def key_of(mapping: ColumnMapping, header: Sequence[str], terms: Terms) -> bytes | None:
    """What the hashes of a file's rows are keyed with: all that reading and judging a row depends
    on beside the row and the database. Of the day that is the year: a date that was to come is
    told and never kept, and one that is past stays so.
    """
    if _CODE is None:
        return None
    types = None if terms.types is None else sorted(terms.types)
    said = (_CODE, dump_mapping(mapping), tuple(header), types, str(terms.zone), terms.today.year)
    return blake2b(repr(said).encode("utf-8", "surrogatepass")).digest()


def _code() -> bytes | None:
    """A hash of the program, so that nobody has to remember that a change of it makes every row
    new; None where its text, or what library it reads with, is not there to be hashed.
    """
    paths = [
        path
        for package in (node, protocol, storage)
        for folder in package.__path__
        for path in sorted(Path(folder).rglob("*.py"))
    ]
    try:
        whole = blake2b(f"{sys.version} ftfy {version('ftfy')}".encode())
        for path in paths:
            whole.update(blake2b(path.read_bytes()).digest())
    except (PackageNotFoundError, OSError):
        return None
    return whole.digest() if paths else None


_CODE = _code()  # at once: what is on disk may be another program by and by
