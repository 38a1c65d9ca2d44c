"""What later decisions and rounds rest on, and so is not erased (specs/05-log.md §7.1)."""

from storage.engine import Transaction

_STANDING = (
    "SELECT publication AS id FROM stub WHERE retired = 0 "
    "UNION SELECT round_id FROM link WHERE state <> 'ended' "
    "UNION SELECT v.statement_id FROM verdict v JOIN link USING (link_id) WHERE state <> 'ended'"
)


class Standing:
    """Statements in use, within one open transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def statements(self) -> set[str]:
        """The ids of the last publication of a stub that is not retired, the last round that put
        a link that has not ended, and what its sides last said of it.
        """
        return {row["id"] for row in self._tx.rows(_STANDING)}
