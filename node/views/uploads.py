"""What an import of a file did, or would do, as a value that is kept beside the file."""

from typing import Any

from node.records.import_report import ImportReport
from node.records.importer.table import Reading

MOST_SHOWN = 50


def report_value(
    report: ImportReport, reading: Reading, warnings: list[dict[str, Any]]
) -> dict[str, Any]:
    """Counts of rows, the first faults of rows, and what speaks against the file. `told`: whether
    the hubs have heard of it; None: not yet.
    """
    faults = [[item.line, item.field, item.reason] for item in report.errors[:MOST_SHOWN]]
    notes = [[item.line, item.field, item.reason] for item in report.notes[:MOST_SHOWN]]
    return {
        "rows": reading.rows,
        "stored": report.stored,
        "left_out": report.rejected,
        "new": report.new,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "without_permission": report.without_permission,
        "findable": sum(report.findable.values()),
        "held": report.held,
        "still_ended": report.still_ended,
        "missing": len(report.missing),
        "noted": len({item.line for item in report.notes}),
        "faults": faults,
        "notes": notes,
        "warnings": warnings,
        "told": None,
    }
