"""What an import does, or would do."""

from dataclasses import dataclass, field

from node.records.importer.look import FileWarning
from node.records.importer.rows import RowError, RowNote


@dataclass
class ImportReport:
    """What an import did, in rows; `held` clients of those that are stored are not published before
    a person has said who it is. `errors` are the rows that were left out, `notes` what rows that
    were taken lost, `warnings` what a person must look at. `missing`: work that was closed because
    the file has it no longer, by the client's local id and type; `still_ended`: how much the file
    has as going on that a person here has ended.
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    without_permission: int = 0
    findable: dict[str, int] = field(default_factory=dict)
    held: int = 0
    still_ended: int = 0
    missing: list[tuple[str, str]] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    notes: list[RowNote] = field(default_factory=list)
    warnings: list[FileWarning] = field(default_factory=list)

    @property
    def stored(self) -> int:
        """Rows that are in the database now."""
        return self.new + self.changed + self.unchanged

    @property
    def rejected(self) -> int:
        """Lines that were left out."""
        return len({error.line for error in self.errors})
