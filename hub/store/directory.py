"""Who is who, by version: memory is never ahead of the log.

Whoever appends a public leaf writes, in the same transaction, a version that was never used before.
A transaction that reads the directory reads its version first, and finds it in memory or makes it
from the log's public leaves. What memory holds is right whatever became of the transaction that put
it there: the version of one that was rolled back is in no database, so nobody ever asks for it.
"""

from collections import OrderedDict
from threading import Lock

from hub.store.charters import Charters
from hub.store.log import Log
from protocol.governance.directory import Directory, apply_public_leaf, needed_document
from protocol.messages.kinds import Leaf, kinds_that
from storage.engine import Transaction

KEPT = 8
"""Versions in memory: the last ones, and those of transactions that were rolled back."""

PUBLIC_KINDS = kinds_that(lambda kind: kind.leaf is Leaf.PUBLIC)


class DirectoryMemo:
    """The directories of the last few versions of one database. Belongs to its engine, whose
    threads share it.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: OrderedDict[str | None, Directory] = OrderedDict()

    def get(self, version: str | None) -> Directory | None:
        """The directory of a version, if it is remembered."""
        with self._lock:
            known = self._known.get(version)
            if known is not None:
                self._known.move_to_end(version)
            return known

    def keep(self, version: str | None, directory: Directory) -> None:
        """Remember the directory of a version in place of the one longest unused."""
        with self._lock:
            self._known[version] = directory
            while len(self._known) > KEPT:
                self._known.popitem(last=False)


class DirectoryStore:
    """The directory within one open transaction."""

    def __init__(self, tx: Transaction, memo: DirectoryMemo) -> None:
        self._tx = tx
        self._memo = memo
        self._current: Directory | None = None

    def current(self) -> Directory:
        """The directory as this transaction finds it, with what it appended itself."""
        if self._current is None:
            version = self._version()
            known = self._memo.get(version)
            if known is None:
                known = self._replayed()
                self._memo.keep(version, known)
            self._current = known
        return self._current

    def append(self, index: int, envelope: bytes, version: str) -> None:
        """Take in the public leaf that is about to be written at `index`, under a version that
        nothing else ever has. Raises RemoteError for a leaf that everybody else would refuse.
        """
        directory = self._with(self.current(), index, envelope)
        self._tx.put("directory_version", {"id": 1, "version": version}, ("id",))
        self._memo.keep(version, directory)
        self._current = directory

    def _version(self) -> str | None:
        """None is a version too: of a database that no public leaf was appended to since it has
        versions. Only this program appends, so the leaves of that version never change.
        """
        row = self._tx.one("SELECT version FROM directory_version")
        return str(row["version"]) if row else None

    def _replayed(self) -> Directory:
        """The directory from the hub's own public leaves, as everybody else builds it."""
        directory = Directory()
        for leaf in Log(self._tx).of_kinds(PUBLIC_KINDS):
            directory = self._with(directory, leaf.index, leaf.envelope)
        return directory

    def _with(self, directory: Directory, index: int, envelope: bytes) -> Directory:
        needed = needed_document(envelope)
        documents = Charters(self._tx).documents([needed] if needed else [])
        return apply_public_leaf(directory, index, envelope, documents)
