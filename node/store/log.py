"""This node's own view of each log that it follows: on the tables of storage/logview.py."""

from collections.abc import Iterable, Mapping

from protocol.governance.follow import LogView, PublicLeaf
from storage.engine import Transaction
from storage.logview import load_view, save_view


class LogViews:
    """Views, each by the genesis fingerprint of its log."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def load(self, genesis: str) -> LogView:
        """The view that is kept, or a fresh one that knows only the genesis fingerprint."""
        return load_view(self._tx, genesis)

    def save(
        self, view: LogView, leaves: Iterable[PublicLeaf], documents: Mapping[str, bytes]
    ) -> None:
        """Keep a view with the leaves and documents that came with it; never in the place of a
        longer one.
        """
        save_view(self._tx, view, leaves, documents)
