"""What an audit says to a person and to a script (specs/08-audit.md §4). Pure text."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from audit.findings import ADVICE, Finding, Severity, exit_code

SHOWN_EACH = 200

_HEADINGS = {
    Severity.BROKEN: "BROKEN: the material contradicts itself or its signatures",
    Severity.MISSING: "MISSING: needed, but not there",
    Severity.RULE: "RULE: the log is intact, but a rule was broken",
}
VERDICTS = (
    "Clean: everything that was checked holds.",
    "Integrity is broken.",
    "",
    "Incomplete: something needed is missing.",
    "Intact, with rule findings.",
)


@dataclass(frozen=True)
class Report:
    """What was checked, with counts, and what was found."""

    title: str
    checked: Mapping[str, int]
    findings: Sequence[Finding]

    @property
    def exit_code(self) -> int:
        """The exit code that goes with the findings."""
        return exit_code(self.findings)

    def to_json(self) -> str:
        """The report for a script."""
        found = [
            {
                "severity": item.severity.value,
                "code": item.code.value,
                "index": item.index,
                "detail": item.detail,
                **({"notes": list(item.notes)} if item.notes else {}),
            }
            for item in self.findings
        ]
        value = {"exit_code": self.exit_code, "checked": dict(self.checked), "findings": found}
        return json.dumps(value, indent=1)

    def to_text(self) -> str:
        """The report for a person, in plain sentences."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield self.title
        yield ""
        yield "Checked:"
        for name, count in self.checked.items():
            yield f"  {count:>10,}  {name.replace('_', ' ')}"
        for severity in Severity:
            found = [item for item in self.findings if item.severity is severity]
            if found:
                yield from _section(severity, found)
        yield ""
        yield VERDICTS[self.exit_code]


def _section(severity: Severity, found: Sequence[Finding]) -> Iterator[str]:
    yield ""
    yield f"{_HEADINGS[severity]} ({len(found)})"
    for item in found[:SHOWN_EACH]:
        place = "        -" if item.index is None else f"{item.index:>9}"
        yield f"{place}  {item.code.value}: {item.detail}"
        for note in item.notes:
            yield ""
            yield from (f"    {line}" for line in note.splitlines())
    if len(found) > SHOWN_EACH:
        yield f"           and {len(found) - SHOWN_EACH} more: see --json"
    yield f"  {ADVICE[severity]}"
